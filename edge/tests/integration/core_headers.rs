//! Headers of a core that answers in API Gateway's form: which of them reach the caller.

use edge::pipeline::Edge;
use testkit::event_files::read_event;

use crate::ask::ask;
use crate::cores::{Core, settings};

#[tokio::test]
async fn headers_of_the_connection_and_of_cors_are_not_cores() {
    let core = r#"{"statusCode":200,"body":"{}","headers":{
        "Connection":"close","Content-Length":"7","Transfer-Encoding":"chunked","KEEP-ALIVE":"timeout=5",
        "Access-Control-Allow-Origin":"https://evil.example","access-control-allow-credentials":"true",
        "X-Own":"kept"}}"#;
    let edge = Edge::new(settings(&[("CORE_REPLY", "proxy")]), Core(Some(core)));
    let event = read_event("http-api/ask");
    let response = ask(&edge, &event).await;
    let headers = response["headers"].as_object().expect("headers");
    assert_eq!(headers["X-Own"], "kept", "{response}");
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
