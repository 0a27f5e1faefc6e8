//! Headers of a core that answers in API Gateway's form: which of them reach the caller.

use edge::pipeline::{Edge, Reply};
use lambda_http::Context;
use serde_json::Value;
use testkit::event_files::read_event;

use crate::cores::{Core, settings};

#[tokio::test]
async fn headers_of_the_connection_and_of_cors_are_not_cores() {
    let core = r#"{"statusCode":200,"body":"{}","headers":{
        "Connection":"close","Content-Length":"7","Transfer-Encoding":"chunked","KEEP-ALIVE":"timeout=5",
        "Access-Control-Allow-Origin":"https://evil.example","access-control-allow-credentials":"true",
        "X-Own":"kept"}}"#;
    let edge = Edge::new(settings(&[("CORE_REPLY", "proxy")]), Core(Some(core)));
    let event = read_event("http-api/ask");
    let mut context = Context::default();
    context.deadline = 4_102_444_800_000;
    let Reply::Result(answer, _) = edge.handle(&event, &context).await else {
        panic!("no result")
    };
    let answer: Value = serde_json::from_slice(&answer).expect("JSON");
    let headers = answer["headers"].as_object().expect("headers");
    assert_eq!(headers["X-Own"], "kept", "{answer}");
    let others = [
        "connection",
        "content-length",
        "transfer-encoding",
        "keep-alive",
        "access-control-allow-origin",
        "access-control-allow-credentials",
    ];
    for (name, value) in headers {
        assert!(
            !others.contains(&name.to_lowercase().as_str()),
            "{name}: {value}"
        );
    }
}
