//! Signs requests to Lambda: what the API does when it invokes its integration.

use std::sync::Arc;
use std::time::SystemTime;

use axum::body::Bytes;
use axum::http::header::{HOST, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, Request, Uri};
use http_body_util::Full;
use sigv4::{Credentials, Scope, Target};

use crate::aws::REGION;

/// Credentials to sign with.
#[derive(Debug, Clone)]
pub struct Signer(Arc<Credentials>);

impl Signer {
    /// Signs as the holder of these credentials.
    pub fn new(credentials: Arc<Credentials>) -> Self {
        Self(credentials)
    }

    /// A signed POST request.
    pub fn post(&self, url: &str, headers: &[(&str, &str)], body: Bytes) -> Result<Request<Full<Bytes>>, String> {
        self.request(Method::POST, url, headers, body)
    }

    /// A signed request.
    pub fn request(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, String> {
        let uri: Uri = url.parse().map_err(|_| format!("{url} is no URL"))?;
        let authority = uri.authority().ok_or_else(|| format!("{url} has no host"))?;
        let mut signed = HeaderMap::new();
        signed.insert(HOST, HeaderValue::from_str(authority.as_str()).map_err(|error| error.to_string())?);
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
            signed.append(name, HeaderValue::from_str(value).map_err(|error| error.to_string())?);
        }
        let query = uri.query().unwrap_or_default();
        let target = Target { method: method.as_str(), path: uri.path(), query, body: &body };
        let scope = Scope { region: REGION, service: "lambda" };
        sigv4::sign(target, &mut signed, scope, &self.0, SystemTime::now()).map_err(|error| error.to_string())?;
        let mut request = Request::new(Full::new(body));
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method, uri, signed);
        Ok(request)
    }
}
