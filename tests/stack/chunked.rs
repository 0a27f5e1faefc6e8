//! A response that is read as it arrives.

use axum::body::Bytes;
use axum::http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::harness::TEST_TIMEOUT;

/// A response whose body is read chunk by chunk.
pub struct ChunkedBody(axum::http::Response<hyper::body::Incoming>);

impl ChunkedBody {
    /// Sends a request and waits for the head of the response.
    pub async fn of(request: Request<Full<Bytes>>) -> Self {
        let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .build::<_, Full<Bytes>>(HttpConnector::new());
        Self(client.request(request).await.expect("an answer"))
    }

    pub fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// The next chunk; `None` at the end of the body, an error if it is truncated.
    pub async fn next(&mut self) -> Option<Result<String, hyper::Error>> {
        let frame = tokio::time::timeout(TEST_TIMEOUT, self.0.frame())
            .await
            .expect("a piece in time")?;
        Some(frame.map(|frame| {
            String::from_utf8_lossy(&frame.into_data().unwrap_or_default()).into_owned()
        }))
    }

    /// The rest of the body, and whether it was complete.
    pub async fn rest(mut self) -> (String, bool) {
        let mut all = String::new();
        while let Some(chunk) = self.next().await {
            match chunk {
                Ok(chunk) => all.push_str(&chunk),
                Err(_) => return (all, false),
            }
        }
        (all, true)
    }
    /// Expects a stream of server-sent events that begins with `first`, and whose last event says
    /// that core's response broke off.
    pub async fn ends_with_truncation_error(self, first: &str) {
        let (text, is_whole) = self.rest().await;
        assert!(is_whole && text.starts_with(first), "{text}");
        let last = text.rsplit("event: error\ndata: ").next();
        let error: Value = serde_json::from_str(last.unwrap_or_default().trim()).expect("JSON");
        assert_eq!(
            (&error["code"], &error["detail"]["errorType"]),
            (&json!("core_error"), &json!("Runtime.TruncatedResponse"))
        );
    }
}
