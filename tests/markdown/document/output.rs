//! Compares what a document shows with what was printed.

use serde_json::Value;

/// Whether a JSON value is as shown, where `…` in a string stands for any text.
pub fn fits(shown: &Value, printed: &Value) -> bool {
    match (shown, printed) {
        (Value::String(shown), Value::String(printed)) => glob(shown, printed),
        (Value::Array(shown), Value::Array(printed)) => {
            shown.len() == printed.len()
                && shown
                    .iter()
                    .zip(printed)
                    .all(|(shown, printed)| fits(shown, printed))
        }
        (Value::Object(shown), Value::Object(printed)) => {
            let fits_member = |(name, shown): (&String, &Value)| {
                printed
                    .get(name)
                    .is_some_and(|printed| fits(shown, printed))
            };
            shown.len() == printed.len() && shown.iter().all(fits_member)
        }
        (shown, printed) => shown == printed,
    }
}

/// Whether a text is as shown, where `…` stands for any text.
pub fn glob(shown: &str, printed: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = printed.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let Some(last) = shown
        .contains('…')
        .then(|| parts.next_back().unwrap_or_default())
    else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_stand_for_any_text_and_nothing_else_does() {
        for (shown, printed, is_same) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a…", "abc", true),
            ("…c", "abc", true),
            ("a…c", "abc", true),
            ("a…c", "abd", false),
            ("a…b…c", "a1b2c", true),
            ("a…b…c", "a1c2b", false),
            ("aa…aa", "aaa", false),
        ] {
            assert_eq!(glob(shown, printed), is_same, "{shown} {printed}");
        }
    }
}
