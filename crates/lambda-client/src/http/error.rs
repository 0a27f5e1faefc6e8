//! Why a request has no answer.

use std::error::Error;
use std::fmt;
use std::io;

use hyper_util::client::legacy;

type BoxError = Box<dyn Error + Send + Sync>;

/// A request that has no answer.
#[derive(Debug)]
pub enum HttpError {
    /// There is no connection. Nothing was sent.
    Connect(BoxError),
    /// The connection was closed before the request was written to it. Nothing was sent.
    NotWritten(legacy::Error),
    /// The connection broke, or what came is not HTTP. The server may have read the request.
    Interrupted(legacy::Error),
    /// The connection broke within the body of the answer.
    Broken(hyper::Error),
    /// The body is longer than the limit.
    TooLarge {
        /// Its length, as far as it is known.
        bytes: usize,
    },
}

impl HttpError {
    /// Whether the server refused the connection: nothing listens there.
    pub fn was_refused(&self) -> bool {
        let Self::Connect(error) = self else {
            return false;
        };
        let mut error: Option<&(dyn Error + 'static)> = Some(error.as_ref());
        while let Some(cause) = error {
            if cause
                .downcast_ref::<io::Error>()
                .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
            {
                return true;
            }
            error = cause.source();
        }
        false
    }

    /// Whether there was a connection, and nothing was written to it.
    pub fn was_not_written(&self) -> bool {
        matches!(self, Self::NotWritten(_))
    }
}

impl From<legacy::Error> for HttpError {
    fn from(error: legacy::Error) -> Self {
        if error.is_connect() {
            return Self::Connect(error.into());
        }
        // hyper calls a request canceled that it gives back because it was never written.
        let cause = error
            .source()
            .and_then(|cause| cause.downcast_ref::<hyper::Error>());
        if cause.is_some_and(hyper::Error::is_canceled) {
            Self::NotWritten(error)
        } else {
            Self::Interrupted(error)
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Connect(_) => f.write_str("no connection"),
            Self::NotWritten(_) => {
                f.write_str("the connection was closed before the request was written")
            }
            Self::Interrupted(_) | Self::Broken(_) => f.write_str("the connection broke"),
            Self::TooLarge { bytes } => write!(f, "an answer of {bytes} bytes"),
        }
    }
}

impl Error for HttpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connect(error) => Some(error.as_ref()),
            // Its own text only repeats which of the variants this is.
            Self::NotWritten(error) | Self::Interrupted(error) => error.source(),
            Self::Broken(error) => Some(error),
            Self::TooLarge { .. } => None,
        }
    }
}
