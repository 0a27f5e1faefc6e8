//! Turns a query string into a JSON object: every value is a string, a repeated key is an array of strings, and the keys keep
//! their order.

use std::borrow::Cow;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::json;
use crate::stages::event::Query;

/// The query as a JSON object.
pub fn to_object(query: &Query) -> String {
    let mut fields = Fields::default();
    match query {
        Query::Encoded(text) => {
            for (name, value) in form_urlencoded::parse(text.as_bytes()) {
                fields.add(name, value);
            }
        }
        Query::Decoded(members) => {
            for (name, raw) in members.iter() {
                let values = serde_json::from_str(raw.get()).unwrap_or_else(|_| vec![raw]);
                for value in values.into_iter().filter_map(|raw: &RawValue| json::string(raw.get())) {
                    fields.add(Cow::Owned(name.to_owned()), value);
                }
            }
        }
    }
    serde_json::to_string(&fields).unwrap_or_else(|_| "{}".to_owned())
}

#[derive(Default)]
struct Fields<'q>(Vec<(Cow<'q, str>, Vec<Cow<'q, str>>)>);

impl<'q> Fields<'q> {
    fn add(&mut self, name: Cow<'q, str>, value: Cow<'q, str>) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => self.0.push((name, vec![value])),
        }
    }
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, values) in &self.0 {
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

    #[test]
    fn a_query_string_becomes_an_object_of_strings() {
        for (query, object) in [
            ("", "{}"),
            ("name=Ada", r#"{"name":"Ada"}"#),
            ("year=2023&name=Ada%20L%2e+B", r#"{"year":"2023","name":"Ada L. B"}"#),
            ("a=1&b=2&a=3", r#"{"a":["1","3"],"b":"2"}"#),
            ("flag&x=", r#"{"flag":"","x":""}"#),
            ("q=%22%5C%0A", r#"{"q":"\"\\\n"}"#),
            ("q=%ff", "{\"q\":\"\u{fffd}\"}"),
        ] {
            assert_eq!(to_object(&Query::Encoded(Cow::Borrowed(query))), object, "{query}");
        }
    }

    #[test]
    fn a_rest_apis_decoded_query_becomes_the_same_object() {
        for (members, object) in
            [(r#"{"a":["1","3"],"b":["2"]}"#, r#"{"a":["1","3"],"b":"2"}"#), (r#"{"a":"1","odd":7}"#, r#"{"a":"1"}"#)]
        {
            let members = Object::read(members).expect("an object");
            assert_eq!(to_object(&Query::Decoded(members)), object);
        }
    }
}
