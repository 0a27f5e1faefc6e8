//! The error of a signature that does not hold.

use crate::mismatch::Mismatch;

/// A signature that does not hold, in AWS's words.
#[derive(Debug, PartialEq, Eq)]
pub struct SignatureError {
    /// The name of the error.
    pub name: &'static str,
    /// The message, as AWS words it.
    pub message: String,
    /// The canonical request that was computed, where one was, beside the client's.
    pub mismatch: Option<Mismatch>,
}

impl SignatureError {
    pub(crate) fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            name,
            message: message.into(),
            mismatch: None,
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new("InvalidSignatureException", message)
    }
}
