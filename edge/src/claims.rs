//! The claims of a verified caller, in every form in which AWS and the emulators write them.
//!
//! An HTTP API renders each claim as a string (`"true"`, `"1747603158"`, `"[admin poweruser]"`), a
//! REST API joins arrays with commas, Lambda authorizers and emulators keep JSON types. Reading
//! never fails: a claim of an unexpected form counts as absent.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::json::{self, Object};

/// A caller's claims, or the equivalent members of an IAM or Lambda authorizer.
#[derive(Debug, Default, Clone)]
pub struct Claims<'e>(Object<'e>);

impl<'e> Claims<'e> {
    /// The claims that these members are.
    pub fn new(members: Object<'e>) -> Self {
        Self(members)
    }

    /// Whether there is no claim at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The claim's JSON as it was written; `None` when it is absent or `null`.
    pub fn raw(&self, name: &str) -> Option<&'e RawValue> {
        self.0.get(name).filter(|raw| raw.get() != "null")
    }

    /// The claim as text: a string, or the JSON of a number or boolean.
    pub fn text(&self, name: &str) -> Option<Cow<'e, str>> {
        let raw = self.raw(name)?;
        match raw.get().as_bytes().first() {
            Some(b'"') => json::text(raw),
            Some(b'{' | b'[') | None => None,
            Some(_) => Some(Cow::Borrowed(raw.get())),
        }
    }

    /// A member that is an object.
    pub fn object(&self, name: &str) -> Option<Object<'e>> {
        self.0.object(name)
    }

    /// Whether a claim is `true` or `"true"`.
    pub fn is_true(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| text == "true")
    }

    /// The names in a claim that is a list: `"[a b]"`, `"a,b"`, `["a","b"]` or `"[\"a\",\"b\"]"`.
    pub fn list(&self, name: &str) -> Vec<String> {
        let Some(raw) = self.raw(name) else {
            return Vec::new();
        };
        let written = json::string(raw.get()).unwrap_or(Cow::Borrowed(raw.get()));
        names(&written)
    }
}

fn names(written: &str) -> Vec<String> {
    if let Ok(names) = serde_json::from_str::<Vec<String>>(written) {
        return names;
    }
    // Cognito's group names hold no white space, but may hold a comma: within brackets only white
    // space separates them.
    let separated: Vec<&str> = match written
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(inside) => inside.split_whitespace().collect(),
        None => written.split(',').map(str::trim).collect(),
    };
    separated
        .into_iter()
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(text: &'static str) -> Claims<'static> {
        Claims::new(Object::read(text).expect("an object"))
    }

    #[test]
    fn groups_are_read_in_every_form() {
        for (name, written, groups) in [
            (
                "HTTP API",
                r#""[admin poweruser]""#,
                vec!["admin", "poweruser"],
            ),
            ("HTTP API, one group", r#""[admin]""#, vec!["admin"]),
            (
                "HTTP API, a comma in a name",
                r#""[a,b c]""#,
                vec!["a,b", "c"],
            ),
            ("HTTP API, no group", r#""[]""#, vec![]),
            (
                "REST API",
                r#""admin,poweruser""#,
                vec!["admin", "poweruser"],
            ),
            ("REST API, one group", r#""admin""#, vec!["admin"]),
            (
                "an array",
                r#"["admin","power user"]"#,
                vec!["admin", "power user"],
            ),
            (
                "an array as text",
                r#""[\"admin\", \"b\"]""#,
                vec!["admin", "b"],
            ),
            ("null", "null", vec![]),
            ("a number", "7", vec!["7"]),
            ("an array of numbers", "[1, 2]", vec!["1,", "2"]),
        ] {
            let text = format!(r#"{{"cognito:groups":{written}}}"#);
            let claims = Claims::new(Object::read(&text).expect("an object"));
            assert_eq!(claims.list("cognito:groups"), groups, "{name}");
        }
    }

    #[test]
    fn a_claim_of_any_scalar_type_is_text() {
        let claims =
            claims(r#"{"s":"x","n":1747603158,"b":true,"o":{"a":1},"l":["a"],"z":null,"e":""}"#);
        let read: Vec<_> = ["s", "n", "b", "o", "l", "z", "e", "absent"]
            .map(|name| claims.text(name))
            .into();
        insta::assert_compact_debug_snapshot!(read, @r#"[Some("x"), Some("1747603158"), Some("true"), None, None, None, None, None]"#);
    }

    #[test]
    fn only_true_and_its_string_are_true() {
        let claims = claims(r#"{"a":true,"b":"true","c":"True","d":1,"e":false}"#);
        let are_true: Vec<_> = ["a", "b", "c", "d", "e"]
            .map(|name| claims.is_true(name))
            .into();
        assert_eq!(are_true, [true, true, false, false, false]);
    }
}
