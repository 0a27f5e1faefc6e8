//! The event that the function receives.

use serde_json::json;
use testkit::endpoint::{Endpoint, Script};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{LONG, answer, api_before, read_until, received_event};

#[tokio::test]
async fn the_event_has_header_names_as_the_client_wrote_them_and_one_x_forwarded_for() {
    let lambda = Endpoint::start(Script::answering_json(r#"{"statusCode":204}"#)).await;
    let address = api_before(&lambda, LONG).await;
    let headers = "X-MiXed: 1\r\nx-mixed: 2\r\nCOOKIE: a=1; b=2\r\nx-forwarded-for: 6.6.6.6\r\nX-FORWARDED-FOR: 7.7.7.7\r\nx-amzn-trace-id: Root=1-5e-67\r\n";
    let response = answer(&address, "/prod/inference?a=1&a=2", headers).await;
    assert!(response.starts_with("HTTP/1.1 204"), "{response}");
    let request = lambda.request(1).await;
    assert_eq!(request.path(), "/2015-03-31/functions/edge/invocations");
    let event = received_event(&request);
    insta::assert_snapshot!(event["headers"], @r#"{"COOKIE":"a=1; b=2","Connection":"close","Host":"api.example:4009","X-Amzn-Trace-Id":"Root=1-5e-67","X-Forwarded-For":"6.6.6.6, 7.7.7.7, 127.0.0.1","X-Forwarded-Port":"4009","X-Forwarded-Proto":"http","X-MiXed":"2"}"#);
    insta::assert_snapshot!(event["multiValueHeaders"], @r#"{"COOKIE":["a=1; b=2"],"Connection":["close"],"Host":["api.example:4009"],"X-Amzn-Trace-Id":["Root=1-5e-67"],"X-Forwarded-For":["6.6.6.6, 7.7.7.7, 127.0.0.1"],"X-Forwarded-Port":["4009"],"X-Forwarded-Proto":["http"],"X-MiXed":["1","2"]}"#);
    let context = &event["requestContext"];
    assert_eq!(context["deploymentId"], "local0");
    assert_eq!(
        (&context["stage"], &context["path"], &event["path"]),
        (
            &json!("prod"),
            &json!("/prod/inference"),
            &json!("/inference")
        )
    );
    for (header, member) in [
        ("x-amzn-requestid", "requestId"),
        ("x-amz-apigw-id", "extendedRequestId"),
    ] {
        let id = context[member].as_str().expect("an id");
        assert!(
            response.contains(&format!("{header}: {id}\r\n")),
            "{response}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_is_used_again_gives_each_event_its_own_names() {
    let lambda = Endpoint::start(Script::answering_json(r#"{"statusCode":204}"#)).await;
    let address = api_before(&lambda, LONG).await;
    let mut connection = TcpStream::connect(&address).await.expect("a connection");
    for (number, name) in [(1, "X-First"), (2, "x-SECOND")] {
        let request = format!(
            "OPTIONS /prod/inference HTTP/1.1\r\nHost: a\r\n{name}: 1\r\nContent-Length: 14\r\n\r\nx-first: body\n"
        );
        connection
            .write_all(request.as_bytes())
            .await
            .expect("a request");
        read_until(&mut connection, "\r\n\r\n").await;
        let event = received_event(&lambda.request(number).await);
        assert_eq!(event["headers"][name], "1", "{event}");
    }
}
