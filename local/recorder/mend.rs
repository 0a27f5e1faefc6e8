//! What to do about a request that was stopped, for each rule that stops one.

use serde_json::Value;

use super::facts::Rule;
use super::record::EntryPoint;
use crate::jwt::TokenCheck;

/// What to do about a token that does not pass a check of an authorizer.
pub(super) fn token(check: TokenCheck) -> &'static str {
    match check {
        TokenCheck::Present => {
            "Sign in, and send the ID token in the header: Authorization: Bearer <ID token>."
        }
        TokenCheck::Form => {
            "Send the token as Cognito issued it: three parts with dots between, nothing added and nothing cut off."
        }
        TokenCheck::Algorithm => "Send a token of the user pool: it signs with RS256.",
        TokenCheck::Key => {
            "Sign in again: the user pool has no such key. The stack makes new keys at each start, and another pool has other keys."
        }
        TokenCheck::Signature => {
            "Send the token unchanged: its claims are not those that the user pool has signed."
        }
        TokenCheck::Issuer => {
            "Sign in at this user pool: iss must be the issuer of the API's authorizer."
        }
        TokenCheck::Audience => {
            "Sign in with this app client: aud must be the client id of the API's authorizer."
        }
        TokenCheck::Expiry => {
            "Get a new token: with the refresh token, or by signing in. Clients like Amplify do it by themselves before exp."
        }
        TokenCheck::NotBefore | TokenCheck::IssuedAt => {
            "Set the clock of the machine that issued the token: it is ahead."
        }
        TokenCheck::Use => {
            "Send the ID token, not the access token: this API's methods have no scopes."
        }
        TokenCheck::Scope => "Ask for one of the route's scopes when you sign in.",
        TokenCheck::KeysAvailable => {
            "Check that the user pool answers: its keys could not be fetched."
        }
    }
}

/// What to do about a request that a service refused.
pub(super) fn refusal(rule: Rule, entry_point: EntryPoint) -> &'static str {
    match (rule, entry_point) {
        (Rule::Route, EntryPoint::RestApi) => {
            "Use the path with the stage: /prod/inference, by GET or POST. For any other, a REST API says \"Missing Authentication Token\"."
        }
        (Rule::Route, _) => "Use a route that the API has: POST /inference.",
        (Rule::Size, _) => {
            "Send less: Lambda takes 6 MiB, API Gateway 10 MB and, in an HTTP API, 10,240 bytes of headers. Put large files into S3 and send their key."
        }
        (Rule::Form, _) => "Correct the request as the message says.",
        (Rule::Signature, _) => {
            "Sign exactly what is sent, for the service lambda and the region of the stack, with credentials of this run: the keys in the ready file are new at each start."
        }
        (Rule::Permission, _) => {
            "Use credentials that may invoke the function: those of a signed-in user of the identity pool, or the account's own."
        }
        (Rule::Concurrency, _) => {
            "Try again later, or raise the function's reserved concurrency (here --core-concurrency)."
        }
        (Rule::Response, _) => {
            "See what the function returned: an API takes {\"statusCode\", \"headers\", \"body\"} or any other JSON, and no function error."
        }
        (Rule::TimeOut, _) => {
            "Answer sooner than the integration's time-out (30 s in an HTTP API, 29 s in a REST API), or stream by a function URL."
        }
    }
}

/// What to do about an error of the edge, by its code.
pub(super) fn edge(code: &str, body: &Value) -> String {
    let text = match code {
        "missing_fields" => {
            let fields: Vec<_> = body["fields"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            // A function error has only the message.
            let message = body["errorMessage"].as_str().unwrap_or_default();
            let fields = match message.strip_prefix("Missing fields: ") {
                Some(named) => named.to_owned(),
                None => fields.join(", "),
            };
            return format!("Give {fields} a value.");
        }
        "missing_body" => "Send a JSON object as the body.",
        "invalid_json" => {
            "Correct the JSON: look for a missing quote or a comma too many near its end."
        }
        "not_an_object" => "Send an object: { … }.",
        "unauthorized" => {
            "Send credentials that carry a user: an ID token, or credentials of the identity pool. Nothing about this caller was verified."
        }
        "forbidden" => {
            "Send the ID token, not the access token (TOKEN_USE), as a user who is in ALLOWED_GROUPS or ALLOWED_EMAILS."
        }
        "not_found" => "Use a path of ROUTES.",
        "method_not_allowed" => "Use a method of ALLOWED_METHODS.",
        "request_too_large" => "Send less: Lambda takes 6 MiB together with the caller's identity.",
        "issuer_unreachable" => {
            "Check JWT_ISSUER: the keys of the tokens' issuer could not be fetched."
        }
        "core_not_found" => "Check TARGET_LAMBDA_NAME: there is no function of this name.",
        "core_access_denied" => {
            "Let the edge's role invoke core: lambda:InvokeFunction on its ARN."
        }
        "core_throttled" => {
            "Try again after Retry-After, or raise core's reserved concurrency (here --core-concurrency): every environment is busy."
        }
        "core_timed_out" => {
            "Make core faster, stream its answer, or raise the time-outs in their order: core, CORE_TIMEOUT_MS, edge, API."
        }
        "core_unreachable" => "Check AWS_ENDPOINT_URL_LAMBDA: Lambda did not respond.",
        "core_error" => "Correct core: its own error and its log below say where it failed.",
        "core_answer_too_large" => {
            "Return less than 6 MB from core, stream it, or return the key of an object in S3."
        }
        _ => "See the message and the log of the edge.",
    };
    text.to_owned()
}

/// What to do about a response that a browser does not let the page read.
pub(super) fn origin(origin: &str) -> String {
    format!("Add {origin} to ALLOWED_ORIGINS: scheme, host and port, without a slash at the end.")
}
