//! The headers of a response, in order; names are compared without regard to case.

use std::borrow::Cow;

/// Header names and values; a name may occur more than once.
#[derive(Debug, Default)]
pub struct Headers(Vec<(Cow<'static, str>, Cow<'static, str>)>);

impl Headers {
    /// Gives a header one value, in place of those that it has.
    pub fn set(&mut self, name: &'static str, value: impl Into<Cow<'static, str>>) {
        self.0
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.0.push((Cow::Borrowed(name), value.into()));
    }

    /// Adds a value to those that a header has.
    pub fn add(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Cow<'static, str>>) {
        self.0.push((name.into(), value.into()));
    }

    /// Whether there is such a header.
    pub fn has(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// The first value of a header.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Every pair, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// Every name once, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let is_first = |at: usize, name: &str| {
            !self.0[..at]
                .iter()
                .any(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        self.0
            .iter()
            .enumerate()
            .filter(move |(at, (name, _))| is_first(*at, name))
            .map(|(_, (name, _))| name.as_ref())
    }

    /// All values of a header, in order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + Clone {
        self.0
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_ref())
    }
}
