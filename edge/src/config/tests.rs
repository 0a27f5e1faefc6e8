//! The whole configuration: defaults, problems, and variables that depend on each other.

use std::time::Duration;

use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::read(|name| {
        pairs
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let config = read(&[("TARGET_LAMBDA_NAME", "core")]).expect("a config");
    insta::assert_debug_snapshot!(config);
}

#[test]
fn every_problem_is_reported_at_once_with_its_variable_its_value_and_the_fix() {
    let error = read(&[
        (
            "ALLOWED_ORIGINS",
            "https://a.example/,*.example.com,ftp://x",
        ),
        ("ALLOWED_METHODS", "POST,OPTIONS,BREW"),
        ("ALLOWED_HEADERS", "X Y"),
        ("ALLOWED_EMAILS", "nobody"),
        ("ALLOW_ANONYMOUS", "yes"),
        ("IDENTITY_CLAIMS", "sub,arn"),
        ("PAYLOAD", "wrapped"),
        ("IDENTITY_SIGNING_KEY", "not-to-be-shown"),
        ("CORE_TIMEOUT_MS", "3s"),
        ("JWT_ISSUER", "http://issuer.example"),
        ("RESPONSE", "trickle"),
        ("STREAM_HEARTBEAT_S", "-1"),
        ("STREAM_MAX_S", "0"),
        ("HTTPS_PROXY", "socks5://user:secret@proxy.example"),
        ("ROUTES", "inference"),
        ("LOG_LEVEL", "loud"),
    ])
    .expect_err("problems");
    insta::assert_snapshot!(error);
}

#[test]
fn anonymous_callers_and_rules_about_callers_exclude_each_other() {
    for (name, value) in [
        ("ALLOWED_GROUPS", "staff"),
        ("ALLOWED_EMAILS", "*@example.edu"),
        ("TENANT_CLAIM", "custom:tenant"),
    ] {
        let pairs = [
            ("TARGET_LAMBDA_NAME", "core"),
            ("ALLOW_ANONYMOUS", "true"),
            (name, value),
        ];
        let error = read(&pairs).expect_err(name);
        assert!(
            error.to_string().starts_with("ALLOW_ANONYMOUS=true"),
            "{name}: {error}"
        );
    }
}

#[test]
fn an_identity_is_signed_only_where_core_receives_one() {
    let key = "0123456789abcdef0123456789abcdef";
    let with = |payload| {
        read(&[
            ("TARGET_LAMBDA_NAME", "core"),
            ("IDENTITY_SIGNING_KEY", key),
            ("PAYLOAD", payload),
        ])
    };
    let config = with("envelope").expect("a config");
    assert!(config.settings.identity_signer.is_some());
    let error = with("bare").expect_err("a problem").to_string();
    assert!(
        error.starts_with("IDENTITY_SIGNING_KEY is set with PAYLOAD=bare"),
        "{error}"
    );
    assert!(!error.contains(key));
}

#[test]
fn the_list_of_variables_is_what_is_read() {
    let read = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let _ = Config::read(|name| {
        read.borrow_mut().insert(name.to_owned());
        match name {
            // An issuer makes the edge read where its keys come from, an endpoint whether a proxy
            // leads there.
            "JWT_ISSUER" | "AWS_ENDPOINT_URL" => Some("https://a.example".to_owned()),
            _ => None,
        }
    });
    let own = |name: &&String| {
        !name.starts_with("AWS_")
            && *name != "SSL_CERT_DIR"
            && name.chars().all(|c| !c.is_ascii_lowercase())
    };
    let read = read.into_inner();
    let read: Vec<_> = read.iter().filter(own).map(String::as_str).collect();
    let mut listed = VARIABLES.to_vec();
    listed.sort_unstable();
    assert_eq!(read, listed);
}

#[test]
fn an_empty_list_of_required_fields_requires_none() {
    let config =
        read(&[("TARGET_LAMBDA_NAME", "core"), ("REQUIRED_FIELDS", "")]).expect("a config");
    assert_eq!(config.settings.required_fields, [""; 0]);
}

#[test]
fn lambdas_own_log_level_takes_precedence_over_log_level() {
    let pairs = [
        ("TARGET_LAMBDA_NAME", "core"),
        ("LOG_LEVEL", "debug"),
        ("AWS_LAMBDA_LOG_LEVEL", "WARN"),
    ];
    assert_eq!(
        read(&pairs).expect("a config").settings.log.level,
        tracing::Level::WARN
    );
}

#[test]
fn a_heartbeat_of_zero_seconds_is_none() {
    for (value, expected) in [
        (None, Some(Duration::from_secs(15))),
        (Some("5"), Some(Duration::from_secs(5))),
        (Some("0"), None),
    ] {
        let mut pairs = vec![("TARGET_LAMBDA_NAME", "core")];
        pairs.extend(value.map(|value| ("STREAM_HEARTBEAT_S", value)));
        let stream = read(&pairs).expect("a config").settings.stream;
        assert_eq!(
            (stream.heartbeat, stream.longest),
            (expected, None),
            "{value:?}"
        );
    }
}

#[test]
fn the_proxys_variables_are_read_in_either_case_upper_case_first() {
    let lambda = "https://lambda.us-east-1.amazonaws.com/"
        .parse()
        .expect("a URI");
    for (name, variables, expected) in [
        ("nothing is set", &[][..], None),
        (
            "upper case",
            &[("HTTPS_PROXY", "http://upper:1")],
            Some("upper:1"),
        ),
        (
            "lower case",
            &[("https_proxy", "http://lower:1")],
            Some("lower:1"),
        ),
        (
            "both",
            &[
                ("HTTPS_PROXY", "http://upper:1"),
                ("https_proxy", "http://lower:1"),
            ],
            Some("upper:1"),
        ),
        (
            "Lambda is named",
            &[
                ("HTTPS_PROXY", "http://upper:1"),
                ("no_proxy", ".amazonaws.com"),
            ],
            None,
        ),
    ] {
        let mut pairs = vec![("TARGET_LAMBDA_NAME", "core")];
        pairs.extend(variables);
        let proxy = read(&pairs).expect(name).proxy;
        assert_eq!(proxy.is_for(&lambda), expected.is_some(), "{name}");
        let printed = format!("{proxy:?}");
        assert!(
            expected.is_none_or(|host| printed.contains(host)),
            "{name}: {printed}"
        );
    }
}

#[test]
fn a_proxy_for_an_endpoint_without_tls_is_refused() {
    for (name, endpoint, no_proxy, is_refused) in [
        ("another host", "http://lambda.example:3001", "", true),
        (
            "NO_PROXY names it",
            "http://lambda.example:3001",
            "lambda.example",
            false,
        ),
        ("loopback", "http://127.0.0.1:3001", "", false),
        ("TLS", "https://lambda.example", "", false),
    ] {
        let pairs = [
            ("TARGET_LAMBDA_NAME", "core"),
            ("http_proxy", "http://proxy.example:3128"),
            ("NO_PROXY", no_proxy),
            ("AWS_ENDPOINT_URL_LAMBDA", endpoint),
        ];
        let error = read(&pairs)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert_eq!(
            error.starts_with("HTTP_PROXY is set, and the endpoint"),
            is_refused,
            "{name}: {error}"
        );
        assert_eq!(error.is_empty(), !is_refused, "{name}: {error}");
    }
}
