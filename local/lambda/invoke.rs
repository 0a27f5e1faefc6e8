//! The operation `Invoke`: request and response, event and dry run.
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::error::LambdaError;
use super::function::arn;
use super::function_name::FunctionName;
use super::invocation::{Invocation, Outcome, PlatformError};
use super::{Lambda, pool::Pool};
use crate::cognito_identity::IDENTITY_POOL_ID;
use crate::credentials::Principal;
use crate::recorder::Recorder;
use crate::trace;

/// Lambda's limit for a synchronous request, in bytes.
const MAX_PAYLOAD: usize = 6 * 1024 * 1024;
/// Lambda's limit for a client context, in bytes of base64.
const MAX_CLIENT_CONTEXT: usize = 3583;

/// The query of `Invoke`.
#[derive(Debug, Deserialize)]
pub struct InvokeQuery {
    #[serde(rename = "Qualifier")]
    qualifier: Option<String>,
}

/// Invokes a function.
pub async fn invoke(
    State(lambda): State<Lambda>,
    Path(name): Path<String>,
    Query(query): Query<InvokeQuery>,
    request: Request,
) -> Response {
    let request_id = Uuid::new_v4().to_string();
    let (parts, body) = request.into_parts();
    let answer = match Limited::new(body, MAX_PAYLOAD).collect().await {
        Ok(body) => {
            let payload = body.to_bytes();
            let call = InvokeCall {
                parts: &parts,
                name: &name,
                qualifier: query.qualifier.as_deref(),
                payload,
                request_id: &request_id,
            };
            call.run(&lambda).await
        }
        Err(_) => Err(LambdaError::RequestTooLarge),
    };
    let mut response = answer.unwrap_or_else(LambdaError::into_response);
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

/// Any other operation of Lambda's.
pub async fn unsupported(method: Method, uri: Uri) -> LambdaError {
    LambdaError::Unsupported(format!("{method} {}", uri.path()))
}

/// One call of the operation.
struct InvokeCall<'a> {
    parts: &'a Parts,
    name: &'a str,
    qualifier: Option<&'a str>,
    payload: Bytes,
    request_id: &'a str,
}

impl InvokeCall<'_> {
    async fn run(self, lambda: &Lambda) -> Result<Response, LambdaError> {
        let caller = lambda.access.authenticate(self.parts, &self.payload)?;
        let name = FunctionName::parse(self.name, self.qualifier)?;
        lambda.access.authorize(caller.as_ref(), &name.name)?;
        let pool = lambda.find(&name, self.header("x-amz-tenant-id"))?;
        let (done, outcome) = oneshot::channel();
        let invocation = self.invocation(&name, caller.as_ref(), done)?;
        match self.header("x-amz-invocation-type").unwrap_or("RequestResponse") {
            "DryRun" => Ok(StatusCode::NO_CONTENT.into_response()),
            "Event" => {
                pool.submit(invocation)?;
                // Nobody waits; Lambda's two retries of a failed event are not made here.
                tokio::spawn(outcome);
                Ok(StatusCode::ACCEPTED.into_response())
            }
            "RequestResponse" => self.respond(lambda, &name, &pool, invocation, outcome).await,
            other => Err(LambdaError::Validation {
                value: other.to_owned(),
                at: "invocationType",
                constraint: "Member must satisfy enum value set: [Event, RequestResponse, DryRun]".to_owned(),
            }),
        }
    }

    async fn respond(
        &self,
        lambda: &Lambda,
        name: &FunctionName,
        pool: &Arc<Pool>,
        invocation: Invocation,
        outcome: oneshot::Receiver<Outcome>,
    ) -> Result<Response, LambdaError> {
        let trace_id = invocation.trace_id.clone();
        let record = Record::begin(lambda, &name.name, &invocation);
        pool.submit(invocation)?;
        // A sender that is dropped is an environment that ended between taking the invocation and beginning it.
        let lost = |_| Outcome {
            payload: PlatformError::Exited { status: None }.payload(self.request_id),
            is_function_error: true,
            log_tail: None,
        };
        let outcome = outcome.await.unwrap_or_else(lost);
        if let Some(record) = record {
            record.end(&outcome);
        }
        Ok(respond(outcome, &trace_id))
    }

    fn invocation(
        &self,
        name: &FunctionName,
        caller: Option<&Principal>,
        done: oneshot::Sender<Outcome>,
    ) -> Result<Invocation, LambdaError> {
        Ok(Invocation {
            request_id: self.request_id.to_owned(),
            payload: event(self.payload.clone())?,
            invoked_arn: invoked_arn(name),
            client_context: client_context(self.header("x-amz-client-context"))?,
            cognito_identity: caller.and_then(cognito_identity),
            tenant: self.header("x-amz-tenant-id").map(str::to_owned),
            trace_id: trace::continued(self.header("x-amzn-trace-id")),
            wants_log: self.header("x-amz-log-type") == Some("Tail"),
            done,
            slot: None,
        })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Only a caller with identity-pool credentials has one.
fn cognito_identity(caller: &Principal) -> Option<String> {
    let Principal::CognitoIdentity { identity_id, .. } = caller else { return None };
    Some(json!({ "cognitoIdentityId": identity_id, "cognitoIdentityPoolId": IDENTITY_POOL_ID }).to_string())
}

/// What the console is told of an invocation, where somebody looks.
struct Record<'a> {
    recorder: &'a Recorder,
    function: &'a str,
    trace_id: String,
    payload: Bytes,
    start: Instant,
}

impl<'a> Record<'a> {
    fn begin(lambda: &'a Lambda, function: &'a str, invocation: &Invocation) -> Option<Self> {
        let (trace_id, payload) = (invocation.trace_id.clone(), invocation.payload.clone());
        let recorder = &lambda.recorder;
        recorder.is_on().then(|| Self { recorder, function, trace_id, payload, start: Instant::now() })
    }

    fn end(self, outcome: &Outcome) {
        let millis = self.start.elapsed().as_secs_f64() * 1e3;
        let (reply, is_error) = (&outcome.payload, outcome.is_function_error);
        self.recorder.invocation(&self.trace_id, self.function, &self.payload, reply, is_error, millis);
    }
}

fn respond(outcome: Outcome, trace_id: &str) -> Response {
    let mut response = crate::http::json(StatusCode::OK, outcome.payload);
    let headers = response.headers_mut();
    headers.insert("x-amz-executed-version", HeaderValue::from_static("$LATEST"));
    headers.insert("x-amzn-remapped-content-length", HeaderValue::from_static("0"));
    if outcome.is_function_error {
        headers.insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
    }
    if let Some(log) = outcome.log_tail.and_then(|log| HeaderValue::from_str(&STANDARD.encode(log)).ok()) {
        headers.insert("x-amz-log-result", log);
    }
    if let Ok(trace_id) = HeaderValue::from_str(trace_id) {
        headers.insert("x-amzn-trace-id", trace_id);
    }
    response
}

/// The event: the payload, which must be JSON; an empty one is `{}`.
fn event(payload: Bytes) -> Result<Bytes, LambdaError> {
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    match serde_json::from_slice::<&RawValue>(&payload) {
        Ok(_) => Ok(payload),
        Err(error) => Err(LambdaError::InvalidRequestContent(error.to_string())),
    }
}

fn invoked_arn(name: &FunctionName) -> String {
    match &name.qualifier {
        Some(qualifier) => format!("{}:{qualifier}", arn(&name.name)),
        None => arn(&name.name),
    }
}

fn client_context(base64: Option<&str>) -> Result<Option<String>, LambdaError> {
    let Some(base64) = base64 else { return Ok(None) };
    let refuse = |why: &str| LambdaError::InvalidRequestContent(format!("the client context {why}"));
    if base64.len() > MAX_CLIENT_CONTEXT {
        return Err(refuse("is longer than 3583 bytes"));
    }
    let bytes = STANDARD.decode(base64).map_err(|_| refuse("is not base64"))?;
    let text = String::from_utf8(bytes).map_err(|_| refuse("is not UTF-8"))?;
    match serde_json::from_str::<&RawValue>(&text) {
        Ok(_) => Ok(Some(text)),
        Err(_) => Err(refuse("is not JSON")),
    }
}
