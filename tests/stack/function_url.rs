//! Function URLs: with the auth type `AWS_IAM`, signed and presigned, and open ones where the edge
//! verifies tokens itself.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{Method, Request};
use http_body_util::Full;
use inference_edge::http::{BufferedResponse, HttpClient};
use inference_edge::signer::Signer;
use serde_json::json;
use sigv4::Credentials;

use crate::harness::{Stack, TEST_TIMEOUT, header, send, text, value};
use crate::question::{QUERY, QUESTION, REVENUE};

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

    pub fn signed(&self, method: Method, url: &str, body: &str) -> Request<Full<Bytes>> {
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

    pub async fn send_signed(&self, method: Method, url: &str, body: &str) -> BufferedResponse {
        HttpClient::new()
            .send(self.signed(method, url, body), TEST_TIMEOUT)
            .await
            .expect("an answer")
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
