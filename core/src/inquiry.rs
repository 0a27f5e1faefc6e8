//! The event becomes an [`Inquiry`], or an error that names the field, what it holds and what it
//! should.

use std::fmt;

use serde_json::Value;

/// What is asked, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// The company that is asked about: its name, its ticker or an alias.
    pub partner: String,
    /// The company's fiscal year.
    pub year: i64,
    /// `Q1` to `Q4`, `FY`, or what was written instead; upper-case.
    pub period: String,
    /// The question in words, which decides the figures of the answer.
    pub question: String,
    /// Who asks: `identity.sub`. For the log alone.
    pub sub: Option<String>,
}

/// A field of the wrong type.
#[derive(Debug, PartialEq, Eq)]
pub struct WrongShape {
    /// The name of the field.
    pub field: &'static str,
    found: String,
    wanted: &'static str,
}

impl fmt::Display for WrongShape {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "{} is {}: give it {}",
            self.field, self.found, self.wanted
        )
    }
}

impl Inquiry {
    /// Reads `{"input", "identity"}`, or the input alone when the edge sends it bare.
    pub fn read(event: &Value) -> Result<Self, WrongShape> {
        let input = event.get("input").unwrap_or(event);
        Ok(Self {
            partner: text(input, "partner", "a company's name or ticker")?,
            year: year(input)?,
            period: text(input, "period", "Q1, Q2, Q3, Q4 or FY")?
                .trim()
                .to_uppercase(),
            question: text(input, "question", "a question")?,
            sub: event
                .pointer("/identity/sub")
                .and_then(Value::as_str)
                .map(str::to_owned),
        })
    }
}

fn text(input: &Value, field: &'static str, wanted: &'static str) -> Result<String, WrongShape> {
    match input.get(field) {
        Some(Value::String(text)) => Ok(text.clone()),
        other => Err(wrong(field, other, wanted)),
    }
}

/// A number, or its digits: a query string holds nothing but strings.
fn year(input: &Value) -> Result<i64, WrongShape> {
    let value = input.get("year");
    let year = match value {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(digits)) => digits.trim().parse().ok(),
        _ => None,
    };
    year.ok_or_else(|| wrong("year", value, "a whole number such as 2023"))
}

fn wrong(field: &'static str, found: Option<&Value>, wanted: &'static str) -> WrongShape {
    let found = found.map_or_else(|| "absent".to_owned(), |value| excerpt(&value.to_string()));
    WrongShape {
        field,
        found,
        wanted,
    }
}

/// A long value is not sent back whole.
fn excerpt(text: &str) -> String {
    let start: String = text.chars().take(60).collect();
    if start.len() < text.len() {
        format!("{start}…")
    } else {
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn who_asks_is_read_from_the_identity_and_never_from_the_input() {
        let input = json!({ "partner": "x", "year": 2023, "period": "q1", "question": "?", "identity": { "sub": "forged" }, "sub": "forged" });
        let read = Inquiry::read(&json!({ "input": input, "identity": { "sub": "real" } }))
            .expect("an inquiry");
        assert_eq!(read.sub.as_deref(), Some("real"));
        let read = Inquiry::read(&json!({ "input": input })).expect("an inquiry");
        assert_eq!(read.sub, None);
    }

    #[test]
    fn a_field_of_the_wrong_type_is_named_with_what_it_should_be() {
        let ask =
            |input: Value| Inquiry::read(&json!({ "input": input })).map_err(|e| e.to_string());
        for (input, error) in [
            (
                json!({ "partner": 1 }),
                "partner is 1: give it a company's name or ticker",
            ),
            (
                json!({ "partner": "x", "year": "soon" }),
                "year is \"soon\": give it a whole number such as 2023",
            ),
            (
                json!({ "partner": "x", "year": 2023.5 }),
                "year is 2023.5: give it a whole number such as 2023",
            ),
            (
                json!({ "partner": "x", "year": 2023, "period": 1 }),
                "period is 1: give it Q1, Q2, Q3, Q4 or FY",
            ),
            (
                json!({ "partner": "x", "year": 2023, "period": "Q1" }),
                "question is absent: give it a question",
            ),
            (
                json!([]),
                "partner is absent: give it a company's name or ticker",
            ),
        ] {
            assert_eq!(ask(input).expect_err(error), error);
        }
    }

    #[test]
    fn the_digits_of_a_query_string_are_a_year() {
        let read = Inquiry::read(
            &json!({ "partner": "x", "year": "2023", "period": "Q1", "question": "?" }),
        );
        assert_eq!(read.expect("an inquiry").year, 2023);
    }
}
