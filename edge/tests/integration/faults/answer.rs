//! What the caller reads, from what the edge posts to the Runtime API or gives back in this
//! process.

use std::fmt;

use edge::pipeline::Reply;
use serde_json::Value;
use testkit::http::Request;

/// What the caller reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status; `None` for a direct Invoke.
    pub status: Option<u64>,
    /// The error's code.
    pub code: Option<String>,
    pub retry_after: Option<String>,
    /// Whether core's answer is passed on as text, because it is no JSON.
    pub is_raw: bool,
    /// Whether a page may read it.
    pub has_cors_headers: bool,
    /// Whether it ends as one that is whole.
    pub is_whole: bool,
}

impl Answer {
    /// The answer to the next request after a fault.
    pub fn is_good(&self) -> bool {
        self.is_whole && self.code.is_none() && self.status.is_none_or(|status| status == 200)
    }

    fn of_http(response: &Value, body: &str, is_whole: bool) -> Self {
        let header = |name: &str| response["headers"][name].as_str().map(str::to_owned);
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        Self {
            status: response["statusCode"].as_u64(),
            code: body["code"].as_str().map(str::to_owned),
            retry_after: header("Retry-After"),
            is_raw: body.get("raw").is_some(),
            has_cors_headers: header("Access-Control-Allow-Origin").is_some(),
            is_whole,
        }
    }

    fn of_stream(bytes: &[u8], is_whole: bool) -> Self {
        let end = bytes
            .windows(8)
            .position(|window| window == [0; 8])
            .expect("a prelude");
        let prelude = serde_json::from_slice(&bytes[..end]).expect("JSON");
        let body = String::from_utf8_lossy(&bytes[end + 8..]);
        Self::of_http(&prelude, &body, is_whole)
    }

    fn of_direct(error: &Value, is_whole: bool) -> Self {
        Self {
            code: error["errorType"].as_str().map(str::to_owned),
            has_cors_headers: true,
            is_whole,
            ..Self::default()
        }
    }

    /// From what was posted to the Runtime API.
    pub fn posted(request: &Request, is_direct: bool) -> Self {
        let json = || serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
        let is_stream = request
            .header("lambda-runtime-function-response-mode")
            .is_some();
        if request.path().ends_with("/error") {
            return Self::of_direct(&json(), request.is_whole);
        }
        if is_direct {
            return Self::of_direct(&Value::Null, request.is_whole);
        }
        if is_stream {
            return Self::of_stream(&request.body, request.is_whole);
        }
        let response = json();
        let body = response["body"].as_str().unwrap_or_default();
        Self::of_http(&response, body, request.is_whole)
    }

    /// From the reply of an edge in this process.
    pub async fn of_reply(reply: Reply<'_>, is_direct: bool) -> Self {
        match reply {
            Reply::Result(_, _) if is_direct => Self::of_direct(&Value::Null, true),
            Reply::Result(json, _) => {
                let response: Value = serde_json::from_slice(&json).expect("JSON");
                let body = response["body"].as_str().unwrap_or_default();
                Self::of_http(&response, body, true)
            }
            Reply::Failure(error, _) => {
                Self::of_direct(&serde_json::json!({ "errorType": error.error_type }), true)
            }
            Reply::Stream(head, mut body) => {
                let (mut bytes, mut is_whole) = (head.prelude.to_vec(), true);
                while let Some(piece) = body.next().await {
                    match piece {
                        Ok(piece) => bytes.extend_from_slice(&piece),
                        Err(_) => is_whole = false,
                    }
                }
                if is_direct {
                    return Self::of_direct(&Value::Null, is_whole);
                }
                Self::of_stream(&bytes, is_whole)
            }
        }
    }
}

/// As it stands in the table.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match (self.status, &self.code) {
            (Some(status), Some(code)) => write!(f, "{status} `{code}`")?,
            (Some(status), None) => write!(f, "{status}")?,
            (None, Some(code)) => write!(f, "error `{code}`")?,
            (None, None) => f.write_str("result")?,
        }
        if self.is_raw {
            f.write_str(" `{\"raw\"}`")?;
        }
        // One second is what the edge says where Lambda does not.
        if let Some(seconds) = self.retry_after.as_ref().filter(|after| *after != "1") {
            write!(f, ", again after {seconds} s")?;
        }
        if !self.is_whole {
            f.write_str(", then aborted")?;
        }
        Ok(())
    }
}
