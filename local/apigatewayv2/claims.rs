//! Renders a token's claims as an HTTP API passes them to the integration: each as a string, arrays
//! in the form of Go's `%v`.

use serde_json::{Map, Value};

/// Renders every claim and leaves out those that are `null`.
pub(super) fn render(claims: &Map<String, Value>) -> Map<String, Value> {
    let rendered =
        |(name, value): (&String, &Value)| Some((name.clone(), Value::String(text(value)?)));
    claims.iter().filter_map(rendered).collect()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        other => Some(go_format(other)),
    }
}

fn go_format(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(word) => word.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(go_format).collect::<Vec<_>>().join(" ")
        ),
        Value::Object(members) => {
            let mut pairs: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{name}:{}", go_format(value)))
                .collect();
            pairs.sort();
            format!("map[{}]", pairs.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn claims_are_rendered_as_api_gateway_renders_them() {
        let claims = json!({
            "sub": "u", "exp": 1747603158, "email_verified": true, "cognito:groups": ["admin", "poweruser"], "one": ["a"],
            "none": [], "absent": null, "identities": [{ "providerName": "Google", "dateCreated": "1" }]
        });
        insta::assert_snapshot!(Value::Object(render(claims.as_object().expect("an object"))), @r#"{"cognito:groups":"[admin poweruser]","email_verified":"true","exp":"1747603158","identities":"[map[dateCreated:1 providerName:Google]]","none":"[]","one":"[a]","sub":"u"}"#);
    }
}
