//! The Lambda client against a server on loopback that answers as Lambda does, or does not, and
//! counts what reaches it.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_lambda::config::Credentials;
use edge::error::EdgeError;
use edge::stages::enrich::Enriched;
use edge::stages::invoke::{Call, CoreReply, InvokeCore, LambdaCore};
use lambda_client::{HttpClient, Roots};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server that gives every request the same bytes, and then closes the connection.
pub struct Server {
    pub url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&requests), answer.into());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read_request(&mut stream).await;
                seen.lock().expect("a lock").push(request);
                let _ = stream.write_all(&answer).await;
            }
        });
        Self { url, requests }
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("a lock").clone()
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = String::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.unwrap_or_default();
        request.push_str(&String::from_utf8_lossy(&buffer[..read]));
        let Some((head, body)) = request.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length: ")
                .map(str::to_owned)
        });
        let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        if read == 0 || body.len() >= length {
            return request;
        }
    }
}

pub fn http(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub fn client() -> HttpClient {
    HttpClient::new(Roots::Amazon)
}

pub async fn sdk(url: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(client().for_sdk())
        .endpoint_url(url)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(
            "AKIDEXAMPLE",
            "secret",
            None,
            None,
            "test",
        ))
        .load()
        .await
}

async fn invoke_with(
    url: &str,
    tenant: Option<&str>,
    trace_id: Option<&str>,
    budget: Duration,
) -> Result<CoreReply, EdgeError> {
    let core = LambdaCore::new(&sdk(url).await, client(), "core").await;
    let enriched = Enriched {
        payload: br#"{"input":{}}"#.to_vec(),
        tenant: tenant.map(str::to_owned),
    };
    core.invoke(Call {
        enriched,
        trace_id,
        budget,
    })
    .await
}

async fn invoke(url: &str) -> Result<CoreReply, EdgeError> {
    invoke_with(url, None, None, Duration::from_secs(10)).await
}

/// Status, name, the contract's code, and how often the call is made.
pub const LAMBDA_ERRORS: [(u16, &str, &str, usize); 51] = [
    (
        400,
        "InvalidParameterValueException",
        "invocation_failure",
        1,
    ),
    (
        400,
        "InvalidRequestContentException",
        "invocation_failure",
        1,
    ),
    (400, "ModeNotSupportedException", "invocation_failure", 1),
    (400, "NoPublishedVersionException", "invocation_failure", 1),
    (400, "RecursiveInvocationException", "invocation_failure", 1),
    (400, "SnapStartException", "invocation_failure", 1),
    (400, "ValidationException", "invocation_failure", 1),
    (
        402,
        "ServiceQuotaExceededException",
        "invocation_failure",
        1,
    ),
    (403, "AccessDeniedException", "core_access_denied", 1),
    (403, "EFSMountFailureException", "invocation_failure", 1),
    (403, "ExpiredTokenException", "invocation_failure", 1),
    (403, "InvalidSignatureException", "invocation_failure", 1),
    (403, "S3FilesMountFailureException", "invocation_failure", 1),
    (403, "UnrecognizedClientException", "invocation_failure", 1),
    (404, "ResourceNotFound", "core_not_found", 1),
    (404, "ResourceNotFoundException", "core_not_found", 1),
    (
        408,
        "EFSMountConnectivityException",
        "invocation_failure",
        1,
    ),
    (408, "EFSMountTimeoutException", "invocation_failure", 1),
    (
        408,
        "S3FilesMountConnectivityException",
        "invocation_failure",
        1,
    ),
    (408, "S3FilesMountTimeoutException", "invocation_failure", 1),
    (408, "SnapStartTimeoutException", "invocation_failure", 1),
    (
        409,
        "CodeArtifactUserDeletedException",
        "invocation_failure",
        1,
    ),
    (
        409,
        "CodeArtifactUserFailedException",
        "invocation_failure",
        1,
    ),
    (
        409,
        "CodeArtifactUserPendingException",
        "invocation_failure",
        1,
    ),
    (
        409,
        "DurableExecutionAlreadyStartedException",
        "invocation_failure",
        1,
    ),
    (409, "ResourceConflictException", "invocation_failure", 1),
    (409, "RuntimeAliasDeletedException", "invocation_failure", 1),
    (
        409,
        "RuntimeVersionDeletedException",
        "invocation_failure",
        1,
    ),
    (409, "SnapStartNotReadyException", "invocation_failure", 3),
    (
        409,
        "SnapStartRegenerationFailureException",
        "invocation_failure",
        1,
    ),
    (410, "EFSIOException", "invocation_failure", 1),
    (413, "RequestTooLargeException", "request_too_large", 1),
    (
        413,
        "SerializedRequestEntityTooLargeException",
        "invocation_failure",
        1,
    ),
    (
        415,
        "UnsupportedMediaTypeException",
        "invocation_failure",
        1,
    ),
    (429, "TooManyRequestsException", "core_throttled", 3),
    (500, "ServiceException", "invocation_failure", 1),
    (502, "EC2AccessDeniedException", "invocation_failure", 1),
    (502, "EC2ThrottledException", "core_throttled", 1),
    (502, "EC2UnexpectedException", "invocation_failure", 1),
    (502, "ENILimitReachedException", "core_throttled", 1),
    (502, "ENINotReadyException", "core_throttled", 3),
    (502, "InvalidRuntimeException", "invocation_failure", 1),
    (
        502,
        "InvalidSecurityGroupIDException",
        "invocation_failure",
        1,
    ),
    (502, "InvalidSubnetIDException", "invocation_failure", 1),
    (502, "InvalidZipFileException", "invocation_failure", 1),
    (502, "KMSAccessDeniedException", "invocation_failure", 1),
    (502, "KMSDisabledException", "invocation_failure", 1),
    (502, "KMSInvalidStateException", "invocation_failure", 1),
    (502, "KMSNotFoundException", "invocation_failure", 1),
    (502, "ResourceNotReadyException", "core_throttled", 3),
    (
        502,
        "SubnetIPAddressLimitReachedException",
        "invocation_failure",
        1,
    ),
];

#[tokio::test]
async fn every_error_of_lambda_becomes_the_contracts_and_only_those_that_cannot_have_run_core_are_tried_again()
 {
    let mut failures = Vec::new();
    for (status, name, code, attempts) in LAMBDA_ERRORS {
        let body = r#"{"Type":"User","Message":"why","message":"why"}"#;
        let server = Server::answering(http(
            status,
            &format!("x-amzn-ErrorType: {name}:http://internal\r\n"),
            body,
        ))
        .await;
        let error = invoke(&server.url).await.expect_err(name);
        let got = (error.code(), server.requests().len());
        if got != (code, attempts) {
            failures.push(format!(
                "{status} {name}: {got:?}, not {:?}",
                (code, attempts)
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn what_is_not_lambdas_answer_is_unreachable_and_never_tried_again() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"cut\":";
    for (name, answer) in [
        ("the connection is closed without a word", String::new()),
        ("the answer is cut short", cut.to_owned()),
        (
            "the answer is not HTTP",
            "SSH-2.0-OpenSSH_9.2\r\n".to_owned(),
        ),
        (
            "a proxy's 502",
            "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>"
                .to_owned(),
        ),
        (
            "a proxy's 503",
            "HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
        ),
    ] {
        let server = Server::answering(answer).await;
        let error = invoke(&server.url).await.expect_err(name);
        assert_eq!(
            (error.code(), server.requests().len()),
            ("core_unreachable", 1),
            "{name}: {error:?}"
        );
    }
}

#[tokio::test]
async fn where_nobody_listens_core_is_unreachable() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        listener.local_addr().expect("an address").port()
    };
    let error = invoke(&format!("http://127.0.0.1:{port}"))
        .await
        .expect_err("nobody listens");
    assert_eq!(error.code(), "core_unreachable", "{error:?}");
}

#[tokio::test]
async fn a_core_that_takes_too_long_is_given_up_and_never_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let error = invoke_with(&url, None, None, Duration::from_millis(200))
        .await
        .expect_err("no answer");
    assert_eq!(error.code(), "core_timed_out");
    let (_first, _) = listener.accept().await.expect("one connection");
    let second = tokio::time::timeout(Duration::from_millis(500), listener.accept()).await;
    assert!(second.is_err(), "core was called twice");
}

#[tokio::test]
async fn a_call_that_was_given_up_leaves_nothing_behind_for_the_next() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let (mut slow, _) = listener.accept().await.expect("a connection");
        read_request(&mut slow).await;
        let (mut fast, _) = listener.accept().await.expect("another connection");
        read_request(&mut fast).await;
        let _ = slow.write_all(http(200, "", "\"late\"").as_bytes()).await;
        let _ = fast.write_all(http(200, "", "\"second\"").as_bytes()).await;
    });
    let core = LambdaCore::new(&sdk(&url).await, client(), "core").await;
    let call = |budget| {
        let enriched = Enriched {
            payload: b"{}".to_vec(),
            tenant: None,
        };
        core.invoke(Call {
            enriched,
            trace_id: None,
            budget,
        })
    };
    let given_up = call(Duration::from_millis(100))
        .await
        .expect_err("no answer in time");
    assert_eq!(given_up.code(), "core_timed_out");
    assert_eq!(
        call(Duration::from_secs(5))
            .await
            .expect("an answer")
            .payload,
        b"\"second\""
    );
}

#[tokio::test]
async fn cores_payload_comes_back_byte_for_byte() {
    for (name, headers, body, is_error) in [
        ("a result", "", r#"{ "b": 1.10, "a": 1e400 }"#, false),
        ("nothing", "", "", false),
        (
            "an error",
            "X-Amz-Function-Error: Unhandled\r\n",
            r#"{"errorType":"X"}"#,
            true,
        ),
        (
            "an error of the old kind",
            "X-Amz-Function-Error: Handled\r\n",
            "{}",
            true,
        ),
    ] {
        let server = Server::answering(http(200, headers, body)).await;
        let reply = invoke(&server.url).await.expect(name);
        let got = (
            String::from_utf8(reply.payload).expect("UTF-8"),
            reply.is_function_error,
        );
        assert_eq!(got, (body.to_owned(), is_error), "{name}");
    }
}

#[tokio::test]
async fn the_call_carries_payload_tenant_trace_and_signature() {
    let server = Server::answering(http(200, "", "{}")).await;
    let trace = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1";
    invoke_with(
        &server.url,
        Some("blue"),
        Some(trace),
        Duration::from_secs(10),
    )
    .await
    .expect("an answer");
    let request = server.requests().remove(0);
    let lower = request.to_lowercase();
    assert!(
        request.starts_with("POST /2015-03-31/functions/core/invocations HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(lower.contains("\r\nx-amz-tenant-id: blue\r\n"), "{request}");
    assert!(
        lower.contains(&format!(
            "\r\nx-amzn-trace-id: {}\r\n",
            trace.to_lowercase()
        )),
        "{request}"
    );
    assert!(
        lower.contains("/us-east-1/lambda/aws4_request"),
        "{request}"
    );
    assert!(request.ends_with("\r\n\r\n{\"input\":{}}"), "{request}");
}

#[tokio::test]
async fn a_trace_header_that_no_http_header_can_hold_is_left_out() {
    let server = Server::answering(http(200, "", "{}")).await;
    invoke_with(&server.url, None, Some("Root=\n"), Duration::from_secs(10))
        .await
        .expect("an answer");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn without_credentials_the_invocation_fails_and_nothing_is_sent() {
    let server = Server::answering(http(200, "", "{}")).await;
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(&server.url)
        .region(Region::new("us-east-1"))
        .build();
    let core = LambdaCore::new(&config, client(), "core").await;
    let enriched = Enriched {
        payload: b"{}".to_vec(),
        tenant: None,
    };
    let error = core
        .invoke(Call {
            enriched,
            trace_id: None,
            budget: Duration::from_secs(10),
        })
        .await
        .expect_err("no credentials");
    assert_eq!(
        (error.code(), server.requests().len()),
        ("invocation_failure", 0),
        "{error:?}"
    );
}
