//! The request headers of an event.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::json::{self, Object};

/// The request's headers, whose names may be in any case and whose values may be single or, in
/// payload 1.0, lists.
pub struct Headers<'e> {
    single: Object<'e>,
    multi: Object<'e>,
}

impl<'e> Headers<'e> {
    /// Reads `headers` and `multiValueHeaders`.
    pub fn of(event: &Object<'e>) -> Self {
        Self {
            single: event.object("headers").unwrap_or_default(),
            multi: event.object("multiValueHeaders").unwrap_or_default(),
        }
    }

    /// The value of a header; the last one where there are several.
    pub fn get(&self, name: &str) -> Option<Cow<'e, str>> {
        let text = |written: &'e str| json::string(written).filter(|text| !text.is_empty());
        self.single
            .raw_text_ignoring_case(name)
            .and_then(text)
            .or_else(|| {
                let values: Vec<&'e RawValue> =
                    serde_json::from_str(self.multi.raw_text_ignoring_case(name)?).ok()?;
                values.last().and_then(|raw| text(raw.get()))
            })
    }

    /// The last address in `x-forwarded-for`.
    pub fn last_forwarded_for(&self) -> Option<Cow<'e, str>> {
        let chain = self.get("x-forwarded-for")?;
        let last = chain.rsplit(',').next().map(str::trim)?;
        (!last.is_empty()).then(|| Cow::Owned(last.to_owned()))
    }
}
