//! Results that are answered in one piece, and requests beyond the rate.

use testkit::endpoint::{Endpoint, Script};

use super::{LONG, ThrottlingLimits, answer, answer_to, api_before, throttled_api_before};

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

#[tokio::test]
async fn beyond_the_burst_of_a_stage_requests_are_refused_before_the_authorizer_sees_them() {
    let lambda = Endpoint::start(Script::answering_json(r#"{"statusCode":204}"#)).await;
    let throttling = Some(ThrottlingLimits {
        // None comes back while the test runs.
        rate: 0.000_001,
        burst: 2.0,
    });
    let address = throttled_api_before(&lambda, LONG, throttling).await;
    for stage in ["prod", "stream"] {
        let path = format!("/{stage}/inference");
        let mut statuses = Vec::new();
        for _ in 0..4 {
            let response =
                answer_to(&address, "POST", &path, "Origin: https://a.example\r\n").await;
            if response.starts_with("HTTP/1.1 429 ") {
                for part in [
                    "x-amzn-errortype: TooManyRequestsException\r\n",
                    "access-control-allow-origin: https://a.example\r\n",
                    "\r\n\r\n{\"message\":\"Too Many Requests\"}",
                ] {
                    assert!(response.contains(part), "no {part:?} in {response}");
                }
            }
            statuses.push(response[9..12].to_owned());
        }
        // The two that pass have no token.
        assert_eq!(statuses, ["401", "401", "429", "429"], "{stage}");
    }
}
