//! A row of the fault table, as data.

use std::time::Duration;

use testkit::endpoint::{Script, Step};
use testkit::event_stream::{chunk, complete};
use testkit::http;

/// `RESPONSE`: whether core is invoked by `Invoke` or by `InvokeWithResponseStream`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Whole,
    Streamed,
}

/// How the edge reaches the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    Http,
    /// Nothing listens at the port.
    Closed,
    /// The name of the host has no address.
    NoHost,
    /// TLS with this certificate.
    Tls(Certificate),
    /// A server without TLS where the edge expects it.
    HttpForHttps,
}

/// The certificate of an endpoint, of which the edge expects one for `localhost`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    Good,
    OfAnotherHost,
    Expired,
    SelfSigned,
    OfUnknownAuthority,
}

/// What comes before the request that meets the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    Nothing,
    /// Another request, whose connection is kept.
    Request,
    /// Another request; then the environment is frozen while the fault happens.
    RequestAndFreeze,
}

/// A fault and what is known about it before it is injected.
pub struct Fault {
    pub name: String,
    pub script: Box<dyn Fn(Mode) -> Script>,
    pub server: Server,
    pub before: Before,
    pub environment: Vec<(&'static str, String)>,
    /// What answers the search for credentials; `None` where the environment has them.
    pub credentials: Option<Script>,
    /// The event; `None` is a request at a function URL.
    pub direct_event: Option<String>,
    /// The body of the request at a function URL.
    pub body: String,
    /// Whether the edge answers only when its time for core is over, by `Invoke` and in a stream.
    pub waits: [bool; 2],
    /// The time until the deadline of the request; `None` is one that is never reached.
    pub deadline: Option<Duration>,
    /// Whether the endpoint's answer means that core was started.
    pub starts_core: bool,
    /// Whether the next request meets the same fault.
    pub lasts: bool,
    /// Why the AWS SDK's own client comes to another verdict.
    pub sdk_differs: Option<&'static str>,
}

impl Fault {
    /// A fault in what the endpoint does on a connection.
    pub fn new(name: impl Into<String>, script: impl Fn(Mode) -> Script + 'static) -> Self {
        Self {
            name: name.into(),
            script: Box::new(script),
            server: Server::Http,
            before: Before::Nothing,
            environment: Vec::new(),
            credentials: None,
            direct_event: None,
            body: "{}".to_owned(),
            waits: [false; 2],
            deadline: None,
            starts_core: true,
            lasts: false,
            sdk_differs: None,
        }
    }

    /// A fault in what the endpoint does after it has read the request.
    pub fn after_request(
        name: impl Into<String>,
        steps: impl Fn(Mode) -> Vec<Step> + 'static,
    ) -> Self {
        Self::new(name, move |mode| Script::after_request(steps(mode)))
    }

    /// The same bytes in both modes, after which the connection is closed.
    pub fn answer(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::after_request(name, move |_| vec![Step::Send(bytes.clone()), Step::Close])
    }

    pub fn at(self, server: Server) -> Self {
        Self { server, ..self }
    }

    pub fn after(self, before: Before) -> Self {
        Self { before, ..self }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    pub fn with_credentials_from(self, script: Script) -> Self {
        Self {
            credentials: Some(script),
            ..self
        }
    }

    pub fn with_body(self, body: String) -> Self {
        Self { body, ..self }
    }

    pub fn with_direct_event(self, event: String) -> Self {
        Self {
            direct_event: Some(event),
            ..self
        }
    }

    pub fn waiting(self) -> Self {
        Self {
            waits: [true; 2],
            ..self
        }
    }

    pub fn waiting_in_a_stream(self) -> Self {
        Self {
            waits: [false, true],
            ..self
        }
    }

    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self {
            deadline: Some(deadline),
            ..self
        }
    }

    pub fn waits(&self, mode: Mode) -> bool {
        self.waits[mode as usize]
    }

    pub fn not_starting_core(self) -> Self {
        Self {
            starts_core: false,
            ..self
        }
    }

    pub fn lasting(self) -> Self {
        Self {
            lasts: true,
            ..self
        }
    }

    pub fn sdk_differs(self, why: &'static str) -> Self {
        Self {
            sdk_differs: Some(why),
            ..self
        }
    }
}

/// The body of a good answer, in the form of the operation.
pub fn good_body(mode: Mode) -> Vec<u8> {
    match mode {
        Mode::Whole => br#"{"answer":1}"#.to_vec(),
        Mode::Streamed => [chunk(r#"{"answer":1}"#), complete("{}")].concat(),
    }
}

/// A good answer; its connection may be kept.
pub fn good_answer(mode: Mode) -> Vec<u8> {
    http::answer(200, "", &good_body(mode))
}

/// The status line, these headers, and nothing more.
pub fn head(headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes()
}

/// Announces a good body, and sends its beginning: in a stream, the first chunk.
pub fn half_an_answer(mode: Mode) -> Vec<u8> {
    let body = good_body(mode);
    let half = match mode {
        Mode::Whole => body.len() / 2,
        Mode::Streamed => body.len() - complete("{}").len(),
    };
    let head = head(&format!("Content-Length: {}\r\n", body.len()));
    [&head, &body[..half]].concat()
}

/// What an endpoint without faults does.
pub fn good_script(mode: Mode) -> Script {
    Script::in_turn(vec![good_answer(mode)], usize::MAX)
}

/// The pause between bytes that come slowly.
pub const SLOW: Duration = Duration::from_secs(1);
