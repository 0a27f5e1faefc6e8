//! Validates the input of an authorized request: the body, or the query of a `GET`; 400 when it is
//! not valid.
//!
//! The input stays the text that the caller sent: the required fields are looked for, and nothing
//! is written anew.

mod query;

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::EdgeError;
use crate::json;
use crate::stages::authorize::{Authorized, Caller};
use crate::stages::event::{Body, Content, RequestMeta};

/// A request whose input is valid.
#[derive(Debug)]
pub struct Validated<'e> {
    /// Who is authorized, and what core receives about them.
    pub caller: Caller<'e>,
    /// A JSON object, as the caller sent it.
    pub input: Cow<'e, str>,
    /// What core receives about the request itself.
    pub meta: RequestMeta<'e>,
}

/// Reads the input and checks that the required fields are present.
pub fn validate<'e>(
    authorized: Authorized<'e>,
    required: &[String],
) -> Result<Validated<'e>, EdgeError> {
    let input = match authorized.method.as_ref() {
        "GET" | "HEAD" => Cow::Owned(query::to_object(&authorized.content.query)?),
        _ => body(authorized.content)?,
    };
    check_fields(&input, required)?;
    Ok(Validated {
        caller: authorized.caller,
        input,
        meta: authorized.meta,
    })
}

fn body(content: Content<'_>) -> Result<Cow<'_, str>, EdgeError> {
    match content.body {
        Body::Absent => Err(EdgeError::MissingBody),
        Body::Text(text) => Ok(text),
        Body::Json(text) => Ok(Cow::Borrowed(text)),
        Body::Base64(text) => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text.as_ref());
            let text = String::from_utf8(bytes.map_err(|_| EdgeError::InvalidJson)?);
            text.map(Cow::Owned).map_err(|_| EdgeError::InvalidJson)
        }
    }
}

fn check_fields(input: &str, required: &[String]) -> Result<(), EdgeError> {
    let mut json = serde_json::Deserializer::from_str(input);
    let present = json
        .deserialize_map(RequiredFieldsVisitor(required))
        .and_then(|present| json.end().map(|()| present));
    let present = present.map_err(|_| input_error(input))?;
    let missing: Vec<_> = required
        .iter()
        .zip(present)
        .filter(|(_, present)| !present)
        .map(|(name, _)| name.clone())
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(EdgeError::MissingFields(missing))
    }
}

/// Whether a value counts as missing: `null` or `""`.
fn is_blank(raw: &RawValue) -> bool {
    matches!(raw.get(), "null" | "\"\"")
}

/// The error for an input that is not a JSON object: another JSON value, or not JSON.
fn input_error(input: &str) -> EdgeError {
    match serde_json::from_str::<&RawValue>(input) {
        Ok(raw) if !raw.get().starts_with('{') => EdgeError::NotAnObject,
        _ => EdgeError::InvalidJson,
    }
}

/// Reads an object once, and gives for each required field whether it is present; the last of a
/// repeated key counts.
struct RequiredFieldsVisitor<'a>(&'a [String]);

impl<'e> Visitor<'e> for RequiredFieldsVisitor<'_> {
    type Value = Vec<bool>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'e>>(self, mut map: A) -> Result<Vec<bool>, A::Error> {
        let mut present = vec![false; self.0.len()];
        while let Some(key) = map.next_key::<&RawValue>()? {
            let key = json::key_text(key.get());
            match self.0.iter().position(|name| *name == key) {
                Some(index) => present[index] = !is_blank(map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(present)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn required() -> Vec<String> {
        ["partner", "year", "period", "question"]
            .map(str::to_owned)
            .into()
    }

    #[test]
    fn a_body_is_refused_for_what_it_is() {
        for (name, input, code) in [
            (
                "complete",
                r#"{"partner":"a","year":2023,"period":"Q1","question":"?"}"#,
                "",
            ),
            (
                "false and zero are values",
                r#"{"partner":false,"year":0,"period":[],"question":{}}"#,
                "",
            ),
            (
                "white space around",
                " \n{\"partner\":\"a\",\"year\":1,\"period\":\"Q1\",\"question\":\"?\"}\t",
                "",
            ),
            (
                "a lone surrogate",
                r#"{"\ud800":1,"partner":"\ud800","year":1,"period":"Q1","question":"?"}"#,
                "",
            ),
            (
                "a later value fills it",
                r#"{"partner":"","partner":"a","year":1,"period":"Q1","question":"?"}"#,
                "",
            ),
            (
                "a later value blanks it",
                r#"{"partner":"a","partner":"","year":1,"period":"Q1","question":"?"}"#,
                "missing_fields",
            ),
            ("nothing present", "{}", "missing_fields"),
            ("an array", "[1]", "not_an_object"),
            ("a string", "\"{}\"", "not_an_object"),
            ("null", "null", "not_an_object"),
            ("cut short", "{\"partner\":", "invalid_json"),
            ("text behind it", "{} {}", "invalid_json"),
            ("a bare word", "partner", "invalid_json"),
            ("white space alone", "  ", "invalid_json"),
            ("a trailing comma", r#"{"partner":"a",}"#, "invalid_json"),
            (
                "a control character",
                "{\"partner\":\"a\nb\"}",
                "invalid_json",
            ),
            (
                "a control character in a key",
                "{\"a\nb\":1}",
                "invalid_json",
            ),
        ] {
            let found = check_fields(input, &required()).map_or_else(|error| error.code(), |()| "");
            assert_eq!(found, code, "{name}");
        }
    }

    #[test]
    fn all_missing_fields_are_named_in_the_configured_order() {
        let error = check_fields(r#"{"question":null,"period":"","x":1}"#, &required())
            .expect_err("missing");
        assert_eq!(
            error.message(),
            "Missing fields: partner, year, period, question"
        );
    }

    #[test]
    fn a_body_nested_ten_thousand_deep_is_passed_on() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(check_fields(&deep, &[]).is_ok());
    }
}
