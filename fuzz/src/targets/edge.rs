//! The whole edge: any event, any context, any answer of core, in several configurations.
//!
//! Every event gets one answer, and one line in the log. The answer is what the contract says:
//! JSON with the headers that every response has, CORS headers for listed origins alone, and
//! nothing of core's that could end the connection. Core runs at most once, and gets an identity
//! that nothing in the body or the headers has set.
//!
//! An input is a line of three characters, which choose the configuration, what core does and the
//! context; then the event, then core's answer, with a line `---` between each.

mod checks;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use edge::config::Config;
use edge::error::EdgeError;
use edge::pipeline::{Edge, Reply};
use edge::stages::invoke::{Call, CoreEvent, CoreReply, CoreStream, InvokeCore};
use futures_util::stream;
use lambda_runtime::Context;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::{Target, parts};
use checks::{check_body, check_line, check_payload, check_response};

pub const TARGET: Target = Target {
    name: "edge",
    run,
    words: &[
        "\"requestContext\":{",
        "\"http\":{\"method\":\"POST\"}",
        "\"httpMethod\":\"POST\"",
        "\"authorizer\":{",
        "\"jwt\":{\"claims\":{",
        "\"sub\":\"forged\"",
        "\"lambda\":{",
        "\"iam\":{",
        "\"cognitoIdentity\":{\"amr\":[",
        "\"headers\":{",
        "\"multiValueHeaders\":{",
        "\"Origin\":\"https://app.example\"",
        "\"origin\":\"https://evil.test\"",
        "\"body\":\"{}\"",
        "\"isBase64Encoded\":true",
        "\"rawQueryString\":\"a=1&a=2\"",
        "\"rawPath\":\"/inference\"",
        "\"domainName\":\"x.lambda-url.us-east-1.on.aws\"",
        "\"identity\":{\"sub\":\"forged\"}",
        "\"cognito:groups\":\"[staff a]\"",
        "\"email_verified\":true",
        "\"email\":\"a@example.edu\"",
        "OPTIONS",
        "HEAD",
        "GET",
        "{\"statusCode\":",
        "\"cookies\":[\"a=b\"]",
        "\0\0\0\0\0\0\0\0",
        "data: x\n\n",
        "\\ud800",
        "\n---\n",
        "null",
        "\"question\":\"?\"",
    ],
};

const REQUEST_ID: &str = "8f507cfc-7ad4-4697-b07a-ac58fc914c95";
/// The origins that the configurations allow.
const ORIGIN: &str = "https://app.example";
const ORIGINS: &str = "https://app.example,https://*.example.org";

/// What the configurations set beside the name of core and the origins.
const CONFIGURATIONS: [&[(&str, &str)]; 8] = [
    &[],
    &[
        ("REQUIRED_FIELDS", ""),
        ("CORE_REPLY", "proxy"),
        ("ERROR_DETAIL", "full"),
        ("ALLOWED_METHODS", "GET,POST"),
    ],
    &[
        ("REQUIRED_FIELDS", ""),
        ("RESPONSE", "stream"),
        ("ALLOWED_METHODS", "GET,POST"),
    ],
    &[
        ("REQUIRED_FIELDS", ""),
        ("RESPONSE", "stream"),
        ("CORE_REPLY", "proxy"),
        ("ALLOW_ANONYMOUS", "true"),
    ],
    &[
        ("REQUIRED_FIELDS", "question"),
        ("PAYLOAD", "bare"),
        ("CORS", "platform"),
        ("ROUTES", "/inference"),
    ],
    &[
        ("REQUIRED_FIELDS", ""),
        ("ALLOWED_GROUPS", "staff"),
        ("ALLOWED_EMAILS", "*@example.edu"),
        ("TOKEN_USE", "any"),
    ],
    &[
        ("REQUIRED_FIELDS", ""),
        ("IDENTITY_CLAIMS", "cognito:groups,custom:a"),
        ("TENANT_CLAIM", "custom:tenant"),
    ],
    &[
        ("REQUIRED_FIELDS", ""),
        ("ALLOW_ANONYMOUS", "true"),
        ("ERROR_DETAIL", "none"),
        ("AWS_LAMBDA_LOG_FORMAT", "Text"),
    ],
];

struct Configured {
    edge: Edge<ScriptedCore>,
    is_bare: bool,
    is_anonymous: bool,
    has_cors: bool,
    logs_json: bool,
}

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// What core was given, and what it is to do.
    static CORE: RefCell<(Vec<Vec<u8>>, Script)> = RefCell::default();
}

static EDGES: LazyLock<Vec<Configured>> = LazyLock::new(|| CONFIGURATIONS.map(configure).into());

fn configure(pairs: &[(&str, &str)]) -> Configured {
    let find = |name: &str| {
        let found = pairs.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let config = Config::read(|name| match name {
        "TARGET_LAMBDA_NAME" => Some("core".to_owned()),
        "ALLOWED_ORIGINS" => Some(ORIGINS.to_owned()),
        name => find(name),
    });
    let config = config.expect("a configuration");
    let edge = Edge::new(config.settings, ScriptedCore).with_log(|line| {
        LINES.with_borrow_mut(|lines| lines.push(line.to_owned()));
    });
    Configured {
        edge,
        is_bare: find("PAYLOAD").is_some(),
        is_anonymous: find("ALLOW_ANONYMOUS").is_some(),
        has_cors: find("CORS").is_none(),
        logs_json: find("AWS_LAMBDA_LOG_FORMAT").is_none(),
    }
}

/// What core does with the answer of the input.
#[derive(Debug, Default, Clone)]
struct Script {
    kind: u8,
    answer: Vec<u8>,
}

#[derive(Debug)]
struct ScriptedCore;

impl InvokeCore for ScriptedCore {
    async fn invoke(&self, call: Call<'_>) -> Result<CoreReply, EdgeError> {
        let script = script(call);
        match script.kind % 4 {
            3 => Err(EdgeError::CoreThrottled {
                retry_after: 7,
                cause: "busy".to_owned(),
            }),
            kind => Ok(CoreReply {
                payload: script.answer,
                is_function_error: kind == 1,
            }),
        }
    }

    async fn invoke_streamed(&self, call: Call<'_>) -> Result<CoreStream, EdgeError> {
        let Script { kind, answer } = script(call);
        if kind % 4 == 3 {
            return Err(EdgeError::CoreUnreachable("connection reset".to_owned()));
        }
        let pieces = answer.chunks(5).map(Bytes::copy_from_slice);
        let mut events: Vec<_> = pieces.map(|piece| Ok(CoreEvent::Bytes(piece))).collect();
        match kind % 4 {
            1 => events.push(Ok(CoreEvent::Failed(answer.clone()))),
            2 => events.push(Err(EdgeError::CoreUnreachable("cut".to_owned()))),
            _ => {}
        }
        Ok(CoreStream {
            content_type: None,
            events: Box::pin(stream::iter(events)),
        })
    }
}

fn script(call: Call<'_>) -> Script {
    CORE.with_borrow_mut(|(received, script)| {
        received.push(call.enriched.payload);
        script.clone()
    })
}

/// The answer to an event, in one form for every entry point.
#[derive(Debug)]
enum Answer {
    /// A response: its status, its headers by lower-case name, its body unless it was cut.
    Http(u64, BTreeMap<String, Vec<String>>, Option<Vec<u8>>),
    Result(Vec<u8>),
    FunctionError,
    /// A stream for a direct Invoke.
    Stream,
}

fn run(input: &[u8]) {
    let mut parts = parts(input);
    let choice = parts.next().unwrap_or_default();
    let Ok(event) = std::str::from_utf8(parts.next().unwrap_or_default()) else {
        return;
    };
    let answer = parts.next().unwrap_or_default().to_vec();
    let chosen = |at: usize| choice.get(at).copied().unwrap_or(b'0').wrapping_sub(b'0');
    let configured = &EDGES[usize::from(chosen(0)) % EDGES.len()];
    let kind = chosen(1);
    let context = context(chosen(2));
    LINES.take();
    CORE.set((Vec::new(), Script { kind, answer }));

    let answer = RUNTIME.with(|runtime| runtime.block_on(answer_of(configured, event, &context)));

    let lines = LINES.take();
    assert_eq!(lines.len(), 1, "one line for each event: {lines:?}");
    check_line(&lines[0], configured.logs_json);
    let received = CORE.with_borrow(|(received, _)| received.clone());
    assert!(received.len() <= 1, "core runs at most once");
    let event: Option<Value> = serde_json::from_str(event).ok();
    for payload in &received {
        check_payload(payload, event.as_ref(), &context, configured);
    }
    if let Answer::Http(status, headers, body) = &answer {
        check_response(*status, headers, event.as_ref(), configured);
        check_body(*status, headers, body.as_deref(), received.is_empty());
    }
    if let Answer::Result(json) = &answer {
        assert!(serde_json::from_slice::<&serde_json::value::RawValue>(json).is_ok());
    }
}

fn context(choice: u8) -> Context {
    let mut context = Context::default();
    context.request_id = REQUEST_ID.to_owned();
    context.deadline = u64::MAX / 4;
    let identity = |id: &str| {
        let json =
            format!(r#"{{"cognitoIdentityId":"{id}","cognitoIdentityPoolId":"us-east-1:2"}}"#);
        serde_json::from_str(&json).expect("an identity")
    };
    match choice % 4 {
        1 => context.identity = Some(identity("us-east-1:1")),
        2 => context.identity = Some(identity("")),
        3 => context.client_context = serde_json::from_str("{}").ok(),
        _ => {}
    }
    context
}

async fn answer_of(configured: &Configured, event: &str, context: &Context) -> Answer {
    match configured.edge.handle(event, context).await {
        Reply::Result(json, record) => {
            record.write();
            // A direct Invoke has no response: its result is core's JSON.
            let is_direct = CORE.with_borrow(|(_, script)| json == script.answer)
                || context.identity.is_some()
                || context.client_context.is_some();
            if is_direct {
                Answer::Result(json)
            } else {
                http_answer(&json)
            }
        }
        Reply::Failure(error, record) => {
            record.write();
            assert!(!error.error_type.is_empty() && !error.error_message.is_empty());
            Answer::FunctionError
        }
        Reply::Stream(head, mut stream) => {
            let (mut body, mut is_cut) = (Vec::new(), false);
            while let Some(piece) = stream.next().await {
                match piece {
                    Ok(bytes) => body.extend_from_slice(&bytes),
                    Err(_) => is_cut = true,
                }
            }
            if head.prelude.is_empty() {
                return Answer::Stream;
            }
            let json = head.prelude.strip_suffix(&[0; 8]).expect("the delimiter");
            let Answer::Http(status, headers, _) = http_answer(json) else {
                panic!("a prelude is no response");
            };
            Answer::Http(status, headers, (!is_cut).then_some(body))
        }
    }
}

fn http_answer(json: &[u8]) -> Answer {
    let value: Value = serde_json::from_slice(json).expect("a response is JSON");
    let Some(status) = value["statusCode"].as_u64() else {
        // Core's own JSON, or what stands for it: a direct Invoke.
        return Answer::Result(json.to_vec());
    };
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut add = |name: &str, value: &Value| {
        let value = value.as_str().expect("a header is a text").to_owned();
        headers
            .entry(name.to_ascii_lowercase())
            .or_default()
            .push(value);
    };
    for (name, value) in value["headers"].as_object().expect("headers") {
        add(name, value);
    }
    for (name, values) in value["multiValueHeaders"].as_object().into_iter().flatten() {
        for value in values.as_array().expect("values") {
            add(name, value);
        }
    }
    for value in value["cookies"].as_array().into_iter().flatten() {
        add("set-cookie", value);
    }
    let body = value["body"].as_str().unwrap_or_default().as_bytes();
    let body = if value["isBase64Encoded"] == true {
        None
    } else {
        Some(body.to_vec())
    };
    Answer::Http(status, headers, body)
}
