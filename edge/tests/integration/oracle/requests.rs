//! Both clients send the same bytes.

use edge::stages::invoke::{LambdaCore, SdkCore};
use testkit::endpoint::{Endpoint, Script};
use testkit::http::Request;

use super::{Invoke, InvokeWithResponseStream, call};
use crate::clients::{client, sdk};

/// Headers that differ: when and by whom a request is sent, and what the SDK says of its own
/// attempts.
const DIFFERENT: [&str; 4] = [
    "authorization",
    "x-amz-date",
    "user-agent",
    "x-amz-user-agent",
];

/// A request's first line, its headers in order of their names but for those that differ, and its
/// body.
fn comparable(request: &str) -> (String, Vec<String>, String) {
    let (head, body) = request.split_once("\r\n\r\n").expect("a request");
    let (first, headers) = head.split_once("\r\n").expect("headers");
    let is_same = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default().to_lowercase();
        !DIFFERENT.contains(&name.as_str()) && !name.starts_with("amz-sdk-")
    };
    let mut headers: Vec<_> = headers.lines().filter(is_same).map(str::to_owned).collect();
    headers.sort_unstable();
    (first.to_owned(), headers, body.to_owned())
}

#[tokio::test]
async fn both_send_the_same_request() {
    let arn = "arn:aws:lambda:us-east-1:111122223333:function:core:$LATEST";
    for (operation, function, prefix) in [
        (Invoke, "core", ""),
        (Invoke, arn, ""),
        (Invoke, "a-b_c:1.2~3", "/a/prefix"),
        (InvokeWithResponseStream, "core", ""),
        (InvokeWithResponseStream, arn, "/a/prefix"),
    ] {
        let server = Endpoint::start(Script::answering_json("{}")).await;
        let sdk = sdk(&format!("{}{prefix}", server.url)).await;
        call(&LambdaCore::new(&sdk, client(), function).await, operation).await;
        call(&SdkCore::new(&sdk, function), operation).await;
        let requests: Vec<_> = server.requests().iter().map(Request::to_wire).collect();
        let [ours, sdks] = requests.as_slice() else {
            panic!("{requests:?}")
        };
        assert_eq!(
            comparable(ours),
            comparable(sdks),
            "{operation:?} {function}"
        );
        let (first, headers, _) = comparable(ours);
        assert!(
            first.contains("/functions/") && headers.len() >= 5,
            "{first} {headers:?}"
        );
    }
}
