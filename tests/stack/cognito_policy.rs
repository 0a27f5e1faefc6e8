//! What the user pool refuses, and in which words: attributes, passwords, groups, guests and those
//! who have signed out.

use axum::http::Method;
use inference_edge::http::BufferedResponse;
use serde_json::{Value, json};

use crate::harness::{Stack, send, text, value};

pub const EMAIL: &str = "ada@example.edu";
pub const PASSWORD: &str = "Analytical-Engine-1843";

pub async fn ask(stack: &Stack, operation: &str, mut input: Value) -> BufferedResponse {
    if input.get("ClientId").is_none() && input.get("AccessToken").is_none() {
        input["ClientId"] = json!(stack.ready_value("/userPoolClientId"));
    }
    stack.cognito(operation, input).await
}

/// The error of a response as `Name: message`.
pub fn error(answer: &BufferedResponse) -> String {
    let body = value(answer);
    let member = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(answer.status, 400, "{body}");
    format!("{}: {}", member("__type"), member("message"))
}

#[tokio::test]
async fn attributes_and_passwords_outside_of_the_schema_are_refused() {
    let stack = Stack::start(&[]);
    let sign_up = |password: &str, name: &str| json!({ "Username": "grace@example.edu", "Password": password, "UserAttributes": [{ "Name": name, "Value": "x" }] });
    let pattern = r"InvalidParameterException: 1 validation error detected: Value at 'password' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[\S]+.*[\S]+$";
    let long = "x".repeat(257);
    let good = "Flow-Matic-1955";
    for (case, password, name, expected) in [
        (
            "a custom attribute",
            good,
            "custom:role",
            "InvalidParameterException: Attributes did not conform to the schema: Type for attribute {custom:role} could not be determined",
        ),
        (
            "an unknown attribute",
            good,
            "role",
            "InvalidParameterException: Attributes did not conform to the schema: role: Attribute does not exist in the schema.",
        ),
        (
            "a reserved attribute",
            good,
            "cognito:groups",
            "InvalidParameterException: Attributes did not conform to the schema: cognito:groups: Attribute does not exist in the schema.",
        ),
        (
            "an administrator's attribute",
            good,
            "email_verified",
            "NotAuthorizedException: A client attempted to write unauthorized attribute",
        ),
        (
            "the id",
            good,
            "sub",
            "InvalidParameterException: user.sub: Attribute cannot be updated.",
        ),
        (
            "a space at the beginning",
            " Flow-Matic-1955",
            "name",
            pattern,
        ),
        ("a space at the end", "Flow-Matic-1955 ", "name", pattern),
        ("spaces alone", "               ", "name", pattern),
        (
            "257 characters",
            &long,
            "name",
            "InvalidParameterException: 1 validation error detected: Value at 'password' failed to satisfy constraint: Member must have length less than or equal to 256",
        ),
        (
            "a password that is not long enough",
            "Flow-Matic",
            "name",
            "InvalidPasswordException: Password did not conform with policy: Password not long enough",
        ),
    ] {
        let answer = ask(&stack, "SignUp", sign_up(password, name)).await;
        assert_eq!(error(&answer), expected, "{case}");
    }
    let longest = "x".repeat(256);
    let answer = ask(&stack, "SignUp", sign_up(&longest, "name")).await;
    assert_eq!(answer.status, 200, "{}", text(&answer));
}

#[tokio::test]
async fn a_refused_attribute_leaves_the_others_as_they_were() {
    let stack = Stack::start(&[]);
    let token = stack.ready_value("/accessToken");
    let attributes =
        json!([{ "Name": "name", "Value": "Ada" }, { "Name": "custom:role", "Value": "x" }]);
    let update = json!({ "AccessToken": token, "UserAttributes": attributes });
    assert_eq!(
        ask(&stack, "UpdateUserAttributes", update).await.status,
        400
    );
    let user = text(&ask(&stack, "GetUser", json!({ "AccessToken": token })).await);
    assert!(!user.contains("Ada"), "{user}");
}

#[tokio::test]
async fn nobody_learns_whether_a_user_exists_by_a_code() {
    let stack = Stack::start(&[]);
    let input = json!({ "Username": "nobody@example.edu", "ConfirmationCode": "123456", "Password": "Flow-Matic-1955" });
    for (operation, expected) in [
        (
            "ConfirmSignUp",
            "ExpiredCodeException: Invalid code provided, please request a code again.",
        ),
        (
            "ConfirmForgotPassword",
            "CodeMismatchException: Invalid verification code provided, please try again.",
        ),
    ] {
        assert_eq!(
            error(&ask(&stack, operation, input.clone()).await),
            expected
        );
    }
}

#[tokio::test]
async fn a_user_is_added_to_groups_that_exist() {
    let stack = Stack::start(&[]);
    let pool = stack.ready_value("/userPoolId");
    let group = json!({ "UserPoolId": pool, "GroupName": "staff", "Username": EMAIL });
    assert_eq!(
        error(&ask(&stack, "AdminAddUserToGroup", group.clone()).await),
        "ResourceNotFoundException: Group not found."
    );
    assert_eq!(ask(&stack, "CreateGroup", group.clone()).await.status, 200);
    assert_eq!(
        error(&ask(&stack, "CreateGroup", group.clone()).await),
        "GroupExistsException: A group with the name already exists."
    );
    assert_eq!(text(&ask(&stack, "AdminAddUserToGroup", group).await), "{}");
}

#[tokio::test]
async fn guests_and_those_who_have_signed_out_everywhere_get_no_identity() {
    let stack = Stack::start(&[]);
    let pool = stack.ready_value("/identityPoolId");
    assert_eq!(
        error(
            &stack
                .identity_pool("GetId", json!({ "IdentityPoolId": pool }))
                .await
        ),
        "NotAuthorizedException: Unauthenticated access is not supported for this identity pool."
    );
    let tokens = stack.sign_in().await;
    let provider = stack.ready_value("/issuer").replace("http://", "");
    let logins = json!({ provider: tokens["IdToken"] });
    let get_id = json!({ "IdentityPoolId": pool, "Logins": logins });
    let id = value(&stack.identity_pool("GetId", get_id.clone()).await)["IdentityId"].clone();
    let get_credentials = json!({ "IdentityId": id, "Logins": logins });
    let answer = stack
        .identity_pool("GetCredentialsForIdentity", get_credentials.clone())
        .await;
    assert_eq!(answer.status, 200);
    ask(
        &stack,
        "GlobalSignOut",
        json!({ "AccessToken": tokens["AccessToken"] }),
    )
    .await;
    for (operation, input) in [
        ("GetId", get_id),
        ("GetCredentialsForIdentity", get_credentials),
    ] {
        assert_eq!(
            error(&stack.identity_pool(operation, input).await),
            "NotAuthorizedException: Invalid login token. The user has signed out."
        );
    }
}

#[tokio::test]
async fn a_refresh_token_is_replaced_where_an_option_says_so() {
    let refresh = |token: &Value| json!({ "RefreshToken": token });
    let stack = Stack::start(&["--rotate-refresh-tokens"]);
    let first = stack.sign_in().await["RefreshToken"].clone();
    let answer = value(&ask(&stack, "GetTokensFromRefreshToken", refresh(&first)).await);
    let second = answer["AuthenticationResult"]["RefreshToken"].clone();
    assert!(second.is_string() && second != first, "{answer}");
    assert_eq!(
        error(&ask(&stack, "GetTokensFromRefreshToken", refresh(&first)).await),
        "RefreshTokenReuseException: Refresh token has been invalidated by rotation"
    );
    let flow =
        json!({ "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": { "REFRESH_TOKEN": second } });
    assert_eq!(
        error(&ask(&stack, "InitiateAuth", flow).await),
        "InvalidParameterException: REFRESH_TOKEN_AUTH flow not enabled for this client"
    );
    let again = ask(&stack, "GetTokensFromRefreshToken", refresh(&second)).await;
    assert_eq!(again.status, 200, "{}", text(&again));
    drop(stack);
    let stack = Stack::start(&[]);
    let token = stack.sign_in().await["RefreshToken"].clone();
    for _ in 0..2 {
        let answer = value(&ask(&stack, "GetTokensFromRefreshToken", refresh(&token)).await);
        assert_eq!(answer["AuthenticationResult"]["RefreshToken"], Value::Null);
    }
}

#[tokio::test]
async fn the_hosted_pages_are_refused_by_name() {
    let stack = Stack::start(&[]);
    let url = format!(
        "{}/.well-known/openid-configuration",
        stack.ready_value("/issuer")
    );
    let document = value(&send(Method::GET, &url, &[], "").await);
    for (method, name) in [
        (Method::GET, "authorization_endpoint"),
        (Method::POST, "token_endpoint"),
        (Method::GET, "userinfo_endpoint"),
    ] {
        let url = document[name].as_str().expect("a URL");
        let answer = send(method, url, &[], "").await;
        assert_eq!(answer.status, 501, "{url}");
        assert_eq!(value(&answer)["error"], "unsupported_operation", "{url}");
    }
}

#[tokio::test]
async fn keys_and_sessions_outlive_a_restart_where_a_folder_is_given() {
    use std::os::unix::fs::PermissionsExt;
    let folder = std::env::temp_dir().join(format!("inference-edge-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).expect("a folder");
    let state = folder.display().to_string();
    let mut stack = Stack::start(&["--state", &state]);
    let url = |stack: &Stack| format!("{}/.well-known/jwks.json", stack.ready_value("/issuer"));
    let keys = text(&send(Method::GET, &url(&stack), &[], "").await);
    let kept = stack.sign_in().await;
    let signed_out = stack.sign_in().await;
    let revoke = json!({ "Token": signed_out["RefreshToken"] });
    assert_eq!(text(&ask(&stack, "RevokeToken", revoke).await), "{}");
    stack.end(rustix::process::Signal::KILL);
    drop(stack);
    for name in ["keys.json", "sessions.json"] {
        let mode = std::fs::metadata(folder.join(name))
            .expect(name)
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "{name}");
    }
    let stack = Stack::start(&["--state", &state]);
    assert_eq!(text(&send(Method::GET, &url(&stack), &[], "").await), keys);
    let refresh = |tokens: &Value| json!({ "RefreshToken": tokens["RefreshToken"] });
    let answer = ask(&stack, "GetTokensFromRefreshToken", refresh(&kept)).await;
    assert_eq!(answer.status, 200, "{}", text(&answer));
    assert_eq!(
        error(&ask(&stack, "GetTokensFromRefreshToken", refresh(&signed_out)).await),
        "NotAuthorizedException: Refresh Token has been revoked"
    );
    let user = ask(
        &stack,
        "GetUser",
        json!({ "AccessToken": kept["AccessToken"] }),
    )
    .await;
    assert_eq!(user.status, 200, "{}", text(&user));
    drop(stack);
    std::fs::remove_dir_all(&folder).expect("the folder");
}
