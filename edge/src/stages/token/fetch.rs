//! Fetches an issuer's documents over HTTPS.

use http_body_util::Full;
use hyper::Request;
use hyper::header::ACCEPT;
use jws::{FetchDocument, MAX_DOCUMENT};
use lambda_client::{HttpClient, HttpError, collect};

use crate::error::error_chain;

/// A client for the documents of an issuer.
#[derive(Debug)]
pub struct DocumentClient(pub HttpClient);

impl FetchDocument for DocumentClient {
    async fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        let request = Request::get(url)
            .header(ACCEPT, "application/json")
            .body(Full::default());
        let request = request.map_err(|error| format!("{url}: {error}"))?;
        let answer = self
            .0
            .send(request)
            .await
            .map_err(|error| error_chain(&error))?;
        if answer.status() != 200 {
            return Err(format!("status {}", answer.status().as_u16()));
        }
        let (_, bytes) = collect(answer, MAX_DOCUMENT)
            .await
            .map_err(|error| match error {
                HttpError::TooLarge { .. } => format!("more than {MAX_DOCUMENT} bytes"),
                error => error_chain(&error),
            })?;
        Ok(bytes)
    }
}
