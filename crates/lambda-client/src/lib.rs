//! A client for two operations of AWS Lambda, `Invoke` and `InvokeWithResponseStream`, of one
//! function.
//!
//! The AWS SDK's own client sends a failed request again when the connection broke or the answer
//! was a 5xx, although the function may have run. This client sends a request again only where
//! Lambda cannot have started the function, so that one call makes at most one execution. It also
//! takes a fraction of the SDK's CPU time per request: endpoint, path and headers are computed
//! once, when the client is made.
//!
//! Region, endpoint and credentials come from an [`aws_config::SdkConfig`]. Requests are signed by
//! the crate `sigv4`. [`HttpClient`] is the HTTP/1.1 client underneath; other requests of the same
//! program may use it too.

mod client;
mod credentials;
mod endpoint;
mod error;
mod http;
mod response_stream;
mod retry;
mod roots;

pub use client::{Client, Invocation, InvokeOutput, StreamOutput};
pub use credentials::CredentialsCache;
pub use endpoint::Endpoint;
pub use error::{InvokeError, ServiceError};
pub use http::{HttpClient, HttpError, Proxy, collect};
pub use response_stream::{
    ResponseEvent, ResponseStream, function_error_in_chunk, function_error_of_complete,
};
pub use roots::Roots;
