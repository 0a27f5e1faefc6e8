//! Signs requests to Lambda, by AWS's own signer: what the API does when it invokes its integration.

use std::time::SystemTime;

use aws_credential_types::Credentials as SignerCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::Full;

use crate::credentials::Credentials;
use crate::lambda::REGION;

/// Signs with one principal's credentials.
#[derive(Debug, Clone)]
pub struct Signer(SignerCredentials);

impl Signer {
    /// Signs with these.
    pub fn new(credentials: &Credentials) -> Self {
        let Credentials { access_key_id, secret_access_key, session_token, .. } = credentials;
        Self(SignerCredentials::new(access_key_id, secret_access_key, session_token.clone(), None, "stack"))
    }

    /// A `POST` with a body and headers, signed.
    pub fn post(&self, url: &str, headers: &[(&str, &str)], body: Bytes) -> Result<Request<Full<Bytes>>, String> {
        self.request(Method::POST, url, headers, body)
    }

    /// Any request, signed.
    pub fn request(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, String> {
        let added = self.sign(&method, url, headers, &body)?;
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in added {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
            request = request.header(name, HeaderValue::from_str(&value).map_err(|error| error.to_string())?);
        }
        request.body(Full::new(body)).map_err(|error| error.to_string())
    }

    fn sign(&self, method: &Method, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Vec<(String, String)>, String> {
        let identity = self.0.clone().into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name("lambda")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| error.to_string())?;
        let request = SignableRequest::new(method.as_str(), url, headers.iter().copied(), SignableBody::Bytes(body));
        let request = request.map_err(|error| error.to_string())?;
        let (instructions, _) = sign(request, &parameters.into()).map_err(|error| error.to_string())?.into_parts();
        let (added, _) = instructions.into_parts();
        Ok(added.iter().map(|header| (header.name().to_owned(), header.value().to_owned())).collect())
    }
}
