//! Hints for developers at what is likely a mistake: a variable that the edge does not read, a
//! response that was written for API Gateway.

use serde::Deserialize;

/// The longest response that is examined for a hint, in bytes.
const MAX_EXAMINED_RESPONSE: usize = 64 * 1024;

/// The hint about a core function that responds in the form of a proxy integration, which the edge
/// passes on unchanged by default.
pub(super) fn proxy_response_hint(reply: &[u8]) -> Option<&'static str> {
    #[derive(Deserialize)]
    struct ProxyResponse {
        #[serde(rename = "statusCode")]
        _status: u16,
    }
    let may_be_one = reply.first() == Some(&b'{') && reply.len() <= MAX_EXAMINED_RESPONSE;
    may_be_one.then(|| serde_json::from_slice::<ProxyResponse>(reply).ok()).flatten().map(|_| {
        "it answered with an object that has a statusCode, as a function behind API Gateway does. The caller gets this object as \
         it is; start the stack with --env CORE_REPLY=proxy for the edge to make a response of it."
    })
}

/// Warns of variables that the edge does not read, with the most similar one that it reads.
pub(super) fn warn_of_unknown_variables(environment: &[(String, String)]) {
    for (name, _) in environment {
        if let Some(warning) = unknown_variable_warning(name) {
            eprintln!("warning: {warning}");
        }
    }
}

fn unknown_variable_warning(name: &str) -> Option<String> {
    if edge::config::VARIABLES.contains(&name) || name.starts_with("AWS_") || name == "SSL_CERT_DIR"
    {
        return None;
    }
    let distance = |known: &&&str| strsim::damerau_levenshtein(&name.to_ascii_uppercase(), known);
    let nearest = edge::config::VARIABLES
        .iter()
        .min_by_key(distance)
        .filter(|known| distance(known) <= 4);
    let suggestion = nearest.map_or_else(
        || "docs/configuration.md lists those that it has".to_owned(),
        |known| format!("did you mean {known}?"),
    );
    Some(format!(
        "--env {name}: the edge does not read this variable: {suggestion}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_the_edge_does_not_have_is_named_with_the_nearest() {
        for (name, warning) in [
            ("PAYLOAD", None),
            ("AWS_ENDPOINT_URL_LAMBDA", None),
            ("payload", Some("did you mean PAYLOAD?")),
            ("ALLOWED_ORIGIN", Some("did you mean ALLOWED_ORIGINS?")),
            (
                "CORE_RESPONSE_SHAPE",
                Some("docs/configuration.md lists those that it has"),
            ),
        ] {
            let got = unknown_variable_warning(name);
            assert_eq!(got.is_some(), warning.is_some(), "{name}: {got:?}");
            assert!(
                got.unwrap_or_default()
                    .ends_with(warning.unwrap_or_default()),
                "{name}"
            );
        }
    }

    #[test]
    fn an_answer_that_was_written_for_api_gateway_gets_a_hint_and_no_other_does() {
        for (reply, is_one) in [
            (r#"{"statusCode":200,"body":"x"}"#, true),
            (r#"{"body":"x","statusCode":404}"#, true),
            (r#"{"statusCode":"soon"}"#, false),
            (r#"{"answer":"statusCode"}"#, false),
            (r#"["statusCode"]"#, false),
        ] {
            assert_eq!(
                proxy_response_hint(reply.as_bytes()).is_some(),
                is_one,
                "{reply}"
            );
        }
    }
}
