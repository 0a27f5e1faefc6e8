//! Signs requests to Lambda: what the API does when it invokes its integration.

use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials as SignerCredentials;
use axum::body::Bytes;
use axum::http::header::{HOST, HeaderName, HeaderValue};
use axum::http::{Method, Request, Uri};
use edge::sign::{Signable, Signer as RequestSigner};
use http_body_util::Full;

use crate::credentials::Credentials;
use crate::lambda::REGION;

/// Credentials to sign with.
#[derive(Debug, Clone)]
pub struct Signer {
    credentials: SignerCredentials,
    signer: Arc<RequestSigner>,
}

impl Signer {
    /// Signs as the holder of these credentials.
    pub fn new(credentials: &Credentials) -> Self {
        let Credentials { access_key_id, secret_access_key, session_token, .. } = credentials;
        let credentials = SignerCredentials::new(access_key_id, secret_access_key, session_token.clone(), None, "stack");
        Self { credentials, signer: Arc::new(RequestSigner::new(REGION.to_owned())) }
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
        let host = HeaderValue::from_str(authority.as_str()).map_err(|error| error.to_string())?;
        let signable =
            Signable { method: method.as_str(), path: uri.path(), query: uri.query().unwrap_or_default(), payload: &body };
        let mut signed = axum::http::HeaderMap::new();
        signed.insert(HOST, host);
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
            signed.append(name, HeaderValue::from_str(value).map_err(|error| error.to_string())?);
        }
        let done = self.signer.sign(signable, &mut signed, &self.credentials, SystemTime::now());
        done.map_err(|error| error.to_string())?;
        let mut request = Request::new(Full::new(body));
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method, uri, signed);
        Ok(request)
    }
}
