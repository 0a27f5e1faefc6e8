//! Cores within the test, and an edge before them.

use edge::config::Config;
use edge::error::EdgeError;
use edge::pipeline::Settings;
use edge::stages::invoke::{Call, CoreReply, CoreStream, InvokeCore};

/// A core that gives back what it gets; one that gives always the same is `Some`.
pub struct Core(pub Option<&'static str>);

impl InvokeCore for Core {
    async fn invoke(&self, call: Call<'_>) -> Result<CoreReply, EdgeError> {
        let payload = self
            .0
            .map_or(call.enriched.payload, |text| text.as_bytes().to_vec());
        Ok(CoreReply {
            payload,
            is_function_error: false,
        })
    }

    async fn invoke_streamed(&self, _: Call<'_>) -> Result<CoreStream, EdgeError> {
        unreachable!("nothing streams here")
    }
}

/// The settings that these variables give; core's name and no required fields are added.
pub fn settings(variables: &[(&str, &str)]) -> Settings {
    configuration(variables).settings
}

/// The configuration that these variables give; core's name and no required fields are added.
pub fn configuration(variables: &[(&str, &str)]) -> Config {
    let config = Config::read(|name| {
        let known = variables.iter().find(|(known, _)| *known == name);
        known
            .map(|(_, value)| (*value).to_owned())
            .or_else(|| match name {
                "TARGET_LAMBDA_NAME" => Some("core".to_owned()),
                "REQUIRED_FIELDS" => Some(String::new()),
                _ => None,
            })
    });
    config.expect("a configuration")
}
