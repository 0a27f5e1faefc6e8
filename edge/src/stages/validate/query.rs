//! Turns a query string into a JSON object: every value is a string, a repeated key is an array of
//! strings, and the keys keep their order.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::error::EdgeError;
use crate::json;
use crate::limits::MAX_QUERY_PARAMETERS;
use crate::stages::event::Query;

/// The query as a JSON object, or 413 when it has too many parameters.
pub fn to_object(query: &Query) -> Result<String, EdgeError> {
    let mut fields = Fields::default();
    match query {
        Query::Encoded(text) => {
            for (name, value) in form_urlencoded::parse(text.as_bytes()) {
                fields.add(name, value)?;
            }
        }
        Query::Decoded(members) => {
            for (name, raw) in members.iter() {
                let values = serde_json::from_str(raw.get()).unwrap_or_else(|_| vec![raw]);
                for value in values
                    .into_iter()
                    .filter_map(|raw: &RawValue| json::string(raw.get()))
                {
                    fields.add(Cow::Owned(name.to_owned()), value)?;
                }
            }
        }
    }
    Ok(serde_json::to_string(&fields).unwrap_or_else(|_| "{}".to_owned()))
}

/// Names and their values, in the order in which the names first occur.
#[derive(Default)]
struct Fields<'q> {
    fields: Vec<(Cow<'q, str>, Vec<Cow<'q, str>>)>,
    /// The place of each name: a query may have tens of thousands of them.
    places: HashMap<Cow<'q, str>, usize>,
    /// The number of values.
    count: usize,
}

impl<'q> Fields<'q> {
    fn add(&mut self, name: Cow<'q, str>, value: Cow<'q, str>) -> Result<(), EdgeError> {
        self.count += 1;
        if self.count > MAX_QUERY_PARAMETERS {
            let why = format!("the query has more than {MAX_QUERY_PARAMETERS} parameters");
            return Err(EdgeError::RequestTooLarge(why));
        }
        match self.places.entry(name) {
            Entry::Occupied(place) => self.fields[*place.get()].1.push(value),
            Entry::Vacant(place) => {
                self.fields.push((place.key().clone(), vec![value]));
                place.insert(self.fields.len() - 1);
            }
        }
        Ok(())
    }
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len()))?;
        for (name, values) in &self.fields {
            match values.as_slice() {
                [value] => map.serialize_entry(name, value)?,
                values => map.serialize_entry(name, values)?,
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Object;

    fn object(query: &str) -> String {
        to_object(&Query::Encoded(Cow::Borrowed(query))).expect("an object")
    }

    #[test]
    fn a_query_string_becomes_an_object_of_strings() {
        for (query, expected) in [
            ("", "{}"),
            ("name=Ada", r#"{"name":"Ada"}"#),
            (
                "year=2023&name=Ada%20L%2e+B",
                r#"{"year":"2023","name":"Ada L. B"}"#,
            ),
            ("a=1&b=2&a=3", r#"{"a":["1","3"],"b":"2"}"#),
            ("flag&x=", r#"{"flag":"","x":""}"#),
            ("q=%22%5C%0A", r#"{"q":"\"\\\n"}"#),
            ("q=%ff", "{\"q\":\"\u{fffd}\"}"),
        ] {
            assert_eq!(object(query), expected, "{query}");
        }
    }

    #[test]
    fn ten_thousand_parameters_keep_their_order_and_more_are_refused() {
        let query = |count: usize| (0..count).map(|n| format!("n{n}=1&")).collect::<String>();
        let object = object(&query(10_000));
        assert!(
            object.starts_with(r#"{"n0":"1","n1":"1","#) && object.ends_with(r#""n9999":"1"}"#)
        );
        for (name, query) in [
            ("another name", query(10_001)),
            ("another value", "n=1&".repeat(10_001)),
        ] {
            let error = to_object(&Query::Encoded(Cow::Owned(query))).expect_err(name);
            assert_eq!(error.code(), "request_too_large", "{name}");
            assert_eq!(
                error.cause().as_deref(),
                Some("the query has more than 10000 parameters"),
                "{name}"
            );
        }
    }

    #[test]
    fn a_rest_apis_decoded_query_becomes_the_same_object() {
        for (members, object) in [
            (r#"{"a":["1","3"],"b":["2"]}"#, r#"{"a":["1","3"],"b":"2"}"#),
            (r#"{"a":"1","odd":7}"#, r#"{"a":"1"}"#),
        ] {
            let members = Object::read(members).expect("an object");
            assert_eq!(
                to_object(&Query::Decoded(members)).expect("an object"),
                object
            );
        }
    }
}
