//! Sends an event through the pipeline, without a process around it, and reads the response.

use edge::pipeline::{Edge, Reply};
use edge::stages::invoke::InvokeCore;
use lambda_http::Context;
use serde_json::Value;

/// The context of an invocation whose deadline is never reached.
pub fn context() -> Context {
    let mut context = Context::default();
    context.deadline = 4_102_444_800_000;
    context
}

/// The HTTP response in one piece, as API Gateway and function URLs unwrap it. The request's record
/// is written.
pub async fn ask<C: InvokeCore>(edge: &Edge<C>, event: &str) -> Value {
    let context = context();
    let Reply::Result(response, record) = edge.handle(event, &context).await else {
        panic!("no result")
    };
    record.write();
    serde_json::from_slice(&response).expect("JSON")
}

/// The status of a response.
pub fn status(response: &Value) -> u64 {
    response["statusCode"].as_u64().expect("a status")
}
