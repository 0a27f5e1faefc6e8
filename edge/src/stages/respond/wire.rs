//! Writes status and headers as the platform reads them: payload format 2.0 has `cookies` and one
//! value for each header, payload format 1.0 has `multiValueHeaders`.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::Response;
use crate::headers::Headers;
use crate::stages::event::EventSource;

/// The header whose values payload format 2.0 lists in `cookies`.
const SET_COOKIE: &str = "set-cookie";

/// Status and headers in the form of an entry point: everything but the body.
pub struct Head<'a> {
    pub response: &'a Response,
    pub source: EventSource,
}

impl Serialize for Head<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("statusCode", &self.response.status)?;
        match self.source {
            EventSource::RestApi => payload_1_0(&mut map, &self.response.headers)?,
            EventSource::HttpApi | EventSource::FunctionUrl | EventSource::Direct => {
                payload_2_0(&mut map, &self.response.headers)?
            }
        }
        map.end()
    }
}

fn payload_2_0<M: SerializeMap>(map: &mut M, headers: &Headers) -> Result<(), M::Error> {
    map.serialize_entry("headers", &Joined(headers))?;
    if headers.has(SET_COOKIE) {
        map.serialize_entry("cookies", &All(headers, SET_COOKIE))
    } else {
        Ok(())
    }
}

fn payload_1_0<M: SerializeMap>(map: &mut M, headers: &Headers) -> Result<(), M::Error> {
    map.serialize_entry("headers", &Single(headers))?;
    let has_several = headers.names().any(|name| is_several(headers, name));
    if has_several {
        map.serialize_entry("multiValueHeaders", &Several(headers))
    } else {
        Ok(())
    }
}

fn is_several(headers: &Headers, name: &str) -> bool {
    headers.values(name).nth(1).is_some()
}

/// Each header once, its values joined by commas; without cookies.
struct Joined<'a>(&'a Headers);

impl Serialize for Joined<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for name in self
            .0
            .names()
            .filter(|name| !name.eq_ignore_ascii_case(SET_COOKIE))
        {
            if is_several(self.0, name) {
                map.serialize_entry(name, &self.0.values(name).collect::<Vec<_>>().join(", "))?;
            } else {
                map.serialize_entry(name, &self.0.values(name).next())?;
            }
        }
        map.end()
    }
}

/// The headers that have one value.
struct Single<'a>(&'a Headers);

impl Serialize for Single<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.0.names().filter(|name| !is_several(self.0, name));
        serializer.collect_map(names.map(|name| (name, self.0.values(name).next())))
    }
}

/// The headers that have several values.
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
