//! The template's streaming API: its routes, its authorizer, its integration and its time-outs.

use inference_edge::stack::{GATEWAY_RESPONSE_HEADERS, STREAM_CORE_TIMEOUT, STREAM_EDGE_TIMEOUT};
use serde_yaml_ng::Value;

use super::{at, reference, tagged, template};

const API: &str = "Resources.StreamRestApi.Properties";

#[test]
fn the_streaming_api_asks_for_a_token_on_each_route_but_a_preflights() {
    let template = template();
    let path = at(&template, &format!("{API}.DefinitionBody.paths"))["/inference"]
        .as_mapping()
        .expect("methods")
        .clone();
    let mut methods: Vec<_> = path.keys().filter_map(Value::as_str).collect();
    methods.sort_unstable();
    assert_eq!(methods, ["get", "options", "post"]);
    for (method, route) in &path {
        let wants_token = method != "options";
        assert_eq!(
            route.get("security").is_some(),
            wants_token,
            "{method:?}: {route:?}"
        );
        if wants_token {
            assert!(route["security"][0].get("UserPoolTokens").is_some());
        }
        let integration = &route["x-amazon-apigateway-integration"];
        assert_eq!(integration["type"], "aws_proxy", "{method:?}");
        assert_eq!(integration["responseTransferMode"], "STREAM", "{method:?}");
        let choice = tagged(&integration["uri"], "If");
        assert_eq!(
            (&choice[0], &choice[2]),
            (&"HasStreamApi".into(), &"".into())
        );
        let uri = tagged(&choice[1], "Sub").as_str().expect("a text");
        assert!(
            uri.ends_with("/2021-11-15/functions/${EdgeStream.Arn}/response-streaming-invocations"),
            "{uri}"
        );
    }
    let scheme = at(
        &template,
        &format!("{API}.DefinitionBody.components.securitySchemes.UserPoolTokens"),
    );
    assert_eq!(
        (&scheme["in"], &scheme["name"]),
        (&"header".into(), &"Authorization".into())
    );
    assert_eq!(
        scheme["x-amazon-apigateway-authorizer"]["type"],
        "cognito_user_pools"
    );
}

#[test]
fn answers_that_the_streaming_api_makes_itself_can_be_read_by_scripts() {
    let template = template();
    for kind in ["DEFAULT_4XX", "DEFAULT_5XX"] {
        let headers = at(
            &template,
            &format!("{API}.GatewayResponses.{kind}.ResponseParameters.Headers"),
        );
        assert_eq!(headers["Access-Control-Allow-Origin"], "'*'", "{kind}");
        let headers = headers.as_mapping().expect("headers").iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| {
                (
                    name.as_str().expect("a name"),
                    value.as_str().expect("a text"),
                )
            })
            .collect();
        assert_eq!(headers, GATEWAY_RESPONSE_HEADERS, "the local API's, {kind}");
    }
}

#[test]
fn the_streaming_api_is_regional_and_its_urls_have_its_stage() {
    let template = template();
    let api = at(&template, API);
    // An edge-optimised API would cut a stream that is silent for 30 s.
    assert_eq!(api["EndpointConfiguration"]["Type"], "REGIONAL");
    assert_eq!(api["StageName"], "stream");
    let url = tagged(at(&template, "Outputs.StreamApiUrl.Value"), "Sub");
    assert!(
        url.as_str().is_some_and(|url| url.ends_with("/stream")),
        "{url:?}"
    );
    let permission = at(
        &template,
        "Resources.StreamApiPermission.Properties.SourceArn",
    );
    let source = tagged(permission, "Sub").as_str().expect("a text");
    assert!(
        source.ends_with("${StreamRestApi}/stream/*/inference"),
        "{source}"
    );
}

#[test]
fn a_streaming_core_ends_before_the_edge_and_the_edge_before_the_api() {
    let template = template();
    let gateway = at(&template, &format!("{API}.DefinitionBody.paths"))["/inference"]["post"]
        ["x-amazon-apigateway-integration"]["timeoutInMillis"]
        .as_u64()
        .expect("milliseconds");
    let choices = at(&template, "Parameters.StreamTimeoutSeconds.AllowedValues");
    let choices = choices.as_sequence().expect("a list");
    let default = at(&template, "Parameters.StreamTimeoutSeconds.Default");
    assert!(choices.contains(default), "{default:?}");
    let of = at(&template, "Mappings.StreamTimeouts");
    assert_eq!(of.as_mapping().expect("rows").len(), choices.len());
    for choice in choices {
        // SAM CLI finds a text alone in the mapping.
        let text = choice.as_str().expect("a text");
        let seconds: u64 = text.parse().expect("a number");
        let row = &of[text];
        let [core, edge] = ["Core", "Edge"].map(|name| row[name].as_u64().expect("a number"));
        assert!(
            core < edge && edge < seconds && seconds * 1000 <= gateway,
            "{seconds}: {row:?}"
        );
    }
    let row = &of[default.as_str().expect("a text")];
    assert_eq!(
        (row["Edge"].as_u64(), row["Core"].as_u64()),
        (Some(STREAM_EDGE_TIMEOUT), Some(STREAM_CORE_TIMEOUT)),
        "the local stack's"
    );
    for (function, column) in [("EdgeStream", "Edge"), ("CoreStream", "Core")] {
        let timeout = at(
            &template,
            &format!("Resources.{function}.Properties.Timeout"),
        );
        let found = tagged(timeout, "FindInMap");
        assert_eq!(found[0], "StreamTimeouts");
        assert_eq!(reference(&found[1]), "StreamTimeoutSeconds");
        assert_eq!(found[2], column);
    }
}
