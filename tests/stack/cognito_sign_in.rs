//! Sign-ins that the user pool refuses, and in which words: flows, proofs, temporary passwords, and
//! too many attempts.

use serde_json::{Value, json};

use crate::cognito_policy::{EMAIL, PASSWORD, ask, error};
use crate::harness::{Stack, value};
use crate::srp::{self, Exchange, N};

#[tokio::test]
async fn the_app_client_allows_passwords_only_where_an_option_says_so() {
    let sign_in = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": { "USERNAME": EMAIL, "PASSWORD": PASSWORD } });
    let stack = Stack::start(&[]);
    assert_eq!(
        error(&ask(&stack, "InitiateAuth", sign_in.clone()).await),
        "InvalidParameterException: USER_PASSWORD_AUTH flow not enabled for this client"
    );
    assert_eq!(srp::sign_in(&stack, EMAIL, PASSWORD).await.status, 200);
    drop(stack);
    let stack = Stack::start(&["--user-password-auth"]);
    assert_eq!(ask(&stack, "InitiateAuth", sign_in).await.status, 200);
}

#[tokio::test]
async fn a_proof_is_for_one_challenge_of_one_user_and_one_client() {
    let stack = Stack::start(&[
        "--user",
        &format!("{EMAIL}:{PASSWORD}"),
        "--user",
        "grace@example.edu:Flow-Matic-1955",
    ]);
    let wrong = "NotAuthorizedException: Incorrect username or password.";
    let begin = async || {
        let exchange = Exchange::begin(&stack, EMAIL).await;
        exchange.responses(&stack, PASSWORD)
    };
    let used = begin().await;
    assert_eq!(srp::respond(&stack, used.clone()).await.status, 200);
    assert_eq!(
        error(&srp::respond(&stack, used).await),
        wrong,
        "used twice"
    );
    let mut of_another = begin().await;
    of_another["USERNAME"] = json!("grace@example.edu");
    assert_eq!(
        error(&srp::respond(&stack, of_another).await),
        wrong,
        "another user"
    );
    let mut of_another = begin().await;
    of_another["PASSWORD_CLAIM_SECRET_BLOCK"] =
        begin().await["PASSWORD_CLAIM_SECRET_BLOCK"].clone();
    assert_eq!(
        error(&srp::respond(&stack, of_another).await),
        wrong,
        "another challenge"
    );
    let client = json!({ "ChallengeName": "PASSWORD_VERIFIER", "ClientId": "another", "ChallengeResponses": begin().await });
    assert_eq!(
        error(&stack.cognito("RespondToAuthChallenge", client).await),
        "ResourceNotFoundException: User pool client another does not exist."
    );
    assert_eq!(
        error(&srp::sign_in(&stack, "nobody@example.edu", PASSWORD).await),
        wrong,
        "nobody"
    );
}

#[tokio::test]
async fn a_public_value_that_would_make_the_key_known_is_refused() {
    let stack = Stack::start(&[]);
    let long = "1".repeat(N.len() + 3);
    for (name, a) in [
        ("zero", "0"),
        ("the prime", N),
        ("too long", long.as_str()),
        ("no number", "1_0"),
    ] {
        let input = json!({ "AuthFlow": "USER_SRP_AUTH", "AuthParameters": { "USERNAME": EMAIL, "SRP_A": a } });
        let answer = ask(&stack, "InitiateAuth", input).await;
        assert_eq!(
            error(&answer),
            "InvalidParameterException: SRP_A is invalid",
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_temporary_password_gives_no_tokens_and_the_new_one_needs_the_users_name() {
    let stack = Stack::start(&[]);
    let pool = stack.ready_value("/userPoolId");
    let create = json!({ "UserPoolId": pool, "Username": "grace@example.edu", "TemporaryPassword": "Compiler-1952-A0" });
    assert_eq!(ask(&stack, "AdminCreateUser", create).await.status, 200);
    let answer = value(&srp::sign_in(&stack, "grace@example.edu", "Compiler-1952-A0").await);
    assert_eq!(
        (&answer["ChallengeName"], &answer["AuthenticationResult"]),
        (&json!("NEW_PASSWORD_REQUIRED"), &Value::Null)
    );
    let choose = |responses: Value| json!({ "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": answer["Session"], "ChallengeResponses": responses });
    let unnamed = choose(json!({ "NEW_PASSWORD": "Flow-Matic-1955" }));
    assert_eq!(
        error(&ask(&stack, "RespondToAuthChallenge", unnamed).await),
        "InvalidParameterException: Missing required parameter USERNAME"
    );
    let named =
        choose(json!({ "USERNAME": "grace@example.edu", "NEW_PASSWORD": "Flow-Matic-1955" }));
    let answer = value(&ask(&stack, "RespondToAuthChallenge", named).await);
    assert!(
        answer["AuthenticationResult"]["IdToken"].is_string(),
        "{answer}"
    );
}

#[tokio::test]
async fn after_five_wrong_passwords_the_right_one_does_not_help_for_a_while() {
    let stack = Stack::start(&[]);
    let wrong = "NotAuthorizedException: Incorrect username or password.";
    for n in 1..=4 {
        assert_eq!(
            error(&srp::sign_in(&stack, EMAIL, "wrong").await),
            wrong,
            "{n}"
        );
    }
    // Each further one doubles the time, so that a slow machine does not miss it.
    let mut locked = None;
    for _ in 0..60 {
        let answer = error(&srp::sign_in(&stack, EMAIL, "wrong").await);
        if answer != wrong {
            locked = Some(answer);
            break;
        }
    }
    let exceeded = "NotAuthorizedException: Password attempts exceeded";
    assert_eq!(locked.as_deref(), Some(exceeded));
}
