//! The address of the Runtime API, and how it is polled.
//!
//! Lambda sets `host:port`. `cargo lambda watch` sets a URL with a path,
//! `http://127.0.0.1:9000/.rt/edge`, because it serves several functions at one port.

use hyper::Uri;

/// The Runtime API of this environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeApi {
    /// Its URL; a path in it comes before `/2018-06-01/runtime/…`.
    pub endpoint: Uri,
    /// `AWS_LAMBDA_MAX_CONCURRENCY`: how many invocations the environment may answer at once.
    pub max_concurrency: usize,
    /// `AWS_LAMBDA_INITIALIZATION_TYPE`: whether Lambda restores the environment from a snapshot.
    pub is_snap_start: bool,
}

impl RuntimeApi {
    /// Reads `host:port`, or a URL whose scheme is `http`.
    pub fn parse(value: &str) -> Result<Self, String> {
        let how = "write host:port, or http://host:port/path";
        let has_scheme = value.contains("://");
        let url = if has_scheme {
            value.to_owned()
        } else {
            format!("http://{value}")
        };
        let endpoint: Uri = url.parse().map_err(|_| how.to_owned())?;
        if endpoint.scheme_str() != Some("http") || endpoint.query().is_some() {
            return Err(how.to_owned());
        }
        Ok(Self {
            endpoint,
            max_concurrency: 1,
            is_snap_start: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_or_a_url_with_a_path_are_read() {
        for (value, url) in [
            ("127.0.0.1:9001", "http://127.0.0.1:9001/"),
            ("169.254.100.1:9001/", "http://169.254.100.1:9001/"),
            (
                "http://127.0.0.1:9000/.rt/edge",
                "http://127.0.0.1:9000/.rt/edge",
            ),
            ("http://[::1]:9000/.rt/edge/", "http://[::1]:9000/.rt/edge/"),
        ] {
            let api = RuntimeApi::parse(value).expect(value);
            assert_eq!(api.endpoint.to_string(), url, "{value}");
        }
    }

    #[test]
    fn another_scheme_a_query_or_no_host_is_refused() {
        for value in [
            "https://127.0.0.1:9001",
            "http://127.0.0.1:9001/?a=1",
            "http://",
            "/path",
            "a b",
        ] {
            assert!(RuntimeApi::parse(value).is_err(), "{value}");
        }
    }
}
