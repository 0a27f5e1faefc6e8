//! Compares an answer with the expected one.

use serde_json::{Value, json};
use testkit::event_files::Answer;

use super::REQUEST_ID;

pub fn check_stream(
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

pub fn check_answer(answer: &Value, wanted: Answer) -> Result<(), String> {
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

pub fn same(what: &str, got: &Value, wanted: &Value) -> Result<(), String> {
    if got == wanted {
        Ok(())
    } else {
        Err(format!("{what} is {got}, not {wanted}"))
    }
}

pub fn with_id(value: Value) -> Value {
    serde_json::from_str(&value.to_string().replace("<request id>", REQUEST_ID)).expect("JSON")
}

pub fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}
