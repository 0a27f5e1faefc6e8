//! The documents in which a verifier finds the pool's keys: the OpenID Connect discovery document
//! and the JWK set. The document names the OAuth endpoints as Cognito's does; they are refused by
//! name.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::Inner;
use crate::aws::USER_POOL_ID;
use crate::http::json as json_response;

/// Whether the path is one of the hosted sign-in page or of its OAuth endpoints.
pub(super) fn is_hosted(path: &str) -> bool {
    let path = path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(USER_POOL_ID))
        .unwrap_or(path);
    ["/oauth2/", "/login", "/logout", "/signup"]
        .iter()
        .any(|hosted| path.starts_with(hosted))
}

/// The response at such a path.
pub(super) fn not_hosted() -> Response {
    let text = "The hosted sign-in page and its OAuth endpoints are not part of the local stack: sign in by USER_SRP_AUTH";
    let body = json!({ "error": "unsupported_operation", "error_description": text });
    json_response(StatusCode::NOT_IMPLEMENTED, body.to_string())
}

pub(super) fn document(pool: &Inner, path: &str) -> Response {
    let issuer = &pool.issuer;
    let name = path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(USER_POOL_ID));
    let document = match name {
        Some("/.well-known/jwks.json") => pool.keys.jwks(),
        Some("/.well-known/openid-configuration") => json!({
            "authorization_endpoint": format!("{issuer}/oauth2/authorize"),
            "id_token_signing_alg_values_supported": ["RS256"],
            "issuer": issuer,
            "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
            "response_types_supported": ["code", "token"],
            "scopes_supported": ["openid", "email", "phone", "profile"],
            "subject_types_supported": ["public"],
            "token_endpoint": format!("{issuer}/oauth2/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "userinfo_endpoint": format!("{issuer}/oauth2/userInfo"),
        }),
        _ => return json_response(StatusCode::NOT_FOUND, r#"{"message":"Not Found"}"#),
    };
    json_response(StatusCode::OK, document.to_string())
}
