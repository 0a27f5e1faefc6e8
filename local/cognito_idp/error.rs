//! Errors of the user pool, by Cognito's names and in its words.

use axum::http::StatusCode;
use axum::http::header::HeaderValue;
use axum::response::Response;
use serde_json::json;

use super::PROTOCOL;

/// A request that the pool refuses.
#[derive(Debug, PartialEq, Eq)]
pub enum CognitoError {
    /// Wrong credentials, or credentials that no longer hold.
    NotAuthorized(&'static str),
    /// No such app client.
    ResourceNotFound(String),
    /// A parameter is missing or has a value that it may not have.
    InvalidParameter(String),
    /// The body is not JSON.
    Serialization(String),
    /// An operation that is not there.
    UnknownOperation(String),
}

impl CognitoError {
    fn name(&self) -> &'static str {
        match self {
            Self::NotAuthorized(_) => "NotAuthorizedException",
            Self::ResourceNotFound(_) => "ResourceNotFoundException",
            Self::InvalidParameter(_) => "InvalidParameterException",
            Self::Serialization(_) => "SerializationException",
            Self::UnknownOperation(_) => "UnknownOperationException",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::NotAuthorized(text) => (*text).to_owned(),
            Self::ResourceNotFound(text) | Self::InvalidParameter(text) | Self::Serialization(text) => text.clone(),
            Self::UnknownOperation(operation) => format!("{operation} is not supported here"),
        }
    }

    /// The response.
    pub fn response(&self) -> Response {
        let body = json!({ "__type": self.name(), "message": self.message() });
        let mut response = crate::http::json(StatusCode::BAD_REQUEST, body.to_string());
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static(PROTOCOL));
        if let Ok(name) = HeaderValue::from_str(&format!("{}:", self.name())) {
            headers.insert("x-amzn-errortype", name);
        }
        if let Ok(message) = HeaderValue::from_str(&self.message()) {
            headers.insert("x-amzn-errormessage", message);
        }
        response
    }
}
