//! An answer that has begun, and the connection that it comes over.

use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::header::CONTENT_LENGTH;
use hyper::http::response::Parts;

use super::{Client, HttpError, Origin};

/// The most that is set aside for a body before it has come, in bytes: more than Lambda sends.
const SET_ASIDE: usize = 8 * 1024 * 1024;

/// An answer whose body is still to come.
#[derive(Debug)]
pub struct Exchange {
    client: Client,
    origin: Origin,
    connection: SendRequest<SdkBody>,
    response: Response<Incoming>,
}

impl Exchange {
    pub(super) fn new(client: Client, origin: &Origin, connection: SendRequest<SdkBody>, response: Response<Incoming>) -> Self {
        Self { client, origin: origin.clone(), connection, response }
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Waits for the whole body. Each piece is let go when it is copied: there is never much more than one body in memory.
    pub async fn collect(self) -> Result<(Parts, Vec<u8>), HttpError> {
        let (head, mut body) = self.response.into_parts();
        let length = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        let mut bytes = Vec::with_capacity(length.unwrap_or(0).min(SET_ASIDE));
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(HttpError::Broken)?.into_data() {
                bytes.extend_from_slice(&data);
            }
        }
        self.client.keep(&self.origin, self.connection);
        Ok((head, bytes))
    }

    /// Gives the body as it comes; the connection is kept once it has.
    pub fn into_stream(self) -> Response<SdkBody> {
        let Self { client, origin, mut connection, response } = self;
        tokio::spawn(async move {
            if connection.ready().await.is_ok() {
                client.keep(&origin, connection);
            }
        });
        response.map(SdkBody::from_body_1_x)
    }
}
