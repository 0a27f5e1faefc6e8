//! The Invoke API with the credentials of an identity, as an app calls the edge.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::Credentials;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvokeWithResponseStreamResponseEvent as Event;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::aws::sdk_config;

use crate::harness::{Stack, text, value};
use crate::question::{QUESTION, REVENUE};

impl Stack {
    /// Gets an identity and its credentials from the identity pool, as an app does after a sign-in.
    async fn identity_credentials(&self) -> Value {
        let login = self
            .ready_value("/issuer")
            .split_once("://")
            .expect("a URL")
            .1
            .to_owned();
        let logins = json!({ login: self.ready_value("/idToken") });
        let pool = self.ready_value("/identityPoolId");
        let get_id = json!({ "IdentityPoolId": pool, "Logins": logins });
        let id = value(&self.identity_pool("GetId", get_id).await);
        let get_credentials = json!({ "IdentityId": id["IdentityId"], "Logins": logins });
        let credentials = self
            .identity_pool("GetCredentialsForIdentity", get_credentials)
            .await;
        value(&credentials)["Credentials"].clone()
    }

    async fn lambda_client(&self) -> Client {
        let keys = self.identity_credentials().await;
        let text = |name: &str| keys[name].as_str().expect("a text").to_owned();
        let credentials = Credentials::new(
            text("AccessKeyId"),
            text("SecretKey"),
            Some(text("SessionToken")),
            None,
            "pool",
        );
        let sdk = sdk_config(self.ready_value("/lambdaEndpoint"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .credentials_provider(credentials)
            .load()
            .await;
        Client::new(&sdk)
    }
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
