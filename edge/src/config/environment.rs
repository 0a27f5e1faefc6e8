//! Reads single variables and collects their problems; knows no variable by name.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::ConfigError;

/// A look-up of variables that collects every problem.
pub struct Environment<'a> {
    look_up: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl<'a> Environment<'a> {
    pub fn new(look_up: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            look_up,
            problems: Vec::new(),
        }
    }

    /// Gives `config` if there was no problem.
    pub fn finish<T>(self, config: T) -> Result<T, ConfigError> {
        if self.problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError(self.problems))
        }
    }

    /// Keeps a problem, which [`Environment::finish`] reports with all others.
    pub fn problem(&mut self, text: impl Into<String>) {
        self.problems.push(text.into());
    }

    /// The trimmed value of a variable; a blank value counts as unset.
    pub fn value(&self, name: &str) -> Option<String> {
        let value = (self.look_up)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// A variable that must be set.
    pub fn required(
        &mut self,
        name: &str,
        what: &str,
        parse: fn(String) -> Result<String, String>,
    ) -> String {
        let Some(value) = self.value(name) else {
            self.problem(format!("{name} is not set: give it {what}"));
            return String::new();
        };
        parse(value.clone()).unwrap_or_else(|why| {
            self.problem(format!("{name}: `{value}`: {why}"));
            String::new()
        })
    }

    /// A comma-separated list; the default where the variable is unset, an empty list where it is
    /// set to nothing.
    pub fn list<T>(
        &mut self,
        name: &str,
        default: &str,
        parse: impl Fn(String) -> Result<T, String>,
    ) -> Vec<T> {
        let written = (self.look_up)(name).unwrap_or_else(|| default.to_owned());
        let mut items = Vec::new();
        let written = written.split(',').map(str::trim);
        for (at, item) in written.filter(|item| !item.is_empty()).enumerate() {
            match parse(item.to_owned()) {
                Ok(item) => items.push(item),
                // E-mail addresses are never logged.
                Err(why) if item.contains('@') => {
                    self.problem(format!("{name}: entry {}: {why}", at + 1));
                }
                Err(why) => self.problem(format!("{name}: `{item}`: {why}")),
            }
        }
        items
    }

    /// One of several words, in any case.
    pub fn choice<T: Copy>(&mut self, name: &str, words: &[(&str, T)], default: T) -> T {
        let Some(value) = self.value(name) else {
            return default;
        };
        match words
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(&value))
        {
            Some((_, meaning)) => *meaning,
            None => {
                let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                self.problem(format!("{name}: `{value}`: write {}", words.join(" or ")));
                default
            }
        }
    }

    /// A whole number of seconds within a range.
    pub fn seconds(&mut self, name: &str, range: RangeInclusive<u64>) -> Option<Duration> {
        let value = self.value(name)?;
        match value.parse::<u64>() {
            Ok(seconds) if range.contains(&seconds) => Some(Duration::from_secs(seconds)),
            _ => {
                let (least, most) = (range.start(), range.end());
                self.problem(format!(
                    "{name}: `{value}`: write a whole number of seconds from {least} to {most}"
                ));
                None
            }
        }
    }

    /// A positive whole number of milliseconds.
    pub fn millis(&mut self, name: &str) -> Option<Duration> {
        let value = self.value(name)?;
        match value.parse::<u64>() {
            Ok(millis) if millis > 0 => Some(Duration::from_millis(millis)),
            _ => {
                self.problem(format!(
                    "{name}: `{value}`: write a whole number of milliseconds, 1 or more"
                ));
                None
            }
        }
    }
}
