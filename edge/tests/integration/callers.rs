//! The limits of what is read of a caller: the length and the characters of a tenant id, and the
//! case of e-mail addresses.

use edge::pipeline::Edge;
use serde_json::{Value, json};

use crate::ask::{ask, status};
use crate::cores::{Core, settings};

/// The status of a request with these verified claims, and the internal message in the log.
async fn ask_with(variables: &[(&str, &str)], claims: &Value) -> (u64, String) {
    let event = json!({
        "version": "2.0", "rawPath": "/inference", "body": "{}",
        "requestContext": {
            "http": { "method": "POST" },
            "authorizer": { "jwt": { "claims": claims, "scopes": null } },
        },
    });
    let edge = Edge::new(settings(variables), Core(None)).with_log(crate::log::keep);
    let response = ask(&edge, &event.to_string()).await;
    (status(&response), crate::log::cause())
}

#[tokio::test]
async fn a_tenant_id_has_1_to_256_characters_that_lambda_accepts() {
    let refused = "TENANT_CLAIM's claim is no tenant id";
    for (name, tenant, expected) in [
        ("one character", "a".to_owned(), (200, "")),
        ("256 characters", "a".repeat(256), (200, "")),
        ("257 characters", "a".repeat(257), (403, refused)),
        (
            "none",
            String::new(),
            (403, "the caller has no claim TENANT_CLAIM"),
        ),
        (
            "each character that Lambda accepts",
            "aZ09._:/=+- @z".to_owned(),
            (200, ""),
        ),
        ("a line break", "a\nb".to_owned(), (403, refused)),
        ("an umlaut", "ä".to_owned(), (403, refused)),
    ] {
        let claims = json!({ "sub": "u", "tenant": tenant });
        let (status, cause) = ask_with(&[("TENANT_CLAIM", "tenant")], &claims).await;
        assert_eq!((status, cause.as_str()), expected, "{name}");
    }
}

#[tokio::test]
async fn the_case_of_an_email_address_makes_no_difference() {
    let refused = "the caller is in no group of ALLOWED_GROUPS and has no verified e-mail address of ALLOWED_EMAILS";
    for (rule, email, expected) in [
        ("ada@example.edu", "ada@example.edu", (200, "")),
        ("ada@example.edu", "Ada@Example.EDU", (200, "")),
        ("Ada@Example.EDU", "ada@example.edu", (200, "")),
        ("*@example.edu", "ADA@EXAMPLE.EDU", (200, "")),
        ("*@EXAMPLE.EDU", "ada@example.edu", (200, "")),
        ("ada@example.edu", "bob@example.edu", (403, refused)),
        ("*@example.edu", "ada@example.edu.org", (403, refused)),
    ] {
        let claims = json!({ "sub": "u", "email": email, "email_verified": "true" });
        let (status, cause) = ask_with(&[("ALLOWED_EMAILS", rule)], &claims).await;
        assert_eq!((status, cause.as_str()), expected, "{rule} {email}");
    }
}
