//! Each entry point of the README's table except the HTTP API, with its client or with the requests
//! that this client sends.

#[cfg(target_os = "linux")]
use std::path::PathBuf;
use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::Credentials as SdkCredentials;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvokeWithResponseStreamResponseEvent as Event;
use axum::body::Bytes;
use axum::http::{Method, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use inference_edge::http::{BufferedResponse, HttpClient};
use inference_edge::signer::Signer;
use serde_json::{Value, json};
use sigv4::Credentials;

use crate::chunked::ChunkedBody;
use crate::harness::{Stack, TEST_TIMEOUT, header, send, text, value};

const QUESTION: &str =
    r#"{"partner":"Apple","year":2023,"period":"Q1","question":"What was the revenue?"}"#;
const QUERY: &str = "partner=Apple&year=2023&period=Q1&question=What%20was%20the%20revenue%3F";
const REVENUE: &str = "$117,154 million";

impl Stack {
    /// Signs with the credentials of the ready file, as another Lambda function signs with those of
    /// its role.
    fn signer(&self) -> Signer {
        let key = Credentials::new(
            self.ready_value("/credentials/accessKeyId"),
            self.ready_value("/credentials/secretAccessKey"),
        );
        Signer::new(Arc::new(key))
    }

    fn signed(&self, method: Method, url: &str, body: &str) -> Request<Full<Bytes>> {
        let headers = [("content-type", "application/json")];
        self.signer()
            .request(
                method,
                url,
                &headers,
                Bytes::copy_from_slice(body.as_bytes()),
            )
            .expect("a request")
    }

    async fn send_signed(&self, method: Method, url: &str, body: &str) -> BufferedResponse {
        HttpClient::new()
            .send(self.signed(method, url, body), TEST_TIMEOUT)
            .await
            .expect("an answer")
    }

    /// Gets an identity and its credentials from the identity pool, as an app does after a sign-in.
    async fn identity_credentials(&self) -> Value {
        let login = self
            .ready_value("/issuer")
            .split_once("://")
            .expect("a URL")
            .1
            .to_owned();
        let logins = json!({ login: self.ready_value("/idToken") });
        let id = self
            .identity_pool(
                "GetId",
                json!({ "IdentityPoolId": self.ready_value("/identityPoolId"), "Logins": logins }),
            )
            .await;
        self.identity_pool(
            "GetCredentialsForIdentity",
            json!({ "IdentityId": id["IdentityId"], "Logins": logins }),
        )
        .await["Credentials"]
            .clone()
    }

    async fn identity_pool(&self, operation: &str, body: Value) -> Value {
        let target = (
            "x-amz-target",
            format!("AWSCognitoIdentityService.{operation}"),
        );
        let kind = ("content-type", "application/x-amz-json-1.1".to_owned());
        value(
            &send(
                Method::POST,
                self.ready_value("/identityPoolEndpoint"),
                &[target, kind],
                &body.to_string(),
            )
            .await,
        )
    }

    async fn lambda_client(&self) -> Client {
        let keys = self.identity_credentials().await;
        let text = |name: &str| keys[name].as_str().expect("a text").to_owned();
        let credentials = SdkCredentials::new(
            text("AccessKeyId"),
            text("SecretKey"),
            Some(text("SessionToken")),
            None,
            "pool",
        );
        let sdk = aws_config::defaults(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(self.ready_value("/lambdaEndpoint"))
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials)
            .load()
            .await;
        Client::new(&sdk)
    }
}

#[tokio::test]
async fn an_iam_function_url_takes_a_signed_query_and_a_signed_body() {
    let stack = Stack::start(&[]);
    let url = stack.ready_value("/functionUrl");
    let get = stack
        .send_signed(Method::GET, &format!("{url}/?{QUERY}"), "")
        .await;
    assert!(text(&get).contains(REVENUE), "{}", text(&get));
    let post = stack
        .send_signed(Method::POST, &format!("{url}/"), QUESTION)
        .await;
    assert!(text(&post).contains(REVENUE), "{}", text(&post));
    assert_eq!(
        header(&post, "x-amzn-requestid"),
        header(&post, "x-request-id")
    );
    let head = stack
        .send_signed(Method::HEAD, &format!("{url}/?{QUERY}"), "")
        .await;
    assert_eq!((head.status.as_u16(), text(&head).as_str()), (200, ""));
    let missing = stack
        .send_signed(Method::GET, &format!("{url}/?partner=Apple"), "")
        .await;
    assert_eq!(
        value(&missing)["fields"],
        json!(["year", "period", "question"])
    );
}

/// A URL that AWS's own crate has presigned with the credentials of the ready file.
fn presigned(stack: &Stack, url: &str) -> String {
    use aws_sigv4::http_request::{
        SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
    };
    let identity = aws_credential_types::Credentials::new(
        stack.ready_value("/credentials/accessKeyId"),
        stack.ready_value("/credentials/secretAccessKey"),
        None,
        None,
        "test",
    )
    .into();
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(std::time::Duration::from_secs(60));
    let parameters = aws_sigv4::sign::v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("lambda")
        .time(std::time::SystemTime::now())
        .settings(settings)
        .build()
        .expect("parameters")
        .into();
    let host = url.split('/').nth(2).expect("a host");
    let headers = [("host", host)].into_iter();
    let signable = SignableRequest::new("GET", url, headers, SignableBody::Bytes(b""));
    let (instructions, _) = sign(signable.expect("a request"), &parameters)
        .expect("a signature")
        .into_parts();
    let mut request = Request::get(url).body(()).expect("a request");
    instructions.apply_to_request_http1x(&mut request);
    request.uri().to_string()
}

#[tokio::test]
async fn an_iam_function_url_takes_a_presigned_url() {
    let stack = Stack::start(&[]);
    let url = format!("{}/?{QUERY}", stack.ready_value("/functionUrl"));
    let presigned = presigned(&stack, &url);
    let answer = send(Method::GET, &presigned, &[], "").await;
    assert!(text(&answer).contains(REVENUE), "{}", text(&answer));
    let changed = presigned.replace("year=2023", "year=2022");
    for (name, method, url, body, message) in [
        (
            "another query",
            Method::GET,
            &changed,
            "",
            "The request signature we calculated",
        ),
        (
            "another method",
            Method::POST,
            &presigned,
            "",
            "The request signature we calculated",
        ),
        (
            "a body",
            Method::GET,
            &presigned,
            "{}",
            "The request signature we calculated",
        ),
        (
            "no signature",
            Method::GET,
            &format!("{url}&X-Amz-Signature=0"),
            "",
            "AWS query-string parameters must include 'X-Amz-Algorithm'",
        ),
    ] {
        let answer = send(method, url, &[], body).await;
        let error = value(&answer)["message"].clone();
        assert_eq!(answer.status, 403, "{name}: {error}");
        assert!(
            error
                .as_str()
                .is_some_and(|error| error.starts_with(message)),
            "{name}: {error}"
        );
    }
}

#[tokio::test]
async fn an_iam_function_url_refuses_with_lambdas_errors() {
    let stack = Stack::start(&[]);
    let url = format!("{}/", stack.ready_value("/functionUrl"));
    let forbidden = "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html";
    let unsigned = send(Method::POST, &url, &[], QUESTION).await;
    assert_eq!(
        (unsigned.status.as_u16(), value(&unsigned)),
        (403, json!({ "Message": forbidden }))
    );
    assert_eq!(
        header(&unsigned, "x-amzn-errortype"),
        "AccessDeniedException"
    );
    let mut changed = stack.signed(Method::POST, &url, QUESTION);
    *changed.body_mut() = Full::from("{}");
    let changed = HttpClient::new()
        .send(changed, TEST_TIMEOUT)
        .await
        .expect("an answer");
    assert_eq!(
        (
            changed.status.as_u16(),
            header(&changed, "x-amzn-errortype")
        ),
        (403, "InvalidSignatureException")
    );
    assert!(
        value(&changed)["message"]
            .as_str()
            .is_some_and(|text| text.starts_with("The request signature we calculated"))
    );
    stack.wait_for("the signature does not match");
}

#[tokio::test]
async fn an_open_function_url_requires_a_valid_token() {
    let stack = Stack::start(&[]);
    let url = stack.ready_value("/openFunctionUrl");
    let with = |token: &str| [("authorization", format!("Bearer {token}"))];
    let get = send(
        Method::GET,
        &format!("{url}/?{QUERY}"),
        &with(stack.ready_value("/idToken")),
        "",
    )
    .await;
    assert!(text(&get).contains(REVENUE), "{}", text(&get));
    let nobody = send(Method::GET, &format!("{url}/?{QUERY}"), &[], "").await;
    assert_eq!(
        (nobody.status.as_u16(), header(&nobody, "www-authenticate")),
        (401, "Bearer")
    );
    let forged = send(
        Method::GET,
        &format!("{url}/?{QUERY}"),
        &with(&stack.ready_value("/idToken").replace("eyJ", "eyK")),
        "",
    )
    .await;
    assert_eq!(value(&forged)["code"], "unauthorized");
    let access = stack.sign_in().await["AccessToken"]
        .as_str()
        .expect("a token")
        .to_owned();
    let access = send(Method::GET, &format!("{url}/?{QUERY}"), &with(&access), "").await;
    assert_eq!(value(&access)["code"], "forbidden");
    let preflight = [
        ("origin", "http://localhost:5173".to_owned()),
        ("access-control-request-method", "POST".to_owned()),
    ];
    let preflight = send(Method::OPTIONS, &format!("{url}/"), &preflight, "").await;
    assert_eq!(
        (
            preflight.status.as_u16(),
            header(&preflight, "access-control-allow-origin")
        ),
        (204, "http://localhost:5173")
    );
}

#[tokio::test]
async fn the_rust_sdk_invokes_the_edge_as_an_identity_buffered_and_streamed() {
    let stack = Stack::start(&[]);
    let client = stack.lambda_client().await;
    let output = client
        .invoke()
        .function_name("edge")
        .payload(Blob::new(QUESTION))
        .send()
        .await
        .expect("an answer");
    let payload =
        String::from_utf8(output.payload.expect("a payload").into_inner()).expect("UTF-8");
    assert!(
        payload.contains(REVENUE) && output.function_error.is_none(),
        "{payload}"
    );
    let request = client
        .invoke_with_response_stream()
        .function_name("edge-stream")
        .payload(Blob::new(QUESTION));
    let mut output = request.send().await.expect("an answer");
    let (mut text, mut chunks) = (String::new(), 0);
    while let Some(event) = output.event_stream.recv().await.expect("an event") {
        match event {
            Event::PayloadChunk(chunk) => {
                text.push_str(
                    &String::from_utf8(chunk.payload.expect("bytes").into_inner()).expect("UTF-8"),
                );
                chunks += 1;
            }
            Event::InvokeComplete(complete) => assert_eq!(complete.error_code, None),
            _ => panic!("an event of another kind"),
        }
    }
    assert!(
        text.contains(REVENUE) && text.contains("event: done") && chunks > 1,
        "{chunks}: {text}"
    );
    let refused = client
        .invoke()
        .function_name("core")
        .payload(Blob::new("{}"))
        .send()
        .await
        .expect_err("no right");
    assert!(
        format!("{refused:?}").contains("AccessDeniedException"),
        "{refused:?}"
    );
    let wrong = client
        .invoke_with_response_stream()
        .function_name("edge-stream")
        .payload(Blob::new("{}"))
        .send()
        .await;
    let event = wrong
        .expect("a stream")
        .event_stream
        .recv()
        .await
        .expect("an event")
        .expect("one");
    let complete = event.as_invoke_complete().expect("the end");
    assert_eq!(complete.error_code.as_deref(), Some("Unhandled"));
    assert!(
        complete
            .error_details
            .as_ref()
            .is_some_and(|details| details.contains("missing_fields")),
        "{complete:?}"
    );
}

#[tokio::test]
async fn whatever_client_context_an_app_sends_it_is_answered_by_the_same_environment() {
    let stack = Stack::start(&["--env", "AWS_LAMBDA_MAX_CONCURRENCY=2"]);
    for context in [
        "{}",
        r#"{"custom":{"n":1}}"#,
        r#"{"custom":7}"#,
        r#"{"custom":{"name":"Zoë"}}"#,
        r#"{"client":[]}"#,
    ] {
        let header = ("x-amz-client-context", STANDARD.encode(context));
        let answer = stack
            .invoke_with("userCredentials", "edge", &[header], QUESTION)
            .await;
        assert!(
            text(&answer).contains(REVENUE),
            "{context}: {}",
            text(&answer)
        );
    }
    let cold_starts = stack.written().matches("\"coldStart\":true").count();
    assert_eq!(cold_starts, 1, "{}", stack.written());
}

#[tokio::test]
async fn a_streamed_answer_comes_sentence_by_sentence() {
    let stack = Stack::start(&[]);
    let question = QUESTION.replace("What was the revenue?", "How did it go?");
    let chunks = ChunkedBody::of(stack.signed(
        Method::POST,
        &format!("{}/", stack.ready_value("/streamFunctionUrl")),
        &question,
    ))
    .await;
    assert_eq!(
        chunks.headers().get("content-type").expect("a type"),
        "text/event-stream"
    );
    let (all, is_whole) = chunks.rest().await;
    assert!(
        is_whole && all.matches("data: {\"text\"").count() > 2 && all.contains("event: done"),
        "{all}"
    );
}

#[tokio::test]
async fn the_first_bytes_arrive_while_core_still_runs() {
    let stack = Stack::scripted(&[]);
    let release =
        std::env::temp_dir().join(format!("inference-edge-hold-{}", uuid::Uuid::new_v4()));
    let request = ask_stream(&stack, &format!("hold:{}", release.display()));
    let mut chunks = ChunkedBody::of(request).await;
    assert_eq!(
        chunks.next().await.expect("a chunk").expect("bytes"),
        "data: {\"text\":\"one \"}\n\n"
    );
    // The core function waits for the file, so it cannot have sent more.
    std::fs::write(&release, "").expect("a file");
    let (rest, is_whole) = chunks.rest().await;
    std::fs::remove_file(release).expect("the file");
    assert_eq!(
        (rest.as_str(), is_whole),
        ("data: {\"text\":\"two\"}\n\n", true)
    );
}

#[tokio::test]
async fn a_truncated_response_never_looks_complete() {
    let stack = Stack::scripted(&[]);
    let (text, is_whole) = ChunkedBody::of(ask_stream(&stack, "break-off:text "))
        .await
        .rest()
        .await;
    assert!(!is_whole && text == "text one\n\n", "{text}");
    let (text, is_whole) = ChunkedBody::of(ask_stream(&stack, "trailer"))
        .await
        .rest()
        .await;
    assert!(!is_whole && text == "one", "{text}");
    // A stream of server-sent events, which is recognized by its first bytes, ends with an error
    // event instead.
    let (text, is_whole) = ChunkedBody::of(ask_stream(&stack, "break-off:data: "))
        .await
        .rest()
        .await;
    assert!(is_whole && text.starts_with("data: one\n\n"), "{text}");
    let last = text
        .rsplit("event: error\ndata: ")
        .next()
        .expect("an event");
    let error: Value = serde_json::from_str(last.trim()).expect("JSON");
    assert_eq!(
        (&error["code"], &error["detail"]["errorType"]),
        (&json!("core_error"), &json!("Runtime.TruncatedResponse"))
    );
}

#[tokio::test]
async fn an_error_before_the_first_byte_is_an_ordinary_response() {
    let stack = Stack::scripted(&[]);
    let url = format!("{}/", stack.ready_value("/streamFunctionUrl"));
    let wrong = stack.send_signed(Method::POST, &url, "{}").await;
    assert_eq!(
        (wrong.status.as_u16(), &value(&wrong)["code"]),
        (400, &json!("missing_fields"))
    );
    let failed = HttpClient::new()
        .send(ask_stream(&stack, "throw"), TEST_TIMEOUT)
        .await
        .expect("an answer");
    assert_eq!(
        (
            failed.status.as_u16(),
            &value(&failed)["detail"]["errorType"]
        ),
        (502, &json!("Boom"))
    );
    let whole = HttpClient::new()
        .send(ask_stream(&stack, "echo"), TEST_TIMEOUT)
        .await
        .expect("an answer");
    assert_eq!(
        (whole.status.as_u16(), header(&whole, "content-type")),
        (200, "application/json")
    );
    let origin = [
        ("origin", "http://localhost:5173".to_owned()),
        ("access-control-request-method", "POST".to_owned()),
    ];
    let asked = (
        "access-control-request-headers",
        "authorization,content-type,x-amz-date,x-amz-security-token".to_owned(),
    );
    let preflight = send(
        Method::OPTIONS,
        &url,
        &[origin[0].clone(), origin[1].clone(), asked],
        "",
    )
    .await;
    assert_eq!(
        (
            preflight.status.as_u16(),
            header(&preflight, "access-control-allow-origin")
        ),
        (204, "http://localhost:5173")
    );
    let unsigned = send(Method::POST, &url, &[origin[0].clone()], QUESTION).await;
    assert_eq!(
        (
            unsigned.status.as_u16(),
            header(&unsigned, "access-control-allow-origin")
        ),
        (403, "http://localhost:5173")
    );
}

#[tokio::test]
async fn a_core_that_does_not_stream_gets_a_buffered_response() {
    let raw = Stack::scripted(&[]);
    let proxy = Stack::scripted(&["--env", "CORE_REPLY=proxy"]);
    for (stack, question, status, body) in [
        (&raw, "nothing", 200, "{}"),
        (&raw, "white-space", 200, " \n"),
        (&raw, "brace", 200, "{"),
        (&proxy, "proxy-reply", 201, "made"),
        (&proxy, "white-space", 200, "{\"raw\":\" \\n\"}"),
        (&proxy, "nothing", 200, "{}"),
    ] {
        // One environment handles all of them: none of them may end it.
        let chunks = ChunkedBody::of(ask_stream(stack, question)).await;
        let got = chunks.status();
        assert_eq!(
            (got, chunks.rest().await),
            (status, (body.to_owned(), true)),
            "{question}"
        );
    }
    assert!(
        !raw.written().contains("panicked") && !proxy.written().contains("panicked"),
        "{}",
        proxy.written()
    );
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_slow_reader_gives_back_pressure_to_core() {
    let stack = Stack::scripted(&[]);
    let mut chunks = ChunkedBody::of(ask_stream(&stack, "flood:100")).await;
    let first = chunks.next().await.expect("a chunk").expect("bytes").len();
    // While the test does not read, the response fills the buffers of the sockets and no more.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (rest, is_whole) = chunks.rest().await;
    assert_eq!((first + rest.len(), is_whole), (100 * 1024 * 1024, true));
    let peak = peak_memory_kib("function", "edge");
    // The lower bound proves that the process was found.
    assert!(
        (1024..64 * 1024).contains(&peak),
        "the edge took {peak} KiB for 100 MiB"
    );
}

fn ask_stream(stack: &Stack, question: &str) -> Request<Full<Bytes>> {
    let body =
        json!({ "partner": "x", "year": 2023, "period": "Q1", "question": question }).to_string();
    stack.signed(
        Method::POST,
        &format!("{}/", stack.ready_value("/streamFunctionUrl")),
        &body,
    )
}

/// The peak memory of the processes with these two consecutive arguments, in KiB.
#[cfg(target_os = "linux")]
fn peak_memory_kib(first: &str, second: &str) -> u64 {
    let processes = std::fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(|entry| Some(entry.ok()?.path()));
    processes
        .filter_map(|process| peak_of(process, first, second))
        .max()
        .unwrap_or_default()
}

#[cfg(target_os = "linux")]
fn peak_of(process: PathBuf, first: &str, second: &str) -> Option<u64> {
    let words = std::fs::read_to_string(process.join("cmdline")).ok()?;
    let words: Vec<_> = words.split('\0').collect();
    if !words.windows(2).any(|pair| pair == [first, second]) {
        return None;
    }
    let status = std::fs::read_to_string(process.join("status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
