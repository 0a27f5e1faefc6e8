//! A response as the platform reads it: payload 2.0 has `cookies` and single header values, payload 1.0 `multiValueHeaders`.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::Response;
use crate::event::Door;

/// A response in the form of one door.
pub struct Form<'a> {
    pub response: &'a Response,
    pub door: Door,
}

/// The head of a streamed response: what stands before its bytes.
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming>
pub struct Prelude<'a>(pub &'a Response);

impl Serialize for Prelude<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("statusCode", &self.0.status)?;
        payload_2_0(&mut map, self.0.headers.grouped())?;
        map.end()
    }
}

impl Serialize for Form<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("statusCode", &self.response.status)?;
        let groups = self.response.headers.grouped();
        match self.door {
            Door::RestApi => payload_1_0(&mut map, groups)?,
            Door::HttpApi | Door::FunctionUrl | Door::Direct => payload_2_0(&mut map, groups)?,
        }
        map.serialize_entry("body", &self.response.body)?;
        map.serialize_entry("isBase64Encoded", &self.response.is_base64)?;
        map.end()
    }
}

fn payload_2_0<M: SerializeMap>(map: &mut M, groups: Vec<(&str, Vec<&str>)>) -> Result<(), M::Error> {
    let (cookies, headers): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    map.serialize_entry("headers", &Pairs(headers.into_iter().map(|(name, values)| (name, values.join(", "))).collect()))?;
    match cookies.into_iter().next() {
        Some((_, cookies)) => map.serialize_entry("cookies", &cookies),
        None => Ok(()),
    }
}

fn payload_1_0<M: SerializeMap>(map: &mut M, groups: Vec<(&str, Vec<&str>)>) -> Result<(), M::Error> {
    let (single, multi): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(_, values)| values.len() == 1);
    map.serialize_entry("headers", &Pairs(single.into_iter().map(|(name, values)| (name, values[0])).collect()))?;
    if multi.is_empty() { Ok(()) } else { map.serialize_entry("multiValueHeaders", &Pairs(multi)) }
}

/// Pairs written as an object in their order.
struct Pairs<'a, T>(Vec<(&'a str, T)>);

impl<T: Serialize> Serialize for Pairs<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
