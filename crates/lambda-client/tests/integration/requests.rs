//! What the tests of the HTTP client send and expect.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Uri};
use lambda_client::{HttpClient, HttpError, Roots, collect};
use testkit::endpoint::Endpoint;

/// The longest body that is read, in bytes.
pub const LIMIT: usize = 1000;

/// An answer that is whole, for every request.
pub fn ok() -> Vec<Vec<u8>> {
    vec![b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec()]
}

pub fn client() -> HttpClient {
    HttpClient::new(Roots::Amazon)
}

pub fn uri(scheme: &str, host: &str, port: u16) -> Uri {
    format!("{scheme}://{host}:{port}/").parse().expect("a URI")
}

pub fn local(endpoint: &Endpoint) -> Uri {
    uri("http", "127.0.0.1", endpoint.address.port())
}

pub fn request(uri: &Uri, body: Bytes) -> Request<Full<Bytes>> {
    Request::post(uri).body(Full::new(body)).expect("a request")
}

/// Sends a small request and reads the answer.
pub async fn post(client: &HttpClient, uri: &Uri) -> Result<String, HttpError> {
    let answer = client.send(request(uri, Bytes::from_static(b"{}"))).await?;
    let (_, body) = collect(answer, LIMIT).await?;
    Ok(String::from_utf8(body).expect("UTF-8"))
}

/// An error and its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(
        || error.to_string(),
        |cause| format!("{error}: {}", chain(cause)),
    )
}
