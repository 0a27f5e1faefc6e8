//! The error lab: requests that go wrong, each in one way, and what there is to learn from them.
//! They are sent through the chain like every other request.

use axum::body::Bytes;
use axum::http::{HeaderValue, Request};
use http_body_util::Full;
use serde::Serialize;

use super::sender::{Sender, Sent};
use crate::experiment_core::{SLEEPING_CORE, THROTTLED_CORE, THROWING_CORE};
use crate::recorder::Announcement;

/// A body that the sample core answers.
const QUESTION: &str =
    r#"{"partner":"Apple","year":2023,"period":"Q1","question":"What was the revenue?"}"#;
/// An origin that no list of allowed origins has.
const UNLISTED_ORIGIN: &str = "https://elsewhere.example";
/// More than Lambda takes, and less than API Gateway takes, in bytes.
const TOO_LARGE: usize = 7 * 1024 * 1024;

/// A request of the error lab, as the page lists it.
#[derive(Debug, Serialize)]
pub(super) struct Experiment {
    pub name: &'static str,
    pub title: &'static str,
    /// What to learn, in two sentences.
    pub lesson: &'static str,
    #[serde(skip)]
    fault: Fault,
}

/// What is wrong with the request.
#[derive(Debug, Clone, Copy)]
enum Fault {
    ExpiredToken,
    AccessToken,
    OtherPool,
    ForgedClaims,
    UnlistedOrigin,
    Body(&'static str),
    TooLarge,
    /// Another function takes the place of core.
    Core(&'static str),
    WrongSignature,
}

pub(super) const EXPERIMENTS: [Experiment; 12] = [
    Experiment {
        name: "expired-token",
        title: "Expired token",
        lesson: "The authorizer refuses a token from the second of its exp on, so the edge and core never hear of it. Clients renew the ID token with the refresh token before that, and tell a 401 from a 403.",
        fault: Fault::ExpiredToken,
    },
    Experiment {
        name: "access-token",
        title: "Access token",
        lesson: "The HTTP API's authorizer lets an access token pass, because it looks at client_id where aud is missing. The edge refuses it, since an access token carries no e-mail address: send the ID token.",
        fault: Fault::AccessToken,
    },
    Experiment {
        name: "another-pool",
        title: "Another pool's token",
        lesson: "The token is well-formed and not expired, but its kid is no key of this pool, so nothing in it can be believed. Who issued a token is proved by the key, never by what the token says.",
        fault: Fault::OtherPool,
    },
    Experiment {
        name: "forged-claims",
        title: "Forged claims",
        lesson: "Somebody has added the group admins to a valid token; the signature no longer belongs to the claims. Anybody can read and change a token, which is why only claims that a verifier has checked may decide anything.",
        fault: Fault::ForgedClaims,
    },
    Experiment {
        name: "unlisted-origin",
        title: "Unlisted origin",
        lesson: "Before it sends JSON to another origin, a browser asks with OPTIONS; without access-control-allow-origin in the answer it sends nothing more. CORS protects users of browsers, not the API: curl is never stopped by it.",
        fault: Fault::UnlistedOrigin,
    },
    Experiment {
        name: "missing-field",
        title: "Missing field",
        lesson: "The edge checks REQUIRED_FIELDS before it invokes core, and names all missing fields at once. A 400 here costs milliseconds of the edge and nothing of core.",
        fault: Fault::Body(r#"{"partner":"Apple"}"#),
    },
    Experiment {
        name: "not-json",
        title: "Not JSON",
        lesson: "A comma too many makes the body no JSON; an HTTP API passes bodies on without looking at them. The edge answers 400 invalid_json, where core would have answered with a stack trace.",
        fault: Fault::Body(r#"{"partner":"Apple",}"#),
    },
    Experiment {
        name: "too-large",
        title: "Too large",
        lesson: "API Gateway takes 10 MB, but Lambda takes 6 MiB: between the two the API answers 413 itself. Upload large files to S3 and send the key of the object.",
        fault: Fault::TooLarge,
    },
    Experiment {
        name: "core-throws",
        title: "Core throws",
        lesson: "Lambda answers 200 with X-Amz-Function-Error when a function throws, which is easy to take for an answer. The edge makes a 502 core_error of it that names the error, while the stack trace stays in the log.",
        fault: Fault::Core(THROWING_CORE),
    },
    Experiment {
        name: "core-times-out",
        title: "Core times out",
        lesson: "Lambda ends a function at its time-out, wherever it is. Time-outs must grow from the inside out, core before edge before API, or the outer one answers first and nobody learns why.",
        fault: Fault::Core(SLEEPING_CORE),
    },
    Experiment {
        name: "core-throttled",
        title: "Core throttled",
        lesson: "Every environment of core is busy and no further one may start, so Lambda answers 429. The request has not reached core, so that the edge may try again without running core twice; then it answers 503 with Retry-After.",
        fault: Fault::Core(THROTTLED_CORE),
    },
    Experiment {
        name: "wrong-signature",
        title: "Wrong signature",
        lesson: "The client signed the request without its body, so that Lambda computes another canonical request than the client did. One line differs, and it tells what the client did otherwise.",
        fault: Fault::WrongSignature,
    },
];

impl Sender {
    /// Sends the request of an experiment.
    pub(super) async fn run(&self, experiment: &Experiment) -> Result<Sent, String> {
        let request = self.faulty(experiment.fault)?;
        let stand_in = match experiment.fault {
            Fault::Core(function) => Some(function),
            _ => None,
        };
        let announcement = Announcement {
            experiment: Some(experiment.name),
            stand_in,
            ..Announcement::default()
        };
        self.send(request, announcement).await
    }

    fn faulty(&self, fault: Fault) -> Result<Request<Full<Bytes>>, String> {
        let user = self.user.as_deref().ok_or(
            "there is no user who may sign in: start the stack with --user EMAIL:PASSWORD",
        )?;
        let no_token = || "no token could be made".to_owned();
        let valid = || {
            let tokens = self.pool.tokens_of(user);
            tokens.map(|tokens| tokens.id).ok_or_else(no_token)
        };
        match fault {
            Fault::ExpiredToken => {
                let token = self.pool.expired_id_token(user).ok_or_else(no_token)?;
                self.question(&token, QUESTION.into())
            }
            Fault::AccessToken => {
                let tokens = self.pool.tokens_of(user).ok_or_else(no_token)?;
                self.question(&tokens.access, QUESTION.into())
            }
            Fault::OtherPool => {
                let token = self.pool.id_token_of_another_pool(user);
                self.question(&token.ok_or_else(no_token)?, QUESTION.into())
            }
            Fault::ForgedClaims => {
                let token = self.pool.forged_id_token(user).ok_or_else(no_token)?;
                self.question(&token, QUESTION.into())
            }
            Fault::UnlistedOrigin => Request::options(self.api_url())
                .header("origin", UNLISTED_ORIGIN)
                .header("access-control-request-method", "POST")
                .header(
                    "access-control-request-headers",
                    "authorization,content-type",
                )
                .body(Full::default())
                .map_err(|error| error.to_string()),
            Fault::Body(body) => self.question(&valid()?, body.into()),
            Fault::TooLarge => {
                let body = format!(r#"{{"question":"{}"}}"#, "x".repeat(TOO_LARGE));
                self.question(&valid()?, body)
            }
            Fault::Core(_) => self.question(&valid()?, QUESTION.into()),
            Fault::WrongSignature => self.signed_without_body(),
        }
    }

    fn api_url(&self) -> String {
        format!("{}/inference", self.urls.http_api)
    }

    fn question(&self, token: &str, body: String) -> Result<Request<Full<Bytes>>, String> {
        Request::post(self.api_url())
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(Full::from(body))
            .map_err(|error| error.to_string())
    }

    fn signed_without_body(&self) -> Result<Request<Full<Bytes>>, String> {
        let url = format!("{}/", self.function_url("edge").unwrap_or_default());
        let headers = [("content-type", "application/json")];
        let method = axum::http::Method::POST;
        let signed = self.signer.request(method, &url, &headers, Bytes::new())?;
        let mut request = signed.map(|_| Full::from(QUESTION));
        request
            .headers_mut()
            .insert("accept", HeaderValue::from_static("application/json"));
        Ok(request)
    }
}
