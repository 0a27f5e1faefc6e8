//! A request to invoke a function, which both operations and function URLs share: its parameters,
//! its caller and its response.

use std::collections::HashMap;

use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::Lambda;
use super::error::LambdaError;
use super::function_name::FunctionName;
use super::invocation::{FunctionResponse, Invocation, Outcome, PlatformError};
use crate::aws::{
    IDENTITY_POOL_ID, LAMBDA_MAX_CLIENT_CONTEXT, LAMBDA_MAX_EVENT, LAMBDA_MAX_REQUEST, function_arn,
};
use crate::credentials::Principal;
use crate::http::read_body;
use crate::recorder::{InvocationHandle, InvocationRecording};

/// The query parameters of both operations.
#[derive(Debug, Deserialize)]
pub(super) struct InvokeQuery {
    /// The version or alias to invoke.
    #[serde(rename = "Qualifier")]
    pub qualifier: Option<String>,
}

/// A request of the Invoke API as it arrived.
#[derive(Debug)]
pub(super) struct ReceivedRequest<'a> {
    pub parts: Parts,
    pub body: Body,
    pub request_id: &'a str,
    pub recording: &'a InvocationRecording,
}

/// A request to invoke a function.
#[derive(Debug, Clone)]
pub(super) struct InvokeRequest {
    /// The function and the qualifier that the caller has named.
    pub name: FunctionName,
    pub request_id: String,
    pub payload: Bytes,
    /// The Cognito identity of the caller, as JSON.
    pub cognito_identity: Option<String>,
    pub client_context: Option<String>,
    pub tenant: Option<String>,
    /// The trace header for the function.
    pub trace_id: String,
    /// Whether the caller has requested the tail of the log.
    pub wants_log: bool,
    /// The record of the invocation, for the environment.
    pub recording: InvocationHandle,
}

impl InvokeRequest {
    /// Reads, authenticates and authorizes a request of the Invoke API, and returns it with its
    /// `X-Amz-Invocation-Type`.
    pub(super) async fn read(
        lambda: &Lambda,
        (name, query): (&str, &InvokeQuery),
        received: ReceivedRequest<'_>,
    ) -> Result<(Self, String), LambdaError> {
        let ReceivedRequest {
            parts,
            body,
            request_id,
            recording,
        } = received;
        let body = read_body(body, LAMBDA_MAX_REQUEST).await?;
        let header = |name: &str| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let trace_id = recording.request(request_id, header("x-amzn-trace-id"), &body);
        let caller = lambda
            .access
            .authenticate(&parts, &body)
            .inspect_err(|error| recording.signature_refused(error.mismatch()))?;
        if let Some(caller) = &caller {
            recording.signed_by(&caller.principal.arn());
        }
        let name = FunctionName::parse(name, query.qualifier.as_deref())?;
        recording.function(&name.name);
        lambda.access.authorize(caller.as_ref(), &name.name)?;
        let tenant = header("x-amz-tenant-id").map(str::to_owned);
        lambda.check_exists(&name)?;
        let invocation_type = header("x-amz-invocation-type")
            .unwrap_or("RequestResponse")
            .to_owned();
        let invoke_request = Self {
            name,
            request_id: request_id.to_owned(),
            payload: event(body)?,
            cognito_identity: caller.and_then(|caller| cognito_identity(&caller.principal)),
            client_context: client_context(header("x-amz-client-context"))?,
            tenant,
            trace_id,
            wants_log: wants_log(header("x-amz-log-type"))?,
            recording: recording.handle(),
        };
        if invocation_type == "Event" && invoke_request.payload.len() > LAMBDA_MAX_EVENT {
            return Err(LambdaError::RequestTooLarge(LAMBDA_MAX_EVENT));
        }
        Ok((invoke_request, invocation_type))
    }

    /// Passes the invocation to an environment without waiting for the response. An event is queued
    /// if there is no environment for it.
    pub(super) fn submit(
        self,
        lambda: &Lambda,
        is_event: bool,
    ) -> Result<oneshot::Receiver<Result<FunctionResponse, LambdaError>>, LambdaError> {
        let stand_in = self
            .recording
            .stand_in()
            .and_then(|name| lambda.pool(name, self.tenant.as_deref()));
        let pool = match stand_in {
            Some(pool) => pool,
            None => lambda.find(&self.name, self.tenant.as_deref())?,
        };
        let (done, function_response) = oneshot::channel();
        pool.submit(Invocation {
            request_id: self.request_id,
            payload: self.payload,
            invoked_arn: invoked_arn(&self.name),
            client_context: self.client_context,
            cognito_identity: self.cognito_identity,
            tenant: self.tenant,
            trace_id: self.trace_id,
            wants_log: self.wants_log,
            recording: self.recording,
            is_event,
            done,
            permit: None,
        })?;
        Ok(function_response)
    }

    /// Invokes the function and waits for its response, or for the beginning of a streamed one.
    pub(super) async fn function_response(
        self,
        lambda: &Lambda,
    ) -> Result<FunctionResponse, LambdaError> {
        let request_id = self.request_id.clone();
        // The sender is dropped if an environment ends after it has received the invocation and
        // before it starts it.
        let aborted = |_| {
            let payload = PlatformError::Exited { status: None }.payload(&request_id);
            Ok(FunctionResponse::Whole(Outcome {
                payload,
                is_function_error: true,
                log_tail: None,
            }))
        };
        self.submit(lambda, false)?.await.unwrap_or_else(aborted)
    }

    /// Invokes the function and waits for its whole response.
    pub(super) async fn outcome(self, lambda: &Lambda) -> Result<Outcome, LambdaError> {
        Ok(self.function_response(lambda).await?.whole().await)
    }
}

/// Adds the request id to a response or an error.
pub(super) fn with_request_id(answer: Result<Response, LambdaError>, request_id: &str) -> Response {
    let mut response = answer.unwrap_or_else(axum::response::IntoResponse::into_response);
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

/// The Cognito identity of the caller, if its credentials are from the identity pool.
fn cognito_identity(caller: &Principal) -> Option<String> {
    let Principal::CognitoIdentity { identity_id, .. } = caller else {
        return None;
    };
    Some(
        json!({ "cognitoIdentityId": identity_id, "cognitoIdentityPoolId": IDENTITY_POOL_ID })
            .to_string(),
    )
}

/// The event: the payload, which must be JSON. An empty payload becomes `{}`.
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
        Some(qualifier) => format!("{}:{qualifier}", function_arn(&name.name)),
        None => function_arn(&name.name),
    }
}

/// The decoded client context, which must be a JSON object.
fn client_context(base64: Option<&str>) -> Result<Option<String>, LambdaError> {
    let Some(base64) = base64 else {
        return Ok(None);
    };
    let decoded = STANDARD
        .decode(base64)
        .ok()
        .filter(|_| base64.len() <= LAMBDA_MAX_CLIENT_CONTEXT)
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .filter(|text| serde_json::from_str::<HashMap<String, &RawValue>>(text).is_ok());
    decoded.map(Some).ok_or(LambdaError::InvalidClientContext)
}

/// Whether the caller has requested the tail of the log, by `X-Amz-Log-Type`.
fn wants_log(log_type: Option<&str>) -> Result<bool, LambdaError> {
    match log_type {
        None | Some("None") => Ok(false),
        Some("Tail") => Ok(true),
        Some(other) => Err(LambdaError::Validation {
            value: other.to_owned(),
            at: "logType",
            constraint: "Member must satisfy enum value set: [None, Tail]".to_owned(),
        }),
    }
}
