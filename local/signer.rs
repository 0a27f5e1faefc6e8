//! Signs requests to Lambda with Signature Version 4, as API Gateway does when it invokes an
//! integration.

use std::sync::Arc;
use std::time::SystemTime;

use axum::body::Bytes;
use axum::http::header::{HOST, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, Request, Uri};
use http_body_util::Full;
use sigv4::{Credentials, Scope, Target};

use crate::aws::REGION;

/// The credentials that sign. Clones share the derived signing key.
#[derive(Debug, Clone)]
pub struct Signer(Arc<Credentials>);

impl Signer {
    /// Creates a signer with these credentials.
    pub fn new(credentials: Arc<Credentials>) -> Self {
        Self(credentials)
    }

    /// Creates a signed POST request; fails if the URL or a header is malformed.
    pub fn post(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, String> {
        self.request(Method::POST, url, headers, body)
    }

    /// Creates a signed request; fails if the URL or a header is malformed.
    pub fn request(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, String> {
        let uri: Uri = url.parse().map_err(|_| format!("{url} is no URL"))?;
        let authority = uri
            .authority()
            .ok_or_else(|| format!("{url} has no host"))?;
        let mut signed = HeaderMap::new();
        signed.insert(
            HOST,
            HeaderValue::from_str(authority.as_str()).map_err(|error| error.to_string())?,
        );
        for (name, value) in headers {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
            signed.append(
                name,
                HeaderValue::from_str(value).map_err(|error| error.to_string())?,
            );
        }
        let query = uri.query().unwrap_or_default();
        let target = Target {
            method: method.as_str(),
            path: uri.path(),
            query,
            body: &body,
        };
        let scope = Scope {
            region: REGION,
            service: "lambda",
        };
        sigv4::sign(target, &mut signed, scope, &self.0, SystemTime::now())
            .map_err(|error| error.to_string())?;
        let mut request = Request::new(Full::new(body));
        (
            *request.method_mut(),
            *request.uri_mut(),
            *request.headers_mut(),
        ) = (method, uri, signed);
        Ok(request)
    }
}
