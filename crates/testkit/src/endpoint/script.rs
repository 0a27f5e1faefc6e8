//! What an endpoint does on each connection.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::http::last_answer;

/// One action on a connection.
#[derive(Debug, Clone)]
pub enum Step {
    /// Reads a request to its end.
    ReadRequest,
    /// Reads the head of a request, and nothing of its body.
    ReadHead,
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends the answer whose place in the list is that of the request among all requests; the last
    /// one is repeated.
    SendInTurn(Arc<[Vec<u8>]>),
    /// Sends the answer for the path of the request, or the other one.
    SendByPath {
        /// The answers by path.
        answers: Arc<BTreeMap<String, Vec<u8>>>,
        /// The answer for any other path.
        otherwise: Vec<u8>,
    },
    /// Sends bytes one by one, with a pause before each.
    SendSlowly {
        /// What is sent.
        bytes: Vec<u8>,
        /// The pause before each byte.
        pause: Duration,
    },
    /// Sends bytes again and again, with a pause before each time, until the connection breaks.
    SendForever {
        /// What is sent.
        bytes: Vec<u8>,
        /// The pause before each time.
        pause: Duration,
    },
    /// Does nothing for a time.
    Pause(Duration),
    /// Does nothing until the test opens the gate.
    WaitFor(Gate),
    /// Keeps the connection open, and neither reads nor sends.
    Hold,
    /// Connects to the server that the last request names, as a proxy does for `CONNECT`, answers
    /// that, and passes bytes on in both directions until one side closes.
    Tunnel,
    /// Sends nothing more (FIN); the connection stays open for what the client sends.
    EndSending,
    /// Reads until the client closes the connection; [`Endpoint::closed`] tells it.
    ///
    /// [`Endpoint::closed`]: super::Endpoint::closed
    AwaitClose,
    /// Closes the connection (FIN).
    Close,
    /// Resets the connection (RST).
    Reset,
}

/// Holds a connection at a step until the test lets it go on.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// A gate that is closed.
    pub fn closed() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets one connection pass, now or when it comes to the gate.
    pub fn open(&self) {
        self.0.add_permits(1);
    }

    pub(crate) async fn pass(&self) {
        let passed = self.0.acquire().await;
        passed.expect("a gate").forget();
    }
}

/// The steps on each connection, which are repeated until one of them ends the connection.
#[derive(Debug, Clone)]
pub struct Script {
    pub(crate) steps: Arc<[Step]>,
    pub(crate) rounds: usize,
}

impl Script {
    /// A proxy, which makes the tunnel that is asked of it.
    pub fn proxy() -> Self {
        Self::new([Step::ReadHead, Step::Tunnel])
    }

    /// A proxy that answers the request for a tunnel with these bytes, and then sends nothing more.
    pub fn proxy_answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = Step::Send(answer.into());
        Self::new([Step::ReadHead, answer, Step::EndSending, Step::AwaitClose])
    }

    /// Repeats these steps.
    pub fn new(steps: impl Into<Arc<[Step]>>) -> Self {
        Self {
            steps: steps.into(),
            rounds: usize::MAX,
        }
    }

    /// Reads a request, and then takes these steps; again and again.
    pub fn after_request(steps: impl IntoIterator<Item = Step>) -> Self {
        let read = [Step::ReadRequest];
        Self::new(read.into_iter().chain(steps).collect::<Vec<_>>())
    }

    /// Gives every request the same bytes, and then closes the connection.
    pub fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::after_request([Step::Send(answer.into()), Step::Close])
    }

    /// Answers every request with status 200 and this JSON, and closes the connection.
    pub fn answering_json(json: &str) -> Self {
        Self::answering(last_answer(200, "", json))
    }

    /// Gives the first request the first of the answers, and so on over all connections; the last
    /// one is repeated. The connection stays open for this number of requests.
    pub fn in_turn(answers: Vec<Vec<u8>>, requests_per_connection: usize) -> Self {
        Self {
            rounds: requests_per_connection,
            ..Self::after_request([Step::SendInTurn(answers.into())])
        }
    }

    /// Answers by the path of the request, and then closes the connection.
    pub fn by_path(answers: BTreeMap<String, Vec<u8>>, otherwise: Vec<u8>) -> Self {
        let answers = Arc::new(answers);
        Self::after_request([Step::SendByPath { answers, otherwise }, Step::Close])
    }

    /// Whether it waits for the client before it does anything.
    pub fn begins_with_reading(&self) -> bool {
        matches!(self.steps.first(), Some(Step::ReadRequest | Step::ReadHead))
    }
}
