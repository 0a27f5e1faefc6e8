//! The subcommands that ask a running stack: `requests` and `replay`. They read what `GET /records`
//! gives, and print it as it is or as text.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, Request};
use http_body_util::Full;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::arguments::{ReplayArguments, RequestsArguments, RunningStack};
use crate::http::HttpClient;
use crate::recorder::{Record, Summary, write_record};
use crate::terminal::print_line;

/// The longest time to wait for the stack, which waits for the whole chain when it sends a request.
const TIMEOUT: Duration = Duration::from_secs(70);

/// The answer to `GET /records`.
#[derive(Debug, Deserialize)]
struct List {
    records: Vec<Summary>,
}

/// The answer to a request to replay.
#[derive(Debug, Deserialize)]
struct Sent {
    id: u64,
    /// What was sent otherwise than it was recorded.
    note: Option<String>,
}

/// Runs `inference-edge requests`.
pub fn requests(arguments: &RequestsArguments) -> ExitCode {
    run(async {
        let console = console_url(&arguments.stack)?;
        let path = match &arguments.id {
            Some(id) => format!("/records/{}", encoded(id)),
            None => format!("/records{}", query(arguments)),
        };
        let body = send(Method::GET, &format!("{console}{path}")).await?;
        if arguments.json {
            print_json(&body)?;
        } else if arguments.id.is_some() {
            print_line(write_record(&parse::<Record>(&body)?));
        } else {
            print_list(&parse::<List>(&body)?.records);
        }
        Ok(())
    })
}

/// Runs `inference-edge replay`.
pub fn replay(arguments: &ReplayArguments) -> ExitCode {
    run(async {
        let console = console_url(&arguments.stack)?;
        let url = format!("{console}/records/{}/replay", arguments.id);
        let sent: Sent = parse(&send(Method::POST, &url).await?)?;
        let body = send(Method::GET, &format!("{console}/records/{}", sent.id)).await?;
        if let Some(note) = &sent.note {
            eprintln!("note: {note}");
        }
        if arguments.json {
            print_json(&body)
        } else {
            print_line(write_record(&parse::<Record>(&body)?));
            Ok(())
        }
    })
}

fn run(command: impl Future<Output = Result<(), String>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = runtime
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(command));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn console_url(stack: &RunningStack) -> Result<String, String> {
    let Some(path) = &stack.ready_file else {
        return Ok(format!("http://localhost:{}", stack.port));
    };
    read_console_url(path).map_err(|why| format!("{} is not a ready file: {why}", path.display()))
}

fn read_console_url(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let ready: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let url = ready["consoleUrl"].as_str();
    url.map(str::to_owned)
        .ok_or_else(|| "it has no consoleUrl".to_owned())
}

async fn send(method: Method, url: &str) -> Result<Bytes, String> {
    let request = Request::builder()
        .method(method)
        .uri(url)
        .body(Full::default())
        .map_err(|error| error.to_string())?;
    let answer = HttpClient::new().send(request, TIMEOUT).await.map_err(|error| {
        format!("no stack answers at {url} ({error}): start one with \"cargo run\", or give its --port or --ready-file")
    })?;
    if answer.status.is_success() {
        return Ok(answer.body);
    }
    let refusal: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    Err(refusal["message"]
        .as_str()
        .map_or_else(|| format!("{url} answers {}", answer.status), str::to_owned))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body)
        .map_err(|error| format!("the stack is of another version: {error}"))
}

fn print_json(body: &[u8]) -> Result<(), String> {
    print_line(format_args!("{:#}", parse::<Value>(body)?));
    Ok(())
}

fn query(arguments: &RequestsArguments) -> String {
    let pairs = [
        ("status", &arguments.status),
        ("entryPoint", &arguments.entry_point),
        ("text", &arguments.text),
    ];
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    match query.finish().as_str() {
        "" => String::new(),
        query => format!("?{query}"),
    }
}

fn encoded(id: &str) -> String {
    form_urlencoded::byte_serialize(id.as_bytes()).collect()
}

fn print_list(records: &[Summary]) {
    if records.is_empty() {
        print_line("no requests");
    }
    for record in records {
        let status = record
            .status
            .map_or_else(|| "—".to_owned(), |status| status.to_string());
        let stop = record
            .stop
            .as_ref()
            .map(|stop| format!("  ✗ {}: {}", stop.hop, stop.why))
            .unwrap_or_default();
        print_line(format_args!(
            "{:>5}  {}  {:12}  {status:>3}  {:>9.2} ms  {} {}{stop}",
            record.id,
            time(record.at),
            record.entry_point,
            record.ms,
            record.method,
            record.path,
        ));
    }
}

/// The time of day in UTC.
fn time(at: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    at.strftime("%H:%M:%SZ").to_string()
}
