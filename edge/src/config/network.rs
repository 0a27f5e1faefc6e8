//! Where the edge connects to, and how: the Runtime API, trust anchors, and a proxy.

use hyper::Uri;
use lambda_client::{Proxy, Roots};

use super::environment::Environment;
use crate::runtime_api::RuntimeApi;

pub fn runtime_api(env: &mut Environment) -> Option<RuntimeApi> {
    let value = env.value("AWS_LAMBDA_RUNTIME_API")?;
    let parsed = RuntimeApi::parse(&value);
    let api = parsed
        .map_err(|why| env.problem(format!("AWS_LAMBDA_RUNTIME_API: `{value}`: {why}")))
        .ok()?;
    // Lambda sets these two; what is no number above 0 counts as 1, as in lambda_runtime.
    let max_concurrency = env
        .value("AWS_LAMBDA_MAX_CONCURRENCY")
        .and_then(|number| number.parse().ok())
        .unwrap_or(1)
        .max(1);
    let is_snap_start =
        env.value("AWS_LAMBDA_INITIALIZATION_TYPE").as_deref() == Some("snap-start");
    Some(RuntimeApi {
        max_concurrency,
        is_snap_start,
        ..api
    })
}

/// The trust anchors for Lambda's endpoint. AWS's own endpoints have certificates of Amazon, except
/// in partitions of their own; other endpoints may have any.
pub fn roots(env: &Environment) -> Roots {
    let has_own_authorities = |region: String| {
        region.starts_with("cn-") || region.starts_with("eusc-") || region.contains("-iso")
    };
    let is_other_partition = env.value("AWS_REGION").is_some_and(has_own_authorities);
    let is_other_endpoint = lambda_endpoint(env).is_some_and(|url| !url.starts_with("http://"));
    let names_authorities = env
        .value("SSL_CERT_FILE")
        .or_else(|| env.value("SSL_CERT_DIR"))
        .is_some();
    if is_other_partition || is_other_endpoint || names_authorities {
        named_roots(env)
    } else {
        Roots::Amazon
    }
}

/// The trust anchors that the environment names, or the system's.
pub fn named_roots(env: &Environment) -> Roots {
    match (env.value("SSL_CERT_FILE"), env.value("SSL_CERT_DIR")) {
        (Some(file), None) => Roots::File(file.into()),
        _ => Roots::System,
    }
}

/// The endpoint that takes the place of AWS's own.
fn lambda_endpoint(env: &Environment) -> Option<String> {
    env.value("AWS_ENDPOINT_URL_LAMBDA")
        .or_else(|| env.value("AWS_ENDPOINT_URL"))
}

/// The proxy for connections with TLS. The names are written in lower case too, as for other
/// programs.
pub fn proxy(env: &mut Environment) -> Proxy {
    let no_proxy = in_either_case(env, "NO_PROXY").unwrap_or_default();
    let Some(url) = in_either_case(env, "HTTPS_PROXY") else {
        return Proxy::default();
    };
    Proxy::parse(&url, &no_proxy).unwrap_or_else(|how| {
        env.problem(format!("HTTPS_PROXY: {how}"));
        Proxy::default()
    })
}

/// Refuses a proxy for an endpoint without TLS, which would have to be sent whole requests instead
/// of being asked for a tunnel. Loopback is never reached by a proxy.
pub fn refuse_http_proxy(env: &mut Environment) {
    let Some(endpoint) = lambda_endpoint(env) else {
        return;
    };
    let Some(url) = in_either_case(env, "HTTP_PROXY") else {
        return;
    };
    let no_proxy = in_either_case(env, "NO_PROXY").unwrap_or_default();
    let is_for_endpoint = Proxy::parse(&url, &no_proxy)
        .is_ok_and(|proxy| endpoint.parse::<Uri>().is_ok_and(|uri| proxy.is_for(&uri)));
    if is_for_endpoint && !jws::is_https_or_loopback(&endpoint) {
        env.problem(format!(
            "HTTP_PROXY is set, and the endpoint `{endpoint}` has no TLS: the edge reaches only https:// by a \
             proxy: name the endpoint's host in NO_PROXY, or leave HTTP_PROXY unset"
        ));
    }
}

fn in_either_case(env: &Environment, name: &str) -> Option<String> {
    env.value(name)
        .or_else(|| env.value(&name.to_ascii_lowercase()))
}
