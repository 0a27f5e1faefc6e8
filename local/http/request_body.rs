//! Reads the body of a request within a limit, and tells a body that is too large from one of which
//! the rest never comes.

use axum::body::{Body, Bytes};
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// The reason why the body of a request could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It is larger than the limit.
    TooLarge,
    /// The client closed its side of the connection before the end, or broke the framing.
    Incomplete,
}

impl BodyError {
    /// What a record says of a body that is not complete.
    pub(crate) const INCOMPLETE: &str = "the client ended the request before the end of its body";
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read_body(body: Body, limit: usize) -> Result<Bytes, BodyError> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Err(_) => Err(BodyError::Incomplete),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    #[tokio::test]
    async fn a_body_that_breaks_off_is_not_taken_for_one_that_is_too_large() {
        let pieces = |last: Result<&'static str, std::io::Error>| {
            Body::from_stream(stream::iter([Ok("0123456789"), last]))
        };
        let broken = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        let whole = Ok(Bytes::from_static(b"0123456789ab"));
        assert_eq!(read_body(pieces(Ok("ab")), 12).await, whole);
        assert_eq!(
            read_body(pieces(Ok("abc")), 12).await,
            Err(BodyError::TooLarge)
        );
        assert_eq!(
            read_body(pieces(Err(broken())), 12).await,
            Err(BodyError::Incomplete)
        );
    }
}
