//! What the stack tells of itself: to scripts, to the console's page, and to the person who started it.

use serde_json::{Value, json};

use super::ports::Ports;
use super::{CORE, EDGE, EDGE_OPEN, EDGE_STREAM, ROUTE};
use crate::apigateway::STAGE;
use crate::cognito_identity::IDENTITY_POOL_ID;
use crate::cognito_idp::{CLIENT_ID, POOL_ID, UserPool};
use crate::credentials::Credentials;
use crate::lambda::REGION;

/// Where the rooms are.
#[derive(Debug)]
pub struct Urls {
    /// The frontend, where one is served.
    pub web: Option<String>,
    /// The console.
    pub console: String,
    /// The API.
    pub api: String,
    /// The user pool.
    pub user_pool: String,
    /// The identity pool.
    pub identity_pool: String,
    /// Lambda.
    pub lambda: String,
    /// The function URL of the edge.
    pub edge_url: String,
    /// The function URL of the edge that verifies tokens itself.
    pub open_url: String,
    /// The function URL of the edge that streams.
    pub stream_url: String,
    /// The REST API, with its stage.
    pub rest_api: String,
}

impl Urls {
    /// The URLs of what will answer at these ports.
    pub fn of(ports: &Ports) -> Self {
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
            rest_api: format!("{}/{STAGE}", ports.rest_api.url),
        }
    }

    /// The issuer of the user pool's tokens.
    pub fn issuer(&self) -> String {
        format!("{}/{POOL_ID}", self.user_pool)
    }
}

/// Everything a script needs to know.
pub fn describe(urls: &Urls, pool: &UserPool, credentials: &Credentials, user: Option<&(String, String)>) -> Value {
    let id_token = user.and_then(|(username, _)| pool.tokens_of(username)).map(|tokens| tokens.id);
    json!({
        "webUrl": urls.web,
        "consoleUrl": urls.console,
        "apiUrl": urls.api,
        "region": REGION,
        "userPoolId": POOL_ID,
        "userPoolClientId": CLIENT_ID,
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
        "user": user.map(|(username, password)| json!({ "username": username, "password": password })),
        "idToken": id_token,
        "credentials": {
            "accessKeyId": credentials.access_key_id,
            "secretAccessKey": credentials.secret_access_key,
        },
    })
}

/// What the console's page may know: any page on this machine can ask for it.
pub fn without_secrets(description: &Value) -> Value {
    let mut description = description.clone();
    if let Some(members) = description.as_object_mut() {
        members.remove("credentials");
        members.remove("idToken");
    }
    description
}

/// What is printed for the person who started the stack.
pub fn welcome(urls: &Urls, description: &Value) -> String {
    let question = r#"{"partner":"Apple","year":2023,"period":"Q1","question":"What was the revenue?"}"#;
    let text = |pointer: &str| description.pointer(pointer).and_then(Value::as_str);
    let user = match (text("/user/username"), text("/user/password")) {
        (Some(name), Some(password)) => format!("{name}, password {password}"),
        _ => "as you told".to_owned(),
    };
    let token = text("/idToken").unwrap_or("<ID token>");
    let web = urls.web.as_ref().map(|url| format!("\n  frontend       {url}")).unwrap_or_default();
    let Urls { console, api, user_pool, identity_pool, lambda, edge_url, open_url, stream_url, rest_api, .. } = urls;
    let blank = "";
    format!(
        "inference-edge runs\n\n  \
         console        {console}  (open it: every hop is shown there){web}\n  \
         API            {api}  ({ROUTE}, JWT authorizer)\n  \
         user pool      {user_pool}  (pool {POOL_ID}, app client {CLIENT_ID})\n  \
         identity pool  {identity_pool}  ({IDENTITY_POOL_ID})\n  \
         Lambda         {lambda}  (functions {EDGE}, {EDGE_OPEN}, {EDGE_STREAM}, {CORE})\n  \
         function URLs  {edge_url}  ({EDGE}: AWS_IAM)\n  \
                        {blank:13}  {open_url}  ({EDGE_OPEN}: NONE, bearer token)\n  \
                        {blank:13}  {stream_url}  ({EDGE_STREAM}: AWS_IAM, RESPONSE_STREAM)\n  \
         REST API       {rest_api}  (/inference, Cognito authorizer)\n  \
         user           {user}\n\n\
         Try it:\n\n\
         curl -s {api}/inference \\\n  \
         -H 'Authorization: Bearer {token}' \\\n  \
         -H 'Content-Type: application/json' \\\n  \
         -d '{question}'\n\n\
         Ctrl-C stops everything.\n",
    )
}
