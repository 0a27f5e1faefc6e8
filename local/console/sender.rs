//! Sends requests through the chain on behalf of the page and of the command line: recorded ones
//! again, and those of the error lab.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body_util::Full;
use serde::Deserialize;
use std::collections::BTreeMap;

use crate::cognito_identity::credentials_of_user;
use crate::cognito_idp::{RenewedToken, UserPool};
use crate::credentials::CredentialStore;
use crate::http::HttpClient;
use crate::recorder::{Announcement, EntryPoint, Recorder, StoredRequest, trace_root};
use crate::signer::Signer;
use crate::trace;

/// The longest time to wait for a response: longer than every time-out of the chain.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The beginning of the `Authorization` of a signed request.
const SIGNED: &str = "AWS4-HMAC-SHA256";

/// The URLs of the entry points.
#[derive(Debug, Clone)]
pub(crate) struct EntryPointUrls {
    pub http_api: String,
    /// The REST API without its stage.
    pub rest_api: String,
    pub lambda: String,
    /// The name of each function with a URL, and the URL.
    pub function_urls: Vec<(&'static str, String)>,
}

/// What requests are sent with.
#[derive(Debug)]
pub(crate) struct Sender {
    pub urls: EntryPointUrls,
    pub store: CredentialStore,
    pub pool: UserPool,
    /// Signs as the account's own user.
    pub signer: Signer,
    /// The first user who may sign in.
    pub user: Option<String>,
    pub recorder: Recorder,
    pub http: HttpClient,
}

/// The parts of a recorded request that are replaced when it is sent again.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Changes {
    method: Option<String>,
    path: Option<String>,
    body: Option<String>,
    /// Headers to set, or with `null` to leave out.
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
}

/// A request to the edge that the page cannot sign itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SignedRequest {
    target: SignedTarget,
    body: String,
    /// The e-mail address of the user who signs; by default the first user.
    user: Option<String>,
}

/// The entry points that require a signature.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SignedTarget {
    Edge,
    EdgeStream,
    Invoke,
}

/// The record of a request that was sent.
#[derive(Debug, serde::Serialize)]
pub(super) struct Sent {
    pub id: u64,
    pub status: Option<u16>,
    /// What was sent otherwise than it was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Sender {
    /// Sends a recorded request again. A signed one is signed anew with the same credentials,
    /// because a signature is valid for five minutes, and a token that was valid then and has
    /// expired since is replaced.
    pub(super) async fn replay(&self, id: u64, changes: Changes) -> Result<Sent, String> {
        let stored = self
            .recorder
            .stored_request(id)
            .ok_or_else(|| format!("there is no record {id}"))?;
        let (request, note) = self.repeated(&stored, changes)?;
        let announcement = Announcement {
            replay_of: Some(id),
            ..Announcement::default()
        };
        let sent = self.send(request, announcement).await?;
        Ok(Sent { note, ..sent })
    }

    /// Sends a request to the edge, signed with the credentials that the identity pool issues for a
    /// user.
    pub(super) async fn send_signed(&self, signed: SignedRequest) -> Result<Sent, String> {
        let user = signed.user.as_deref().or(self.user.as_deref());
        let user = user.ok_or("there is no user who may sign in")?;
        let sub = self.pool.sub_of(user);
        let sub = sub.ok_or_else(|| format!("there is no user {user}"))?;
        let (_, credentials) = credentials_of_user(&self.store, &sub);
        let function_url = |name| format!("{}/", self.function_url(name).unwrap_or_default());
        let url = match signed.target {
            SignedTarget::Edge => function_url("edge"),
            SignedTarget::EdgeStream => function_url("edge-stream"),
            SignedTarget::Invoke => {
                format!("{}/2015-03-31/functions/edge/invocations", self.urls.lambda)
            }
        };
        let headers = [("content-type", "application/json")];
        let request = Signer::new(credentials).post(&url, &headers, signed.body.into())?;
        self.send(request, Announcement::default()).await
    }

    fn repeated(
        &self,
        stored: &StoredRequest,
        changes: Changes,
    ) -> Result<(Request<Full<Bytes>>, Option<String>), String> {
        if stored.is_truncated && changes.body.is_none() {
            return Err("its body is larger than what a record keeps".to_owned());
        }
        let method = match changes.method {
            Some(name) => Method::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?,
            None => stored.method.clone(),
        };
        let path = changes.path.as_deref().unwrap_or(&stored.path);
        if !path.starts_with('/') {
            return Err(format!("the path {path} must begin with /"));
        }
        let url = format!("{}{path}", self.base(stored)?);
        let body = changes.body.map_or(stored.body.clone(), Bytes::from);
        let mut headers = with_changes(&stored.headers, &changes.headers)?;
        let note = self.renew_token(stored, &mut headers);
        let signer = headers
            .get("authorization")
            .and_then(|value| value.to_str().ok())
            .and_then(|value| self.signer_of(value));
        let mut request = match signer {
            Some(signer) => {
                let signed: Vec<_> = headers
                    .iter()
                    .filter(|(name, _)| {
                        *name != "authorization" && !name.as_str().starts_with("x-amz-")
                    })
                    .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
                    .collect();
                signer.request(method, &url, &signed, body)?
            }
            None => Request::builder()
                .method(method)
                .uri(url)
                .body(Full::new(body))
                .map_err(|error| error.to_string())?,
        };
        for (name, value) in &headers {
            if !request.headers().contains_key(name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        Ok((request, note))
    }

    /// Replaces the token of a request if it was valid when the request was recorded and has expired
    /// since; returns what to say about it.
    fn renew_token(&self, stored: &StoredRequest, headers: &mut HeaderMap) -> Option<String> {
        let recorded = stored.headers.get(AUTHORIZATION)?;
        let sent = headers.get_mut(AUTHORIZATION)?;
        if sent != recorded {
            return None;
        }
        let text = recorded.to_str().ok()?;
        let (scheme, token) = text.rsplit_once(' ').unwrap_or(("", text));
        let recorded_at = u64::try_from(stored.at / 1000).ok()?;
        let RenewedToken { token, kind, email } = self.pool.renewed(token, recorded_at)?;
        *sent = HeaderValue::from_str(format!("{scheme} {token}").trim_start()).ok()?;
        Some(format!(
            "the {kind} of {email} has expired since #{}: a new one of the same user was sent",
            stored.id
        ))
    }

    fn base(&self, stored: &StoredRequest) -> Result<&str, String> {
        Ok(match stored.entry_point {
            EntryPoint::HttpApi => &self.urls.http_api,
            EntryPoint::RestApi => &self.urls.rest_api,
            EntryPoint::Invoke => &self.urls.lambda,
            EntryPoint::FunctionUrl => {
                let function = stored.function.as_deref().unwrap_or_default();
                self.function_url(function)
                    .ok_or_else(|| format!("{function} has no URL"))?
            }
        })
    }

    pub(super) fn function_url(&self, function: &str) -> Option<&str> {
        let known = |(name, _): &&(&str, String)| *name == function;
        let found = self.urls.function_urls.iter().find(known);
        found.map(|(_, url)| url.as_str())
    }

    /// Signs with the credentials that an `Authorization` header names, if it is a signature and
    /// they are known.
    fn signer_of(&self, authorization: &str) -> Option<Signer> {
        let credential = authorization
            .strip_prefix(SIGNED)?
            .split("Credential=")
            .nth(1)?;
        let id = credential.split('/').next()?;
        let issued = self.store.find(id)?;
        Some(Signer::new(issued.credentials))
    }

    /// Sends a request and finds its record.
    pub(super) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        announcement: Announcement,
    ) -> Result<Sent, String> {
        let trace = trace::new_root();
        let root = trace_root(&trace).to_owned();
        let header = HeaderValue::from_str(&trace).map_err(|error| error.to_string())?;
        request.headers_mut().insert("x-amzn-trace-id", header);
        self.recorder.announce(&root, announcement);
        let answer = self.http.send(request, TIMEOUT).await;
        self.recorder.forget_announcement(&root);
        let status = match answer {
            Ok(answer) => Some(answer.status.as_u16()),
            Err(_) => None,
        };
        let id = self.recorder.ids_of_trace(&root).last().copied();
        let id = id.ok_or("the request left no record")?;
        Ok(Sent {
            id,
            status,
            note: None,
        })
    }
}

/// The headers of a recorded request with changes, without those that belong to its connection or
/// to its trace. A change to a value from which a signature was removed keeps what was recorded.
fn with_changes(
    recorded: &HeaderMap,
    changes: &BTreeMap<String, Option<String>>,
) -> Result<HeaderMap, String> {
    const LEFT_OUT: [&str; 6] = [
        "host",
        "content-length",
        "connection",
        "transfer-encoding",
        "x-amzn-trace-id",
        "expect",
    ];
    let mut headers = recorded.clone();
    for (name, value) in changes {
        let name = HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes())
            .map_err(|_| format!("{name} is no name of a header"))?;
        match value {
            Some(value) if value.contains(" removed]") => {}
            Some(value) => {
                let value = HeaderValue::from_str(value)
                    .map_err(|_| format!("the value of the header {name} is not valid"))?;
                headers.insert(name, value);
            }
            None => drop(headers.remove(name)),
        }
    }
    for name in LEFT_OUT {
        headers.remove(name);
    }
    Ok(headers)
}
