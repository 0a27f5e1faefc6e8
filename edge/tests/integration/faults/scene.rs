//! What a fault needs around it: the endpoint, its certificate, and the edge's variables.

use std::time::Duration;

use serde_json::json;
use testkit::endpoint::{ClosedPort, Endpoint, Script};
use testkit::tls::{Authority, self_signed};

use super::fault::{Before, Certificate, Fault, Mode, Server, good_script};

/// The time until the deadline of each request.
const DEADLINE: Duration = Duration::from_secs(40);
/// `CORE_TIMEOUT_MS` where the edge waits until it is over, and where it must not need it.
const CORE_TIMEOUT: (&str, &str) = ("1500", "25000");

/// How long a request of this fault may take.
pub fn deadline(fault: &Fault) -> Duration {
    fault.deadline.unwrap_or(DEADLINE)
}

/// The endpoint of a fault.
pub struct Scene {
    pub url: String,
    pub variables: Vec<(&'static str, String)>,
    endpoint: Option<Endpoint>,
    closed_port: Option<ClosedPort>,
    authority: Authority,
    _credentials: Option<Endpoint>,
}

impl Scene {
    /// Sets the scene; `waits` says that the edge will wait until its time for core is over.
    pub async fn set(fault: &Fault, mode: Mode, waits: bool) -> Self {
        let authority = Authority::new();
        let first = match fault.before {
            Before::Nothing => (fault.script)(mode),
            Before::Request | Before::RequestAndFreeze => good_script(mode),
        };
        let (endpoint, closed_port) = match fault.server {
            Server::Http | Server::HttpForHttps => (Some(Endpoint::start(first).await), None),
            Server::Tls(certificate) => {
                let tls = match certificate {
                    Certificate::Good => authority.certify("localhost"),
                    Certificate::OfAnotherHost => authority.certify("other.example"),
                    Certificate::Expired => authority.certify_expired("localhost"),
                    Certificate::SelfSigned => self_signed("localhost"),
                    Certificate::OfUnknownAuthority => Authority::new().certify("localhost"),
                };
                (Some(Endpoint::start_tls(first, tls).await), None)
            }
            Server::Closed => (None, Some(ClosedPort::take())),
            Server::NoHost => (None, None),
        };
        let url = match (fault.server, &endpoint, &closed_port) {
            (Server::HttpForHttps, Some(endpoint), _) => {
                format!("https://localhost:{}", endpoint.address.port())
            }
            (_, Some(endpoint), _) => endpoint.url.clone(),
            (_, None, Some(port)) => format!("http://{}", port.address),
            (_, None, None) => "http://no-such-host.invalid:9001".to_owned(),
        };
        let credentials = match &fault.credentials {
            Some(script) => Some(Endpoint::start(script.clone()).await),
            None => None,
        };
        let mut scene = Self {
            url,
            variables: Vec::new(),
            endpoint,
            closed_port,
            authority,
            _credentials: credentials,
        };
        scene.variables = scene.variables_for(fault, mode, waits);
        scene
    }

    fn variables_for(&self, fault: &Fault, mode: Mode, waits: bool) -> Vec<(&'static str, String)> {
        let (waiting, not_waiting) = CORE_TIMEOUT;
        let mut variables = vec![
            ("AWS_ENDPOINT_URL_LAMBDA", self.url.clone()),
            ("SSL_CERT_FILE", self.authority.file().display().to_string()),
            ("REQUIRED_FIELDS", String::new()),
            ("ALLOWED_ORIGINS", "*".to_owned()),
            ("ALLOW_ANONYMOUS", "true".to_owned()),
            ("PAYLOAD", "bare".to_owned()),
        ];
        let core_timeout = if waits { waiting } else { not_waiting };
        variables.push(("CORE_TIMEOUT_MS", core_timeout.to_owned()));
        if mode == Mode::Streamed {
            variables.push(("RESPONSE", "stream".to_owned()));
        }
        match &self._credentials {
            Some(endpoint) => {
                variables.push(("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url.clone()));
            }
            None => {
                variables.push(("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()));
                variables.push(("AWS_SECRET_ACCESS_KEY", "secret".to_owned()));
            }
        }
        variables.extend(fault.environment.iter().cloned());
        variables
    }

    /// The certificates that the edge trusts.
    pub fn authorities(&self) -> std::path::PathBuf {
        self.authority.file().to_owned()
    }

    /// How many requests have reached the endpoint.
    pub fn calls(&self) -> usize {
        self.endpoint
            .as_ref()
            .map_or(0, |endpoint| endpoint.requests().len())
    }

    /// Lets the endpoint do something else.
    pub fn follow(&self, script: Script) {
        if let Some(endpoint) = &self.endpoint {
            endpoint.follow(script);
        }
    }

    /// Ends the fault.
    pub fn mend(&mut self, fault: &Fault, mode: Mode) {
        if let Some(port) = self.closed_port.take() {
            self.endpoint = Some(port.open(good_script(mode)));
        }
        self.follow(good_script(mode));
        if let (Server::Tls(_) | Server::HttpForHttps, Some(endpoint)) =
            (fault.server, &self.endpoint)
        {
            endpoint.certify(self.authority.certify("localhost"));
        }
    }
}

/// The event of a request at a function URL, or of a direct Invoke.
pub fn event(fault: &Fault) -> String {
    fault.direct_event.clone().unwrap_or_else(|| {
        json!({
            "version": "2.0", "rawPath": "/", "body": fault.body,
            "headers": { "origin": "https://page.example", "content-type": "application/json" },
            "requestContext": {
                "domainName": "abc.lambda-url.us-east-1.on.aws", "http": { "method": "POST" },
            },
        })
        .to_string()
    })
}
