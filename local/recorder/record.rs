//! The record of one request as JSON: what `GET /records/{id}`, the command line and exported files
//! have. `docs/local.md` describes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One request with everything that it caused.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The members that a list has of each record.
    #[serde(flatten)]
    pub summary: Summary,
    /// The request id of the API or of Lambda.
    pub request_id: String,
    /// The X-Ray trace header of the request.
    pub trace_id: String,
    /// The request as it arrived.
    pub request: RecordedRequest,
    /// The claims of the verified token, where an authorizer verified one.
    pub claims: Option<Map<String, Value>>,
    /// The event that the API or function URL passed to the function.
    pub event: Option<RecordedBody>,
    /// The response; `None` if there is none yet.
    pub response: Option<RecordedResponse>,
    /// The hops in the order of the chain. The times of the hops add up to `ms`.
    pub hops: Vec<Hop>,
    /// The invocations that the request caused, in the order of their start.
    pub invocations: Vec<RecordedInvocation>,
    /// What the client signed and what it should have signed, if the signature was refused.
    pub mismatch: Option<SignatureMismatch>,
}

/// The members that a list has of each record.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The number of the record, from 1 on.
    pub id: u64,
    /// When the request arrived, in milliseconds since 1970.
    pub at: i64,
    /// How the request came in.
    pub entry_point: EntryPoint,
    /// Whether the request has ended.
    pub state: RecordState,
    /// The HTTP method.
    pub method: String,
    /// The path with the query.
    pub path: String,
    /// The status of the response; `None` if there is none yet.
    pub status: Option<u16>,
    /// The time from the arrival to the end of the response, or until now, in milliseconds.
    pub ms: f64,
    /// Whether a function's environment served its first request.
    pub cold_start: bool,
    /// Where the request was stopped, and why; `None` if every hop let it pass.
    pub stop: Option<Stop>,
    /// The record of which this request is a repetition.
    pub replay_of: Option<u64>,
    /// The experiment of the error lab that sent the request.
    pub experiment: Option<String>,
}

/// How a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryPoint {
    /// Through the HTTP API.
    HttpApi,
    /// Through the REST API.
    RestApi,
    /// Through a function URL.
    FunctionUrl,
    /// Through Lambda's Invoke API.
    Invoke,
}

/// Whether a request has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RecordState {
    /// It is being processed.
    Open,
    /// The whole response was sent.
    Complete,
    /// The client closed the connection before it had the whole response.
    Aborted,
}

/// The hop that stopped a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    /// The name of the hop.
    pub hop: String,
    /// The rule by which it was stopped.
    pub rule: String,
    /// Why the rule applies.
    pub why: String,
    /// What to do about it.
    pub mend: String,
}

/// A request as it arrived.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedRequest {
    /// The URL with scheme, host and query.
    pub url: String,
    /// The headers with lower-case names. The signatures of tokens and requests are removed.
    pub headers: BTreeMap<String, String>,
    /// The body, without secrets.
    pub body: RecordedBody,
}

/// A response as the client got it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers with lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The body as far as it was sent.
    pub body: RecordedBody,
    /// The pieces in which the body was sent.
    pub pieces: Vec<Piece>,
}

/// A body, of which at most the first 64 KiB are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedBody {
    /// The text; bytes that are not UTF-8 are replaced by U+FFFD.
    pub text: String,
    /// The size of the whole body in bytes.
    pub bytes: usize,
    /// Whether the text is only the beginning.
    pub is_truncated: bool,
}

/// A piece of a streamed body.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Piece {
    /// When it came, in milliseconds after the request's arrival.
    pub at_ms: f64,
    /// Its size in bytes.
    pub bytes: usize,
}

/// A hop of the chain.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hop {
    /// The name, for example `HTTP API` or the name of a function.
    pub name: String,
    /// What the hop is a part of.
    pub kind: HopKind,
    /// What became of the request there.
    pub state: HopState,
    /// The time that the hop itself took, without the hops after it, in milliseconds.
    pub ms: f64,
    /// When the hop worked: start and length of each period, in milliseconds after the arrival.
    pub segments: Vec<(f64, f64)>,
    /// The rules that let the request pass or stopped it.
    pub checks: Vec<Check>,
    /// The index of the invocation that the hop belongs to.
    pub invocation: Option<usize>,
}

/// The kinds of hops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HopKind {
    /// The API or function URL.
    Api,
    /// The authorizer of an API.
    Authorizer,
    /// Lambda: signature, permission, queue and start of an environment.
    Lambda,
    /// The process of a function.
    Function,
}

/// What became of a request at a hop or by a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HopState {
    /// The request passed.
    Passed,
    /// The request was stopped here.
    Stopped,
    /// The request did not come so far.
    NotReached,
    /// The request is here now.
    Working,
}

/// A rule that lets requests pass or stops them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// The rule, in a few words.
    pub rule: String,
    /// What became of the request.
    pub state: HopState,
    /// What was compared, or why the request was stopped.
    pub detail: String,
}

/// An invocation of a function.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedInvocation {
    /// The name of the function.
    pub function: String,
    /// Lambda's request id.
    pub request_id: String,
    /// The payload that the function received.
    pub payload: RecordedBody,
    /// What the function returned; `None` if it has returned nothing yet.
    pub reply: Option<RecordedBody>,
    /// Whether the reply is an error of the function.
    pub is_function_error: bool,
    /// The pieces of a streamed reply; empty for a buffered one.
    pub pieces: Vec<Piece>,
    /// The time in the function's process, in milliseconds.
    pub ms: Option<f64>,
    /// The time that AWS would bill, in milliseconds.
    pub billed_ms: Option<f64>,
    /// The initialization of the environment in milliseconds, if this was its first invocation.
    pub init_ms: Option<f64>,
    /// The memory of the function in MB.
    pub memory_mb: u32,
    /// The most memory that the environment has used, in MB.
    pub max_memory_used_mb: Option<u64>,
    /// The lines that the function printed for this invocation.
    pub log: Vec<String>,
    /// The lines that could belong to this invocation, or to another one that the environment worked
    /// on at the same time.
    pub shared_log: Vec<String>,
}

/// A refused signature: the canonical request, line by line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignatureMismatch {
    /// The lines of the canonical request as Lambda computed it.
    pub computed: Vec<String>,
    /// The lines that the client signed; `None` if that could not be found out.
    pub signed: Option<Vec<String>>,
    /// The index of the first line that differs.
    pub first_difference: Option<usize>,
    /// The client's mistake, if it is a common one.
    pub mistake: Option<String>,
}

/// A message that Cognito would send by e-mail.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mail {
    /// When it was sent, in milliseconds since 1970.
    pub at: i64,
    /// The e-mail address of the user.
    pub to: String,
    /// What it is for, for example `SignUp`.
    pub purpose: String,
    /// The code or the temporary password.
    pub code: String,
}
