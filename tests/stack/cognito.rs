//! The user pool and the identity pool, tested over their wire protocol: the names and messages
//! that clients rely on.

use axum::http::Method;
use inference_edge::cognito_idp::SUPPORTED;
use inference_edge::http::BufferedResponse;
use serde_json::{Value, json};

use crate::harness::{Stack, header, send, text, value};
use crate::srp;

fn code_for(stack: &Stack, email: &str, purpose: &str) -> String {
    let line = stack.wait_for(&format!("for {email} ({purpose})"));
    line.split_whitespace()
        .find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit()))
        .expect("a code")
        .to_owned()
}

fn error(answer: &BufferedResponse) -> (String, String) {
    let body = value(answer);
    let name = body["__type"].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (answer.status.as_u16(), header(answer, "x-amzn-errortype")),
        (400, format!("{name}:").as_str()),
        "{body}"
    );
    (
        name,
        body["message"].as_str().unwrap_or_default().to_owned(),
    )
}

async fn ask(stack: &Stack, operation: &str, mut input: Value) -> BufferedResponse {
    if input.get("ClientId").is_none() && input.get("AccessToken").is_none() {
        input["ClientId"] = json!(stack.ready_value("/userPoolClientId"));
    }
    stack.cognito(operation, input).await
}

#[tokio::test]
async fn a_user_signs_up_confirms_forgets_the_password_and_chooses_another() {
    let stack = Stack::start(&[]);
    let (email, first, second) = ("grace@example.edu", "Compiler-1952-A0", "Flow-Matic-1955");
    let sign_up = json!({ "Username": email, "Password": first, "UserAttributes": [{ "Name": "email", "Value": email }] });
    let answer = value(&ask(&stack, "SignUp", sign_up.clone()).await);
    assert_eq!(
        (
            &answer["UserConfirmed"],
            &answer["CodeDeliveryDetails"]["Destination"]
        ),
        (&json!(false), &json!("g***@e***"))
    );
    let sign_in = async |password: &str| srp::sign_in(&stack, email, password).await;
    let code = code_for(&stack, email, "SignUp");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for (name, operation, input, expected) in [
        (
            "signing up twice",
            "SignUp",
            sign_up,
            (
                "UsernameExistsException",
                "An account with the given email already exists.",
            ),
        ),
        (
            "a wrong code",
            "ConfirmSignUp",
            json!({ "Username": email, "ConfirmationCode": wrong }),
            (
                "CodeMismatchException",
                "Invalid verification code provided, please try again.",
            ),
        ),
    ] {
        let got = error(&ask(&stack, operation, input).await);
        assert_eq!((got.0.as_str(), got.1.as_str()), expected, "{name}");
    }
    assert_eq!(
        error(&sign_in(first).await),
        (
            "UserNotConfirmedException".to_owned(),
            "User is not confirmed.".to_owned()
        )
    );
    let confirm = json!({ "Username": email, "ConfirmationCode": code });
    assert_eq!(
        text(&ask(&stack, "ConfirmSignUp", confirm.clone()).await),
        "{}"
    );
    assert_eq!(
        error(&ask(&stack, "ConfirmSignUp", confirm).await).0,
        "NotAuthorizedException"
    );
    assert_eq!(sign_in(first).await.status, 200);
    ask(&stack, "ForgotPassword", json!({ "Username": email })).await;
    let code = code_for(&stack, email, "ForgotPassword");
    let choose = |password: &str| json!({ "Username": email, "ConfirmationCode": code, "Password": password });
    assert_eq!(
        error(&ask(&stack, "ConfirmForgotPassword", choose("short")).await).0,
        "InvalidPasswordException"
    );
    assert_eq!(
        text(&ask(&stack, "ConfirmForgotPassword", choose(second)).await),
        "{}"
    );
    assert_eq!(
        error(&ask(&stack, "ConfirmForgotPassword", choose(second)).await).0,
        "ExpiredCodeException"
    );
    assert_eq!(
        error(&sign_in(first).await).1,
        "Incorrect username or password."
    );
    assert_eq!(sign_in(second).await.status, 200);
}

#[tokio::test]
async fn invalid_requests_get_cognitos_errors() {
    let stack = Stack::start(&[]);
    let srp = |a: &str| json!({ "AuthFlow": "USER_SRP_AUTH", "AuthParameters": { "USERNAME": "ada@example.edu", "SRP_A": a } });
    let proof = json!({ "USERNAME": "x", "PASSWORD_CLAIM_SECRET_BLOCK": "eA==", "PASSWORD_CLAIM_SIGNATURE": "eA==", "TIMESTAMP": "2026-11-21" });
    for (name, operation, input, expected) in [
        (
            "another client",
            "InitiateAuth",
            json!({ "AuthFlow": "USER_SRP_AUTH", "ClientId": "x" }),
            "ResourceNotFoundException",
        ),
        (
            "another flow",
            "InitiateAuth",
            json!({ "AuthFlow": "CUSTOM_AUTH" }),
            "InvalidParameterException",
        ),
        (
            "no parameter",
            "InitiateAuth",
            json!({ "AuthFlow": "USER_SRP_AUTH" }),
            "InvalidParameterException",
        ),
        (
            "no flow",
            "InitiateAuth",
            json!({}),
            "InvalidParameterException",
        ),
        (
            "a public number of zero",
            "InitiateAuth",
            srp("0"),
            "InvalidParameterException",
        ),
        (
            "a time in another form",
            "RespondToAuthChallenge",
            json!({ "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": proof }),
            "InvalidParameterException",
        ),
        (
            "a made-up refresh token",
            "GetTokensFromRefreshToken",
            json!({ "RefreshToken": "x" }),
            "NotAuthorizedException",
        ),
        (
            "a made-up access token",
            "GetUser",
            json!({ "AccessToken": "a.b.c" }),
            "NotAuthorizedException",
        ),
        (
            "the ID token as access token",
            "GetUser",
            json!({ "AccessToken": stack.ready_value("/idToken") }),
            "NotAuthorizedException",
        ),
        (
            "an access token to revoke",
            "RevokeToken",
            json!({ "Token": "a.b.c" }),
            "UnsupportedTokenTypeException",
        ),
        (
            "a name that is no address",
            "SignUp",
            json!({ "Username": "ada", "Password": "x" }),
            "InvalidParameterException",
        ),
    ] {
        assert_eq!(
            error(&ask(&stack, operation, input).await).0,
            expected,
            "{name}"
        );
    }
}

#[tokio::test]
async fn scripts_of_every_origin_may_send_requests_to_both_pools() {
    let stack = Stack::start(&[]);
    let headers = [
        ("origin", "http://localhost:5173".to_owned()),
        ("access-control-request-method", "POST".to_owned()),
        (
            "access-control-request-headers",
            "cache-control,content-type,x-amz-target,x-amz-user-agent".to_owned(),
        ),
    ];
    for endpoint in ["/userPoolEndpoint", "/identityPoolEndpoint"] {
        let answer = send(Method::OPTIONS, stack.ready_value(endpoint), &headers, "").await;
        assert_eq!(
            (
                answer.status.as_u16(),
                header(&answer, "access-control-allow-origin")
            ),
            (200, "*")
        );
        let allowed = header(&answer, "access-control-allow-headers");
        assert!(
            ["cache-control", "x-amz-target", "x-amz-user-agent"]
                .iter()
                .all(|name| allowed.contains(name)),
            "{allowed}"
        );
    }
}

#[tokio::test]
async fn users_come_from_options_and_files_and_are_saved_between_runs() {
    let file = std::env::temp_dir().join(format!(
        "inference-edge-users-{}.json",
        uuid::Uuid::new_v4()
    ));
    std::fs::write(
        &file,
        r#"[{"email":"file@example.edu","password":"from-file","groups":["staff"]}]"#,
    )
    .expect("a file");
    let path = file.display().to_string();
    let options = [
        "--user",
        "ada@example.edu:secret:students,staff",
        "--users",
        &path,
        "--save-users",
    ];
    {
        let stack = Stack::start(&options);
        let answer = value(&srp::sign_in(&stack, "ada@example.edu", "secret").await);
        let token = answer["AuthenticationResult"]["AccessToken"]
            .as_str()
            .expect("a token")
            .to_owned();
        let change = json!({ "AccessToken": token, "PreviousPassword": "secret", "ProposedPassword": "a-longer-secret" });
        assert_eq!(text(&ask(&stack, "ChangePassword", change).await), "{}");
    }
    let saved = std::fs::read_to_string(&file).expect("the file");
    assert!(
        !saved.contains("a-longer-secret") && !saved.contains("from-file"),
        "a password was saved: {saved}"
    );
    let stack = Stack::start(&["--users", &path]);
    for (user, password, status) in [
        ("ada@example.edu", "a-longer-secret", 200),
        ("ada@example.edu", "secret", 400),
        ("file@example.edu", "from-file", 200),
    ] {
        assert_eq!(
            srp::sign_in(&stack, user, password).await.status,
            status,
            "{user} {password}"
        );
    }
    let _ = std::fs::remove_file(&file);
}

#[test]
fn the_docs_list_every_supported_operation() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/local.md"))
        .expect("the README");
    let absent: Vec<_> = SUPPORTED
        .iter()
        .filter(|operation| !readme.contains(&format!("`{operation}`")))
        .collect();
    assert!(absent.is_empty(), "docs/local.md does not name {absent:?}");
}
