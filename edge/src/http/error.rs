//! Why there is no answer.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

/// A request that was not answered.
#[derive(Debug)]
pub enum HttpError {
    /// No connection; nothing was sent.
    Unconnected(io::Error),
    /// No connection in time; nothing was sent.
    TooSlow(Duration),
    /// The certificates that the system trusts cannot be read.
    Roots(String),
    /// The connection broke, or brought no HTTP. What was sent may have been read.
    Broken(hyper::Error),
}

impl HttpError {
    /// Whether nobody listened.
    pub fn was_refused(&self) -> bool {
        matches!(self, Self::Unconnected(error) if error.kind() == io::ErrorKind::ConnectionRefused)
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Unconnected(_) => f.write_str("no connection"),
            Self::TooSlow(limit) => write!(f, "no connection within {limit:?}"),
            Self::Roots(why) => f.write_str(why),
            Self::Broken(_) => f.write_str("the connection broke"),
        }
    }
}

impl Error for HttpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unconnected(error) => Some(error),
            Self::Broken(error) => Some(error),
            Self::TooSlow(_) | Self::Roots(_) => None,
        }
    }
}

impl From<HttpError> for io::Error {
    fn from(error: HttpError) -> Self {
        Self::other(error)
    }
}
