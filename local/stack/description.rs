//! The descriptions of a running stack: the ready file for scripts, the configurations of the
//! console and the frontend, and the message after the start.

use std::net::IpAddr;

use serde_json::{Value, json};
use sigv4::Credentials;

use super::ports::Ports;
use super::template::{CORE, EDGE, EDGE_OPEN, EDGE_STREAM, REST_STAGE, ROUTE, STREAM_STAGE};
use crate::aws::{IDENTITY_POOL_ID, REGION, USER_POOL_CLIENT_ID, USER_POOL_ID};
use crate::cognito_identity::credentials_of_user;
use crate::cognito_idp::UserPool;
use crate::console::EntryPointUrls;
use crate::credentials::CredentialStore;

/// The URLs of the services.
#[derive(Debug)]
pub(super) struct Urls {
    /// The frontend, if one is served.
    pub web: Option<String>,
    pub console: String,
    pub api: String,
    pub user_pool: String,
    pub identity_pool: String,
    pub lambda: String,
    /// The function URL of the edge.
    pub edge_url: String,
    /// The function URL of the edge that verifies tokens itself.
    pub open_url: String,
    /// The function URL of the edge that streams.
    pub stream_url: String,
    /// The REST API with the stage that buffers.
    pub rest_api: String,
    /// The REST API with the stage that streams.
    pub stream_api: String,
}

impl Urls {
    /// The URLs of the services on these ports.
    pub(super) fn new(ports: &Ports) -> Self {
        Self {
            web: ports.web.as_ref().map(|port| port.url.clone()),
            console: ports.console.url.clone(),
            api: ports.api.url.clone(),
            user_pool: ports.user_pool.url.clone(),
            identity_pool: ports.identity_pool.url.clone(),
            lambda: ports.lambda.url.clone(),
            edge_url: ports.edge_url.url.clone(),
            open_url: ports.open_url.url.clone(),
            stream_url: ports.stream_url.url.clone(),
            rest_api: format!("{}/{REST_STAGE}", ports.rest_api.url),
            stream_api: format!("{}/{STREAM_STAGE}", ports.rest_api.url),
        }
    }

    /// The URLs to which the console sends requests.
    pub(super) fn entry_points(&self) -> EntryPointUrls {
        let rest_api = self
            .rest_api
            .strip_suffix(REST_STAGE)
            .unwrap_or(&self.rest_api);
        EntryPointUrls {
            http_api: self.api.clone(),
            rest_api: rest_api.trim_end_matches('/').to_owned(),
            lambda: self.lambda.clone(),
            function_urls: vec![
                (EDGE, self.edge_url.clone()),
                (EDGE_OPEN, self.open_url.clone()),
                (EDGE_STREAM, self.stream_url.clone()),
            ],
        }
    }

    /// The issuer of the user pool's tokens.
    pub(super) fn issuer(&self) -> String {
        format!("{}/{USER_POOL_ID}", self.user_pool)
    }
}

/// A user who can sign in, and what the stack knows of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownUser {
    pub username: String,
    pub sub: String,
    /// The password; `None` if only its SRP verifier is known.
    pub password: Option<String>,
}

/// The content of the ready file. Its tokens and user credentials are those of the first user.
pub(super) fn describe(
    urls: &Urls,
    pool: &UserPool,
    store: &CredentialStore,
    account_credentials: &Credentials,
    users: &[KnownUser],
) -> Value {
    let user = users.first();
    let tokens = user.and_then(|user| pool.tokens_of(&user.username));
    let usernames: Vec<_> = users.iter().map(|user| &user.username).collect();
    json!({
        "webUrl": urls.web,
        "consoleUrl": urls.console,
        "apiUrl": urls.api,
        "region": REGION,
        "userPoolId": USER_POOL_ID,
        "userPoolClientId": USER_POOL_CLIENT_ID,
        "userPoolEndpoint": urls.user_pool,
        "issuer": pool.issuer(),
        "identityPoolId": IDENTITY_POOL_ID,
        "identityPoolEndpoint": urls.identity_pool,
        "lambdaEndpoint": urls.lambda,
        "functions": { "edge": EDGE, "core": CORE },
        "functionUrl": urls.edge_url,
        "openFunctionUrl": urls.open_url,
        "streamFunctionUrl": urls.stream_url,
        "restApiUrl": urls.rest_api,
        "streamApiUrl": urls.stream_api,
        "user": user.map(|user| json!({ "username": user.username, "password": user.password })),
        "users": usernames,
        "idToken": tokens.as_ref().map(|tokens| &tokens.id),
        "accessToken": tokens.as_ref().map(|tokens| &tokens.access),
        "credentials": { "accessKeyId": account_credentials.access_key_id, "secretAccessKey": account_credentials.secret_access_key },
        "userCredentials": user.map(|user| user_credentials(store, user)),
    })
}

/// The credentials that the identity pool issues for the user, with which an app invokes functions
/// or calls a function URL.
fn user_credentials(store: &CredentialStore, user: &KnownUser) -> Value {
    let (identity_id, credentials) = credentials_of_user(store, &user.sub);
    let expiration = credentials
        .expiration
        .and_then(|at| jiff::Timestamp::try_from(at).ok());
    json!({
        "identityId": identity_id,
        "accessKeyId": credentials.access_key_id,
        "secretAccessKey": credentials.secret_access_key,
        "sessionToken": credentials.session_token,
        "expiration": expiration.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
    })
}

/// The members of the description that are credentials.
const SECRETS: [&str; 4] = ["credentials", "userCredentials", "idToken", "accessToken"];

/// The description for the console's page without tokens and credentials, because any page on this
/// machine can request it. If other machines can reach the stack, the password is left out as well.
pub(super) fn without_secrets(description: &Value, host: Option<IpAddr>) -> Value {
    let mut description = description.clone();
    if let Some(members) = description.as_object_mut() {
        members.retain(|name, _| !SECRETS.contains(&name.as_str()));
    }
    if is_open_to_others(host) && !description["user"].is_null() {
        description["user"]["password"] = Value::Null;
    }
    description
}

/// Whether other machines can reach the stack.
fn is_open_to_others(host: Option<IpAddr>) -> bool {
    host.is_some_and(|host| !host.is_loopback())
}

/// The content of `/config.json`, the frontend's configuration.
pub(super) fn frontend_configuration(urls: &Urls) -> String {
    let configuration = json!({
        "apiUrl": urls.api,
        "region": REGION,
        "userPoolId": USER_POOL_ID,
        "userPoolClientId": USER_POOL_CLIENT_ID,
        "userPoolEndpoint": urls.user_pool,
        "identityPoolId": IDENTITY_POOL_ID,
        "identityPoolEndpoint": urls.identity_pool,
        "streamApiUrl": urls.stream_api,
        "streamUrl": format!("{}/", urls.stream_url),
    });
    format!("{configuration:#}\n")
}

/// The message that is printed after the start.
pub(super) fn startup_message(urls: &Urls, description: &Value, host: Option<IpAddr>) -> String {
    let question =
        r#"{"partner":"Apple","year":2023,"period":"Q1","question":"What was the revenue?"}"#;
    let text = |pointer: &str| description.pointer(pointer).and_then(Value::as_str);
    let names = description["users"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let others: Vec<_> = names.iter().skip(1).filter_map(Value::as_str).collect();
    let user = text("/user/username").map_or_else(
        || "none who may sign in: --users has no confirmed user".to_owned(),
        |name| match text("/user/password") {
            Some(password) => format!("{name}, password {password}"),
            None => format!("{name}, whose password only the user knows"),
        },
    );
    let others = if others.is_empty() {
        String::new()
    } else {
        format!("\n  other users    {}", others.join(", "))
    };
    let token = text("/idToken").unwrap_or("<ID token>");
    let web = urls
        .web
        .as_ref()
        .map(|url| format!("\n  frontend       {url}"))
        .unwrap_or_default();
    let open = host
        .filter(|host| is_open_to_others(Some(*host)))
        .map(host_warning)
        .unwrap_or_default();
    let Urls {
        console,
        api,
        user_pool,
        identity_pool,
        lambda,
        edge_url,
        open_url,
        stream_url,
        rest_api,
        stream_api,
        ..
    } = urls;
    let blank = "";
    format!(
        "inference-edge runs\n\n  \
         console        {console}  (open it: every hop is shown there){web}\n  \
         API            {api}  ({ROUTE}, JWT authorizer)\n  \
         user pool      {user_pool}  (pool {USER_POOL_ID}, app client {USER_POOL_CLIENT_ID})\n  \
         identity pool  {identity_pool}  ({IDENTITY_POOL_ID})\n  \
         Lambda         {lambda}  (functions {EDGE}, {EDGE_OPEN}, {EDGE_STREAM}, {CORE})\n  \
         function URLs  {edge_url}  ({EDGE}: AWS_IAM)\n  \
                        {blank:13}  {open_url}  ({EDGE_OPEN}: NONE, bearer token)\n  \
                        {blank:13}  {stream_url}  ({EDGE_STREAM}: AWS_IAM, RESPONSE_STREAM)\n  \
         REST API       {rest_api}  (/inference, Cognito authorizer)\n  \
                        {blank:13}  {stream_api}  (the same with streamed answers)\n  \
         user           {user}{others}\n\n{open}\
         Try it:\n\n\
         curl -s {api}/inference \\\n  \
         -H 'Authorization: Bearer {token}' \\\n  \
         -H 'Content-Type: application/json' \\\n  \
         -d '{question}'\n\n\
         Ctrl-C stops everything.\n",
    )
}

/// The warning about what `--host` makes reachable.
fn host_warning(host: IpAddr) -> String {
    let who = match host {
        host if host.is_unspecified() => {
            "every machine and container that reaches this one".to_owned()
        }
        host => format!("everybody who reaches {host}"),
    };
    format!(
        "--host {host}: every port above answers {who}. They can try passwords, read requests and answers in the console, and \
         send requests to every service; nothing is encrypted. Use it in a network that you trust.\n\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_consoles_page_gets_no_token_no_credentials_and_to_other_machines_no_password() {
        let description = json!({
            "idToken": "t", "accessToken": "t", "credentials": {}, "userCredentials": {},
            "user": { "username": "ada@example.edu", "password": "p" }, "apiUrl": "http://localhost:4001",
        });
        for (host, password) in [
            (None, json!("p")),
            (Some("127.0.0.1"), json!("p")),
            (Some("0.0.0.0"), Value::Null),
        ] {
            let shown = without_secrets(
                &description,
                host.map(|host| host.parse().expect("an address")),
            );
            let user = json!({ "username": "ada@example.edu", "password": password });
            assert_eq!(
                shown,
                json!({ "user": user, "apiUrl": "http://localhost:4001" }),
                "{host:?}"
            );
        }
    }
}
