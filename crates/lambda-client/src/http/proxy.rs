//! The HTTP proxy by which servers are reached with TLS: `HTTPS_PROXY`, `NO_PROXY`.
//!
//! The proxy is asked for a tunnel (`CONNECT`), and the connection through it is TLS to the server:
//! the proxy reads neither requests nor answers. As long as there is no tunnel, nothing of a
//! request was sent.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

type BoxError = Box<dyn Error + Send + Sync>;

/// Which servers are reached by a proxy, and which is it. The default is none.
#[derive(Clone, Default)]
pub struct Proxy(Option<Arc<Matcher>>);

impl Proxy {
    /// Reads the URL of a proxy, and a comma-separated list of the hosts that are reached without
    /// it: names with their sub-domains, addresses, networks like `10.0.0.0/8`, or `*`. The error
    /// says how to write the URL; it does not repeat it, because it may hold a password.
    pub fn parse(url: &str, no_proxy: &str) -> Result<Self, String> {
        let how = "write http://host:port, with user:password@ before the host where it is needed";
        // Without a scheme it is http, as for curl.
        let url = if url.contains("://") {
            url.to_owned()
        } else {
            format!("http://{url}")
        };
        let uri: Uri = url.parse().map_err(|_| how.to_owned())?;
        let has_host = uri.host().is_some_and(|host| !host.is_empty());
        if uri.scheme_str() != Some("http") || !has_host {
            return Err(how.to_owned());
        }
        let matcher = Matcher::builder().all(url).no(no_proxy).build();
        Ok(Self(Some(Arc::new(matcher))))
    }

    /// Whether a server is reached by the proxy, by its absolute URI.
    pub fn is_for(&self, server: &Uri) -> bool {
        self.intercept(server).is_some()
    }

    fn intercept(&self, server: &Uri) -> Option<Intercept> {
        self.0.as_ref()?.intercept(server)
    }

    /// A connector to a server by the proxy, with the proxy's URI; `None` where the server is
    /// reached without one.
    pub(super) fn tunnel(
        &self,
        server: &Uri,
        tcp: &HttpConnector,
    ) -> Option<(Tunnel<HttpConnector>, Uri)> {
        let intercept = self.intercept(server)?;
        let tunnel = Tunnel::new(intercept.uri().clone(), tcp.clone());
        let tunnel = match intercept.basic_auth() {
            Some(credentials) => tunnel.with_auth(credentials.clone()),
            None => tunnel,
        };
        Some((tunnel, intercept.uri().clone()))
    }
}

/// Leaves out the credentials of the proxy.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.0 {
            Some(matcher) => fmt::Debug::fmt(matcher, f),
            None => f.write_str("None"),
        }
    }
}

/// A connection that could not be made through the proxy. Nothing was sent to the server.
#[derive(Debug)]
pub struct ProxyError {
    /// The proxy, without its credentials.
    pub proxy: Uri,
    /// Why there is no connection through it.
    pub cause: BoxError,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "through the proxy {}", self.proxy)
    }
}

impl Error for ProxyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.cause.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_for(no_proxy: &str, server: &str) -> bool {
        let proxy = Proxy::parse("proxy.example:3128", no_proxy).expect("a proxy");
        proxy.is_for(&server.parse().expect("a URI"))
    }

    #[test]
    fn servers_that_no_proxy_names_are_reached_without_it() {
        for (name, no_proxy, server, expected) in [
            ("nothing is named", "", "https://a.example/", true),
            (
                "the name",
                "b.example, a.example",
                "https://a.example/",
                false,
            ),
            ("a sub-domain", "example", "https://a.example/", false),
            (
                "a sub-domain, with a dot",
                ".example",
                "https://a.example/",
                false,
            ),
            (
                "a name that only ends like it",
                "ample",
                "https://a.example/",
                true,
            ),
            ("an address", "10.0.0.7", "https://10.0.0.7/", false),
            ("a network", "10.0.0.0/8", "https://10.1.2.3/", false),
            ("another network", "10.0.0.0/8", "https://11.1.2.3/", true),
            ("everything", "*", "https://a.example/", false),
        ] {
            assert_eq!(is_for(no_proxy, server), expected, "{name}");
        }
    }

    #[test]
    fn a_proxy_that_speaks_tls_or_socks_is_refused_without_its_password() {
        for url in [
            "https://user:secret@proxy.example",
            "socks5://user:secret@proxy.example",
            "http://",
            "http://user:secret@",
            "user:secret@a b",
        ] {
            let error = Proxy::parse(url, "").expect_err(url);
            assert!(
                error.starts_with("write http://host:port"),
                "{url}: {error}"
            );
            assert!(!error.contains("secret"), "{url}: {error}");
        }
    }

    #[test]
    fn the_password_is_not_printed() {
        let proxy = Proxy::parse("http://user:secret@proxy.example:3128", "").expect("a proxy");
        let printed = format!("{proxy:?}");
        assert!(printed.contains("proxy.example:3128"), "{printed}");
        assert!(!printed.contains("secret"), "{printed}");
    }
}
