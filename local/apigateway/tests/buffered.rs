//! Results that are answered in one piece.

use testkit::endpoint::{Endpoint, Script};

use super::{LONG, answer, api_before};

#[tokio::test]
async fn a_result_that_is_no_response_is_502_with_the_gateway_responses_headers() {
    for (name, result) in [
        (
            "a member that it does not know",
            r#"{"statusCode":200,"cookies":[]}"#,
        ),
        ("no status", r#"{"body":"b"}"#),
        ("no object", r#""b""#),
    ] {
        let lambda = Endpoint::start(Script::answering_json(result)).await;
        let address = api_before(&lambda, LONG).await;
        let response = answer(&address, "/prod/inference", "Origin: https://a.example\r\n").await;
        assert!(response.starts_with("HTTP/1.1 502"), "{name}: {response}");
        for part in [
            "x-amzn-errortype: InternalServerErrorException\r\n",
            "access-control-allow-origin: https://a.example\r\n",
            "x-static: yes\r\n",
            "\r\n\r\n{\"message\":\"Internal server error\"}",
        ] {
            assert!(response.contains(part), "{name}: no {part:?} in {response}");
        }
        let without_origin = answer(&address, "/prod/inference", "").await;
        assert!(
            !without_origin.contains("access-control-"),
            "{without_origin}"
        );
    }
}
