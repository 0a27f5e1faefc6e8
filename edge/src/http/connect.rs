//! Makes connections: TCP, and TLS by ring over it.
//!
//! Ring and not aws-lc: the latter spends 30 to 45 ms of CPU on entropy at the first handshake.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_types::body::SdkBody;
use hyper::Uri;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HeaderValue;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::HttpError;
use super::roots::{self, Roots};

/// For how long to wait for a connection, as long as the AWS SDKs do.
const CONNECT: Duration = Duration::from_millis(3100);
/// The part of it that an address may take while there are others.
const ADDRESS: Duration = Duration::from_millis(500);

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    is_tls: bool,
    host: String,
    port: u16,
    authority: HeaderValue,
}

impl Origin {
    /// The server of an absolute `http` or `https` URI.
    pub fn of(uri: &Uri) -> Result<Self, String> {
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(format!("{uri} begins neither with http:// nor with https://")),
        };
        let host = uri.host().ok_or_else(|| format!("{uri} has no host"))?;
        let default = if is_tls { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(default);
        let authority = if port == default { host.to_owned() } else { format!("{host}:{port}") };
        let authority = HeaderValue::try_from(authority).map_err(|_| format!("{uri} has a host that no header can hold"))?;
        Ok(Self { is_tls, host: host.trim_matches(['[', ']']).to_owned(), port, authority })
    }

    /// What stands in `Host`.
    pub fn authority(&self) -> &HeaderValue {
        &self.authority
    }
}

/// How to make TLS; set up when it is first needed.
#[derive(Debug)]
pub struct Tls {
    roots: Roots,
    config: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl Tls {
    /// TLS with these authorities.
    pub fn new(roots: Roots) -> Self {
        Self { roots, config: OnceLock::new() }
    }

    async fn connect(&self, host: &str, tcp: TcpStream) -> Result<TlsStream<TcpStream>, HttpError> {
        let config = self.config.get_or_init(|| roots::store(&self.roots).and_then(config).map(Arc::new));
        let config = config.clone().map_err(HttpError::Roots)?;
        let name = ServerName::try_from(host.to_owned()).map_err(|error| HttpError::Unconnected(io::Error::other(error)))?;
        TlsConnector::from(config).connect(name, tcp).await.map_err(HttpError::Unconnected)
    }
}

fn config(roots: RootCertStore) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Connects to a server, in time.
pub async fn connect(origin: &Origin, tls: &Tls) -> Result<SendRequest<SdkBody>, HttpError> {
    timeout(CONNECT, reach(origin, tls)).await.unwrap_or(Err(HttpError::TooSlow(CONNECT)))
}

async fn reach(origin: &Origin, tls: &Tls) -> Result<SendRequest<SdkBody>, HttpError> {
    let tcp = call(origin).await.map_err(HttpError::Unconnected)?;
    tcp.set_nodelay(true).map_err(HttpError::Unconnected)?;
    if origin.is_tls { speak(tls.connect(&origin.host, tcp).await?).await } else { speak(tcp).await }
}

/// Tries a server's addresses, IPv4 first: a network that has no way out by IPv6 may well give its addresses.
async fn call(origin: &Origin) -> io::Result<TcpStream> {
    let mut addresses: Vec<_> = lookup_host((origin.host.as_str(), origin.port)).await?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let last = addresses.pop().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))?;
    let mut failure = None;
    for address in addresses {
        match timeout(ADDRESS, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => drop(failure.get_or_insert(error)),
            Err(_) => drop(failure.get_or_insert(io::ErrorKind::TimedOut.into())),
        }
    }
    TcpStream::connect(last).await.map_err(|error| failure.unwrap_or(error))
}

async fn speak<S>(stream: S) -> Result<SendRequest<SdkBody>, HttpError>
where
    TokioIo<S>: Read + Write + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(HttpError::Broken)?;
    // It ends with its sender; why it ends is told to whoever waits for an answer.
    tokio::spawn(connection);
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(uri: &str) -> Result<(bool, String, u16, String), String> {
        let origin = Origin::of(&uri.parse().expect("a URI"))?;
        Ok((origin.is_tls, origin.host, origin.port, origin.authority.to_str().expect("text").to_owned()))
    }

    #[test]
    fn a_server_is_named_by_its_uri_and_its_port_where_it_is_not_the_schemes() {
        let aws = origin("https://lambda.us-east-1.amazonaws.com/2015-03-31");
        assert_eq!(
            aws,
            Ok((true, "lambda.us-east-1.amazonaws.com".to_owned(), 443, "lambda.us-east-1.amazonaws.com".to_owned()))
        );
        assert_eq!(origin("http://[::1]:9001/x"), Ok((false, "::1".to_owned(), 9001, "[::1]:9001".to_owned())));
        assert_eq!(origin("ftp://a/"), Err("ftp://a/ begins neither with http:// nor with https://".to_owned()));
        assert!(origin("/path").is_err());
    }
}
