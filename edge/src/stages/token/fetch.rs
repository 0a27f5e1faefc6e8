//! Fetches an issuer's documents over HTTPS.

use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use hyper::header::{ACCEPT, HeaderValue};
use hyper::{Request, Uri};
use jws::{FetchDocument, MAX_DOCUMENT};

use crate::error::told;
use crate::http::{Client, Origin};

/// A client for the documents of an issuer.
#[derive(Debug)]
pub struct DocumentClient(pub Client);

impl FetchDocument for DocumentClient {
    async fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        let uri: Uri = url.parse().map_err(|_| "it is no URL".to_owned())?;
        let origin = Origin::of(&uri)?;
        let mut request = Request::new(SdkBody::empty());
        *request.uri_mut() = uri.path_and_query().map_or_else(Uri::default, |path| Uri::from(path.clone()));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let answer = self.0.send(&origin, request).await.map_err(|error| told(&error))?;
        if answer.status() != 200 {
            return Err(format!("status {}", answer.status()));
        }
        let mut body = ByteStream::new(answer.into_stream().into_body());
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| error.to_string())?);
            if bytes.len() > MAX_DOCUMENT {
                return Err(format!("more than {MAX_DOCUMENT} bytes"));
            }
        }
        Ok(bytes)
    }
}
