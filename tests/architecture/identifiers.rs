//! Identifiers are the standard terms of the field.

use std::collections::BTreeSet;

use crate::source::{code, identifiers, sources};

/// Identifiers that say nothing to a reader from outside, each with the standard term that replaces
/// it.
const FORBIDDEN_IDENTIFIERS: &[(&str, &str)] = &[
    ("AHEAD", "PRECONNECT_TIMEOUT"),
    ("ADDRESS", "PER_ADDRESS_TIMEOUT"),
    ("Account", "CredentialsCache or User"),
    ("BeforeCore", "Retryable"),
    ("Between", "Wildcard"),
    ("CONNECT", "CONNECT_TIMEOUT"),
    ("Claimed", "AuthorizationHeader"),
    ("Cut", "StreamAborted"),
    ("DaysKey", "SigningKey"),
    ("Door", "EventSource"),
    ("Dress", "CommonHeaders"),
    ("FLOOR", "JWKS_REFRESH_COOLDOWN"),
    ("FRESH", "JWKS_TTL"),
    ("FieldsThere", "RequiredFieldsVisitor"),
    ("NOT_CORES", "HOP_BY_HOP_HEADERS"),
    ("NoAnswer", "RequestError"),
    ("NotTaken", "ResponseRejected"),
    ("Opened", "ResponseHead"),
    ("Opening", "PreludeParser"),
    ("PAUSES", "BACKOFF"),
    ("Proof", "AuthorizerContext"),
    ("Refused", "SignatureError"),
    ("Relay", "StreamBody"),
    ("Room", "the name of the service"),
    ("Rooms", "Services"),
    ("Served", "RouteTable"),
    ("Told", "ClaimValue"),
    ("USABLE", "JWKS_MAX_STALE"),
    ("admit", "route"),
    ("dress", "with_common_headers"),
    ("dressed", "with_common_headers"),
    ("fitting", "to_json_within_limit"),
    ("keep_freed", "tune_malloc"),
    ("reach", "connect"),
    ("room", "the name of the service"),
    ("rooms", "services"),
    ("says_yes", "is_true"),
    ("short", "truncate"),
    ("slips", "common_mistakes"),
    ("speak", "handshake"),
    ("told", "error_chain"),
    ("told_to_stop", "stop_signal"),
    ("was_turned_away", "is_retryable"),
];

#[test]
fn identifiers_are_standard_terms() {
    for (path, code) in [
        "benches", "core", "crates", "edge", "examples", "fuzz", "local", "tests",
    ]
    .into_iter()
    .flat_map(sources)
    {
        let found = forbidden_identifiers(&code);
        let advice: Vec<_> = found
            .iter()
            .map(|(word, term)| format!("{word} → {term}"))
            .collect();
        assert!(
            advice.is_empty(),
            "{}: {}",
            path.display(),
            advice.join(", ")
        );
    }
}

fn forbidden_identifiers(code: &str) -> Vec<(&'static str, &'static str)> {
    let words: BTreeSet<_> = identifiers(code).collect();
    FORBIDDEN_IDENTIFIERS
        .iter()
        .copied()
        .filter(|(word, _)| words.contains(word))
        .collect()
}

#[test]
fn a_forbidden_identifier_is_reported_with_the_term_that_replaces_it() {
    let found = |source: &str| forbidden_identifiers(&code(source));
    assert_eq!(found("struct Room;"), [("Room", "the name of the service")]);
    let elsewhere = "struct Mushroom; // Room\nlet quote = '\\''; let text = r#\"Room\"#;";
    assert_eq!(found(elsewhere), []);
}
