//! What the stack has in common with `template.yaml`: the names of the functions, and the values
//! that a test compares with the template's.

/// The name of the edge function.
pub(crate) const EDGE: &str = "edge";
/// The name of the edge function behind a function URL with the auth type `NONE`, which verifies
/// tokens itself.
pub(crate) const EDGE_OPEN: &str = "edge-open";
/// The name of the edge function behind a function URL with response streaming.
pub(crate) const EDGE_STREAM: &str = "edge-stream";
/// The name of the core function.
pub(crate) const CORE: &str = "core";
/// The name of the core function behind the edge that streams.
pub(crate) const CORE_STREAM: &str = "core-stream";
/// The route key of the API, as in the template.
pub const ROUTE: &str = "POST /inference";
/// The stage at which the REST API buffers the edge's responses.
pub(crate) const REST_STAGE: &str = "prod";
/// The stage at which the REST API streams the edge's responses.
pub(crate) const STREAM_STAGE: &str = "stream";
/// The headers of the errors that the REST API returns itself, as in the template's
/// `GatewayResponses`.
pub const GATEWAY_RESPONSE_HEADERS: [(&str, &str); 1] = [("Access-Control-Allow-Origin", "'*'")];
/// The time-out of the core function in seconds, as in the template.
pub const CORE_TIMEOUT: u64 = 25;
/// The time-out of the edge function in seconds, as in the template.
pub const EDGE_TIMEOUT: u64 = 29;
/// The time-out of the core function behind the edge that streams, in seconds, as in the template.
pub const STREAM_CORE_TIMEOUT: u64 = 295;
/// The time-out of the edge function that streams, in seconds, as in the template.
pub const STREAM_EDGE_TIMEOUT: u64 = 299;
/// The memory of each function in MB, as in the template.
pub const MEMORY: u32 = 256;
/// The allowed request headers of the API, as in the template's `CorsConfiguration`.
pub const CORS_ALLOW_HEADERS: &str = "content-type,authorization";
/// The allowed request headers of a function URL, as in the template's `Cors`: those of signed
/// requests.
pub const URL_ALLOW_HEADERS: &str =
    "content-type,authorization,x-amz-date,x-amz-security-token,x-amz-content-sha256";
/// The response headers that scripts may read, as in the template.
pub const CORS_EXPOSE_HEADERS: &str = "retry-after,server-timing,x-request-id";
/// How long a browser may cache the response to a preflight in seconds, as in the template.
pub const CORS_MAX_AGE: u32 = 600;
/// The requests a second that the API lets through, as in the template.
pub const THROTTLING_RATE: u32 = 50;
/// The requests at once that the API lets through, as in the template.
pub const THROTTLING_BURST: u32 = 100;
