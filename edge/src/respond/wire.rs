//! A response as the platform reads it: payload 2.0 has `cookies` and single header values, payload 1.0 `multiValueHeaders`.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::{Headers, Response};
use crate::event::Door;

/// The header whose values payload 2.0 keeps apart.
const SET_COOKIE: &str = "set-cookie";

/// Status and headers in the form of one door: all but the body.
pub struct Head<'a> {
    pub response: &'a Response,
    pub door: Door,
}

impl Serialize for Head<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("statusCode", &self.response.status)?;
        match self.door {
            Door::RestApi => payload_1_0(&mut map, &self.response.headers)?,
            Door::HttpApi | Door::FunctionUrl | Door::Direct => payload_2_0(&mut map, &self.response.headers)?,
        }
        map.end()
    }
}

fn payload_2_0<M: SerializeMap>(map: &mut M, headers: &Headers) -> Result<(), M::Error> {
    map.serialize_entry("headers", &Joined(headers))?;
    if headers.has(SET_COOKIE) { map.serialize_entry("cookies", &All(headers, SET_COOKIE)) } else { Ok(()) }
}

fn payload_1_0<M: SerializeMap>(map: &mut M, headers: &Headers) -> Result<(), M::Error> {
    map.serialize_entry("headers", &Single(headers))?;
    let has_several = headers.names().any(|name| is_several(headers, name));
    if has_several { map.serialize_entry("multiValueHeaders", &Several(headers)) } else { Ok(()) }
}

fn is_several(headers: &Headers, name: &str) -> bool {
    headers.values(name).nth(1).is_some()
}

/// Each header once, its values with commas between them; no cookies.
struct Joined<'a>(&'a Headers);

impl Serialize for Joined<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for name in self.0.names().filter(|name| !name.eq_ignore_ascii_case(SET_COOKIE)) {
            match is_several(self.0, name) {
                true => map.serialize_entry(name, &self.0.values(name).collect::<Vec<_>>().join(", "))?,
                false => map.serialize_entry(name, &self.0.values(name).next())?,
            }
        }
        map.end()
    }
}

/// The headers of one value.
struct Single<'a>(&'a Headers);

impl Serialize for Single<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.0.names().filter(|name| !is_several(self.0, name));
        serializer.collect_map(names.map(|name| (name, self.0.values(name).next())))
    }
}

/// The headers of several values.
struct Several<'a>(&'a Headers);

impl Serialize for Several<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.0.names().filter(|name| is_several(self.0, name));
        serializer.collect_map(names.map(|name| (name, All(self.0, name))))
    }
}

/// All values of a header.
struct All<'a>(&'a Headers, &'a str);

impl Serialize for All<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.values(self.1))
    }
}
