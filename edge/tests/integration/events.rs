//! Every file under `events/` is answered as the `.expected.json` beside it says.
//!
//! `pad` bytes take the place of `<pad>` in the event and in core's answer, `environment` is the
//! edge's configuration, `core` what core does, `coreReceives` what it must have been given,
//! `answer`, `result` or `error` what the caller must get. Of a streamed answer the pieces stand in
//! `pieces`, and `cut` says that it broke off.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use edge::config::Config;
use edge::error::EdgeError;
use edge::pipeline::{Edge, Reply, Settings};
use edge::stages::invoke::{Call, CoreEvent, CoreReply, CoreStream, InvokeCore};
use lambda_http::{Context, lambda_runtime::Diagnostic};
use serde::Deserialize;
use serde_json::{Value, json};

const REQUEST_ID: &str = "8f507cfc-7ad4-4697-b07a-ac58fc914c95";

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Expected {
    #[serde(rename = "about")]
    _about: String,
    pad: Option<usize>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    cognito_identity: Option<Value>,
    #[serde(default)]
    core: Core,
    core_receives: Option<Value>,
    core_receives_text: Option<String>,
    tenant: Option<String>,
    answer: Option<Answer>,
    result: Option<Value>,
    error: Option<Value>,
}

/// What core does; nothing: it must not be called.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Core {
    returns: Option<String>,
    fails: Option<String>,
    invoke_fails: Option<String>,
    /// The pieces in which it answers; `fails` then comes after them.
    streams: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    absent_headers: Vec<String>,
    /// Members beside status, headers and body, such as `cookies`.
    #[serde(default)]
    members: BTreeMap<String, Value>,
    body: Option<Value>,
    body_text: Option<String>,
    pieces: Option<Vec<String>>,
    #[serde(default)]
    cut: bool,
}

#[derive(Debug, Default)]
struct FakeCore {
    core: Core,
    seen: Mutex<Vec<(String, Option<String>)>>,
}

impl InvokeCore for &'static FakeCore {
    async fn invoke(&self, call: Call<'_>) -> Result<CoreReply, EdgeError> {
        let payload = String::from_utf8(call.enriched.payload).expect("UTF-8");
        self.seen
            .lock()
            .expect("a lock")
            .push((payload, call.enriched.tenant));
        let reply = |payload: &String, is_function_error| CoreReply {
            payload: payload.clone().into_bytes(),
            is_function_error,
        };
        match (
            &self.core.returns,
            &self.core.fails,
            self.core.invoke_fails.as_deref(),
        ) {
            (Some(payload), None, None) => Ok(reply(payload, false)),
            (None, Some(payload), None) => Ok(reply(payload, true)),
            (None, None, Some("not_found")) => {
                Err(EdgeError::CoreNotFound("no such function".to_owned()))
            }
            (None, None, Some("access_denied")) => {
                Err(EdgeError::CoreAccessDenied("no permission".to_owned()))
            }
            (None, None, Some("failure")) => Err(EdgeError::InvocationFailure(
                "KMSDisabledException".to_owned(),
            )),
            (None, None, Some("unreachable")) => {
                Err(EdgeError::CoreUnreachable("connection reset".to_owned()))
            }
            (None, None, Some("throttled")) => Err(EdgeError::CoreThrottled {
                retry_after: 7,
                cause: "busy".to_owned(),
            }),
            (None, None, Some("timed_out")) => {
                Err(EdgeError::CoreTimedOut("the edge gave up".to_owned()))
            }
            other => panic!("core was called and no answer is written for it: {other:?}"),
        }
    }

    async fn invoke_streamed(&self, call: Call<'_>) -> Result<CoreStream, EdgeError> {
        let mut events = Vec::new();
        if let Some(pieces) = &self.core.streams {
            let payload = String::from_utf8(call.enriched.payload).expect("UTF-8");
            self.seen
                .lock()
                .expect("a lock")
                .push((payload, call.enriched.tenant));
            events.extend(
                pieces
                    .iter()
                    .map(|piece| Ok(CoreEvent::Bytes(piece.clone().into()))),
            );
            events.extend(
                self.core
                    .fails
                    .iter()
                    .map(|payload| Ok(CoreEvent::Failed(payload.clone().into_bytes()))),
            );
            events.extend(
                self.core
                    .invoke_fails
                    .iter()
                    .map(|why| Err(EdgeError::CoreUnreachable(why.clone()))),
            );
        } else {
            let reply = self.invoke(call).await?;
            let event = if reply.is_function_error {
                CoreEvent::Failed(reply.payload)
            } else {
                CoreEvent::Bytes(reply.payload.into())
            };
            events.push(Ok(event));
        }
        // Like the stream of the real client, and unlike `iter`, an `unfold` panics when it is
        // polled after its end.
        let events = futures_util::stream::unfold(VecDeque::from(events), |mut events| async {
            let event = events.pop_front()?;
            Some((event, events))
        });
        Ok(CoreStream {
            content_type: None,
            events: Box::pin(events),
        })
    }
}

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
    let events = event_files();
    assert!(events.len() > 50, "only {} events were found", events.len());
    for path in events {
        let name = path.display().to_string();
        if let Err(failure) = replay(&path).await {
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

async fn replay(path: &Path) -> Result<(), String> {
    let mut expected: Expected = read(&path.with_extension("expected.json"))?;
    let pad = "x".repeat(expected.pad.unwrap_or_default());
    let event = std::fs::read_to_string(path)
        .map_err(|error| error.to_string())?
        .replace("<pad>", &pad);
    expected.core.returns = expected
        .core
        .returns
        .map(|returns| returns.replace("<pad>", &pad));
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

fn check_stream(
    prelude: &str,
    pieces: &[String],
    is_cut: bool,
    wanted: Answer,
) -> Result<(), String> {
    same("cut", &json!(is_cut), &json!(wanted.cut))?;
    let said = wanted.pieces.as_ref().map(|pieces| with_id(json!(pieces)));
    said.map_or(Ok(()), |said| same("pieces", &json!(pieces), &said))?;
    let mut answer = value(prelude);
    answer["body"] = json!(pieces.concat());
    check_answer(&answer, wanted)
}

fn check_answer(answer: &Value, wanted: Answer) -> Result<(), String> {
    same(
        "statusCode",
        &answer["statusCode"],
        &json!(wanted.status_code),
    )?;
    for (name, value) in wanted.headers {
        same(&name, &answer["headers"][&name], &with_id(json!(value)))?;
    }
    for name in wanted.absent_headers {
        same(&name, &answer["headers"][&name], &Value::Null)?;
    }
    for (name, value) in &wanted.members {
        same(name, &answer[name], value)?;
    }
    for name in [
        "Cache-Control",
        "X-Content-Type-Options",
        "X-Request-Id",
        "Server-Timing",
        "Content-Type",
    ] {
        answer["headers"]
            .get(name)
            .ok_or(format!("{name} is missing"))?;
    }
    let body = answer["body"].as_str().unwrap_or_default();
    match (wanted.body, wanted.body_text) {
        (Some(wanted), None) => same("body", &value(body), &with_id(wanted)),
        (None, Some(wanted)) => same("bodyText", &json!(body), &with_id(json!(wanted))),
        (None, None) if wanted.pieces.is_some() => Ok(()),
        _ => Err("write one of body and bodyText".to_owned()),
    }
}

fn same(what: &str, got: &Value, wanted: &Value) -> Result<(), String> {
    if got == wanted {
        Ok(())
    } else {
        Err(format!("{what} is {got}, not {wanted}"))
    }
}

fn with_id(value: Value) -> Value {
    serde_json::from_str(&value.to_string().replace("<request id>", REQUEST_ID)).expect("JSON")
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

/// The test runner shows what is printed by a test that fails, and no other.
fn write_to_test_output(line: &str) {
    print!("{line}");
}

fn leak(core: Core) -> &'static FakeCore {
    Box::leak(Box::new(FakeCore {
        core,
        seen: Mutex::default(),
    }))
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
    let mut context = Context::default();
    context.request_id = REQUEST_ID.to_owned();
    context.deadline = 4_102_444_800_000;
    context.identity =
        cognito_identity.map(|identity| serde_json::from_value(identity).expect("an identity"));
    context
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn event_files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let entries = |folder: &Path| {
        std::fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
    };
    let folders = entries(&root).filter(|path| path.is_dir());
    let mut files: Vec<_> = folders
        .flat_map(|folder| entries(&folder).collect::<Vec<_>>())
        .collect();
    files.retain(|path| {
        path.extension().is_some_and(|kind| kind == "json")
            && !path.to_string_lossy().ends_with(".expected.json")
    });
    files.sort();
    files
}
