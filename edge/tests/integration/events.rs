//! Every file under `events/` is answered as the file beside it says.

mod check;
mod fake_core;

use std::collections::BTreeMap;

use edge::config::Config;
use edge::pipeline::{Edge, Reply, Settings};
use lambda_http::{Context, lambda_runtime::Diagnostic};
use serde_json::{Value, json};
use testkit::event_files::{Core, NamedEvent, events};

use check::{check_answer, check_stream, same, value, with_id};
use fake_core::leak;

const REQUEST_ID: &str = "8f507cfc-7ad4-4697-b07a-ac58fc914c95";

/// What the caller gets, in one form for every kind of reply.
#[derive(Debug)]
enum Got {
    Result(String),
    Failure(Diagnostic),
    Stream {
        prelude: String,
        pieces: Vec<String>,
        is_cut: bool,
    },
}

async fn read_reply(reply: Reply<'_>) -> Got {
    match reply {
        Reply::Result(json, _) => Got::Result(String::from_utf8(json).expect("UTF-8")),
        Reply::Failure(error, _) => Got::Failure(error),
        Reply::Stream(head, mut body_stream) => {
            let (mut pieces, mut is_cut) = (Vec::new(), false);
            while let Some(piece) = body_stream.next().await {
                match piece {
                    Ok(bytes) => pieces.push(String::from_utf8(bytes.to_vec()).expect("UTF-8")),
                    Err(_) => is_cut = true,
                }
            }
            let prelude = String::from_utf8(head.prelude.to_vec()).expect("UTF-8");
            assert!(
                prelude.is_empty() || prelude.ends_with("\0\0\0\0\0\0\0\0"),
                "{prelude}"
            );
            Got::Stream {
                prelude: prelude.trim_end_matches('\0').to_owned(),
                pieces,
                is_cut,
            }
        }
    }
}

#[tokio::test]
async fn every_named_event_is_answered_as_the_file_beside_it_says() {
    let mut failures = Vec::new();
    let events = events();
    assert!(events.len() > 50, "only {} events were found", events.len());
    for event in events {
        let name = event.name.clone();
        if let Err(failure) = replay(event).await {
            failures.push(format!("{name}: {failure}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn whatever_json_arrives_is_answered() {
    let odd = [
        "null",
        "true",
        "0",
        "\"\"",
        "[]",
        "{}",
        "[[[]]]",
        r#"{"requestContext":null}"#,
        r#"{"requestContext":{"http":null}}"#,
        r#"{"requestContext":{"http":{}}}"#,
        r#"{"requestContext":{"http":{"method":null}},"headers":[],"body":{},"isBase64Encoded":1}"#,
        r#"{"requestContext":{"http":{"method":"POST"},"authorizer":{"jwt":{"claims":"x"}}},"headers":{"origin":7}}"#,
        r#"{"requestContext":{"http":{"method":"POST"},"authorizer":{"jwt":{"claims":{"sub":{},"email":[]}}}},"body":7}"#,
        r#"{"requestContext":{"http":{"method":"POST"},"authorizer":{"iam":{"cognitoIdentity":[],"userId":{}}}}}"#,
        r#"{"httpMethod":"POST","requestContext":{"authorizer":{"claims":{"\ud800":"\udfff"}}},"body":"\ud800"}"#,
        r#"{"httpMethod":"GET","requestContext":{"authorizer":{"claims":{"sub":"u"}}},"multiValueQueryStringParameters":{"a":[{}]}}"#,
    ];
    let deep = format!(
        "{{\"requestContext\":{}{}}}",
        "[".repeat(50_000),
        "]".repeat(50_000)
    );
    for event in odd.iter().copied().chain([deep.as_str()]) {
        let core = leak(Core {
            returns: Some("{}".to_owned()),
            ..Core::default()
        });
        let edge = Edge::new(settings(&BTreeMap::new()), core).with_log(write_to_test_output);
        let context = context(None);
        match read_reply(edge.handle(event, &context).await).await {
            Got::Result(json) => assert!(json.starts_with('{'), "{event}"),
            Got::Failure(error) => assert!(!error.error_type.is_empty(), "{event}"),
            Got::Stream { .. } => panic!("{event}"),
        }
    }
}

async fn replay(named: NamedEvent) -> Result<(), String> {
    let NamedEvent {
        event, expected, ..
    } = named;
    let core = leak(expected.core);
    let edge = Edge::new(settings(&expected.environment), core).with_log(write_to_test_output);
    let context = context(expected.cognito_identity);
    let got = read_reply(edge.handle(&event, &context).await).await;
    match (got, expected.answer, expected.result, expected.error) {
        (Got::Result(reply), Some(answer), None, None) => check_answer(&value(&reply), answer)?,
        (
            Got::Stream {
                prelude,
                pieces,
                is_cut,
            },
            Some(answer),
            None,
            None,
        ) => check_stream(&prelude, &pieces, is_cut, answer)?,
        (Got::Result(reply), None, Some(result), None) => same("result", &value(&reply), &result)?,
        (
            Got::Stream {
                pieces,
                is_cut: false,
                ..
            },
            None,
            Some(result),
            None,
        ) => same("result", &value(&pieces.concat()), &result)?,
        (Got::Failure(error), None, None, Some(expected)) => {
            same("error", &json!(error), &expected)?
        }
        other => return Err(format!("it got {other:?}")),
    }
    let seen = core.seen.lock().expect("a lock");
    if let Some(wanted) = expected.core_receives {
        same(
            "coreReceives",
            &seen
                .first()
                .map(|(payload, _)| value(payload))
                .unwrap_or_default(),
            &with_id(wanted),
        )?;
    }
    if let Some(wanted) = expected.core_receives_text {
        same(
            "coreReceivesText",
            &json!(seen.first().map(|(payload, _)| payload)),
            &with_id(json!(wanted)),
        )?;
    }
    same(
        "tenant",
        &json!(seen.first().and_then(|(_, tenant)| tenant.clone())),
        &json!(expected.tenant),
    )
}

/// The test runner shows what is printed by a test that fails, and no other.
fn write_to_test_output(line: &str) {
    print!("{line}");
}

fn settings(environment: &BTreeMap<String, String>) -> Settings {
    Config::read(|name| {
        let fixed = match name {
            "TARGET_LAMBDA_NAME" => Some("core"),
            "ALLOWED_ORIGINS" => Some("http://localhost:5173,https://*.amplifyapp.com"),
            _ => None,
        };
        environment.get(name).cloned().or(fixed.map(str::to_owned))
    })
    .expect("a configuration")
    .settings
}

fn context(cognito_identity: Option<Value>) -> Context {
    let mut context = crate::ask::context();
    context.request_id = REQUEST_ID.to_owned();
    context.identity =
        cognito_identity.map(|identity| serde_json::from_value(identity).expect("an identity"));
    context
}
