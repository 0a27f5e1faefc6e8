//! Both clients read every answer in one piece in the same way.

use testkit::http::last_answer;

use super::{Invoke, InvokeWithResponseStream, Verdict, verdicts};
use crate::lambda_errors::{LambdaError, lambda_errors};

#[tokio::test]
async fn both_read_every_error_of_lambda_in_the_same_way() {
    let mut failures = Vec::new();
    for LambdaError {
        status,
        name,
        code,
        attempts,
    } in lambda_errors()
    {
        for (headers, body) in [
            (
                format!("x-amzn-ErrorType: {name}:http://internal\r\nRetry-After: 7\r\n"),
                r#"{"Type":"User","Message":"why"}"#,
            ),
            (format!("x-amzn-ErrorType: {name}\r\n"), ""),
        ] {
            let retry_after =
                (code == "core_throttled").then_some(if body.is_empty() { 1 } else { 7 });
            for operation in [Invoke, InvokeWithResponseStream] {
                let (ours, sdks) = verdicts(&last_answer(status, &headers, body), operation).await;
                // The SDK's retries are off, because they would also send what may have run. Ours
                // send what cannot have run.
                let expected = |attempts| (Verdict::Error(code, retry_after), attempts);
                if (&ours, &sdks) != (&expected(attempts), &expected(1)) {
                    failures.push(format!(
                        "{operation:?} {status} {name}: ours {ours:?}, the SDK's {sdks:?}"
                    ));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn both_read_every_other_answer_in_the_same_way() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"cut\":";
    let named = "x-amzn-ErrorType: ServiceException\r\n";
    for (name, answer) in [
        (
            "a result",
            last_answer(200, "", r#"{ "b": 1.10, "a": 1e400 }"#),
        ),
        ("an empty result", last_answer(200, "", "")),
        (
            "a function error",
            last_answer(
                200,
                "X-Amz-Function-Error: Unhandled\r\n",
                r#"{"errorType":"X"}"#,
            ),
        ),
        (
            "an empty function error header",
            last_answer(200, "X-Amz-Function-Error: Handled\r\n", "{}"),
        ),
        ("accepted", last_answer(202, "", "")),
        ("nothing", Vec::new()),
        ("half an answer", cut.as_bytes().to_vec()),
        ("not HTTP", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
        ("a redirect", last_answer(302, "Location: /\r\n", "")),
        ("a proxy's 502", last_answer(502, "", "<html>")),
        ("a proxy's 503", last_answer(503, "", "")),
        (
            "an error whose body is not JSON",
            last_answer(500, named, "<html>"),
        ),
        (
            "an error whose body is not an object",
            last_answer(500, named, "[1]"),
        ),
        (
            "an error whose body is cut",
            last_answer(500, named, r#"{"message":"#),
        ),
        (
            "an error named in its body",
            last_answer(
                404,
                "",
                r#"{"__type":"aws#ResourceNotFoundException","message":"why"}"#,
            ),
        ),
        (
            "an error named by its code",
            last_answer(429, "", r#"{"code":"TooManyRequestsException"}"#),
        ),
        (
            "an error without a name",
            last_answer(500, "", r#"{"message":"why"}"#),
        ),
        (
            "an error with a namespace",
            last_answer(
                404,
                "x-amzn-ErrorType: aws#ResourceNotFoundException\r\n",
                "{}",
            ),
        ),
        (
            "an error that is to come",
            last_answer(418, "x-amzn-ErrorType: NewException\r\n", "{}"),
        ),
    ] {
        let ((ours, _), (sdks, attempts)) = verdicts(&answer, Invoke).await;
        assert_eq!(ours, sdks, "{name}");
        assert_eq!(attempts, 1, "{name}");
    }
}
