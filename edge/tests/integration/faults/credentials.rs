//! Faults of credentials: they are absent, cannot be fetched, have expired, or are refused.

use std::time::{Duration, SystemTime};

use aws_sdk_lambda::primitives::{DateTime, DateTimeFormat};
use testkit::endpoint::{Script, Step};
use testkit::http::last_answer;

use super::fault::{Fault, Mode, good_answer, good_script};

/// What a container's credentials endpoint answers, with this expiry.
fn credentials(expires: SystemTime) -> String {
    let expires = DateTime::from(expires)
        .fmt(DateTimeFormat::DateTime)
        .expect("a time");
    format!(
        r#"{{"AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"secret","Token":"t","Expiration":"{expires}"}}"#
    )
}

pub fn rows() -> Vec<Fault> {
    let good = |name: &str| Fault::new(name, good_script);
    let now = SystemTime::now();
    let from = |name: &str, script| good(name).with_credentials_from(script);
    vec![
        // An empty variable counts as one that is not set.
        good("no credentials")
            .with("AWS_ACCESS_KEY_ID", "")
            .with("AWS_SECRET_ACCESS_KEY", "")
            .with("AWS_EC2_METADATA_DISABLED", "true")
            .lasting(),
        from(
            "credentials from their endpoint",
            Script::answering_json(&credentials(now + Duration::from_secs(3600))),
        ),
        from(
            "credentials that expire within a minute",
            Script::answering_json(&credentials(now + Duration::from_secs(30))),
        ),
        from(
            "the endpoint of credentials answers 500",
            Script::answering(last_answer(500, "", "")),
        )
        .lasting(),
        from(
            "the endpoint of credentials does not answer JSON",
            Script::answering(last_answer(200, "", "<html>")),
        )
        .lasting(),
        from(
            "the endpoint of credentials is silent",
            Script::new([Step::ReadRequest, Step::Hold]),
        )
        .lasting()
        .waiting(),
        refused("ExpiredTokenException", ""),
        skewed(),
    ]
}

fn refused(name: &'static str, headers: &str) -> Fault {
    let headers = format!("x-amzn-ErrorType: {name}\r\n{headers}");
    let answer = last_answer(403, &headers, r#"{"message":"refused"}"#);
    Fault::answer("Lambda says that the credentials have expired", answer).not_starting_core()
}

/// Lambda's clock is three hours ahead of ours, until the second call.
fn skewed() -> Fault {
    Fault::new("a clock that is three hours slow", |mode: Mode| {
        let theirs = SystemTime::now() + Duration::from_secs(3 * 3600);
        let date = DateTime::from(theirs)
            .fmt(DateTimeFormat::HttpDate)
            .expect("a date");
        let headers = format!("x-amzn-ErrorType: InvalidSignatureException\r\nDate: {date}\r\n");
        let refused = last_answer(403, &headers, r#"{"message":"Signature expired"}"#);
        Script::in_turn(vec![refused, good_answer(mode)], 1)
    })
    .sdk_differs("its retries are off, because they also repeat what may have run")
}
