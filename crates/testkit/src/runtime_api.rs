//! The Runtime API of one environment: gives invocations, and keeps what is posted.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::io;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::net::TcpListener;
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::time::timeout;

use crate::TEST_TIMEOUT;
use crate::endpoint::{Connection, Step};
use crate::http::{Request, answer};

/// An invocation that the next poll receives.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The request id.
    pub request_id: String,
    /// The event.
    pub event: Vec<u8>,
    /// The time until the deadline, from the moment at which the poll is answered.
    pub time: Duration,
    /// More headers, each of which ends with a line break.
    pub headers: String,
}

impl Invocation {
    /// An invocation with a time that suffices for anything.
    pub fn new(request_id: &str, event: impl Into<Vec<u8>>) -> Self {
        Self {
            request_id: request_id.to_owned(),
            event: event.into(),
            time: Duration::from_secs(60),
            headers: String::new(),
        }
    }

    fn to_wire(&self) -> Vec<u8> {
        let deadline = (SystemTime::now() + self.time)
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("a time")
            .as_millis();
        let headers = format!(
            "Content-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: {}\r\n\
             Lambda-Runtime-Deadline-Ms: {deadline}\r\n{}",
            self.request_id, self.headers
        );
        answer(200, &headers, &self.event)
    }
}

/// How a poll is answered.
#[derive(Debug, Clone)]
pub enum Poll {
    /// With an invocation.
    Invocation(Invocation),
    /// With these steps, whatever they are.
    Steps(Vec<Step>),
}

/// A running Runtime API. It ends with the test's runtime.
#[derive(Debug)]
pub struct RuntimeApi {
    /// `host:port`, for `AWS_LAMBDA_RUNTIME_API`.
    pub address: String,
    polls: mpsc::UnboundedSender<Poll>,
    posted: AsyncMutex<mpsc::UnboundedReceiver<Request>>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The paths of the polls.
    polls: Mutex<Vec<String>>,
    queue: AsyncMutex<mpsc::UnboundedReceiver<Poll>>,
    posted: mpsc::UnboundedSender<Request>,
    /// What follows the head of a posted response; `None` reads and accepts it.
    on_response: Mutex<Option<Vec<Step>>>,
}

impl RuntimeApi {
    /// Listens on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (polls, queue) = mpsc::unbounded_channel();
        let (posted_sender, posted) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            polls: Mutex::default(),
            queue: AsyncMutex::new(queue),
            posted: posted_sender,
            on_response: Mutex::default(),
        });
        let of_connections = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&of_connections);
                tokio::spawn(async move {
                    let mut connection = Connection::new(Box::new(stream));
                    while let Ok(ControlFlow::Continue(())) = serve(&mut connection, &shared).await
                    {
                    }
                });
            }
        });
        Self {
            address,
            polls,
            posted: AsyncMutex::new(posted),
            shared,
        }
    }

    /// Queues the answer to a poll.
    pub fn answer_poll(&self, poll: Poll) {
        self.polls.send(poll).expect("a running server");
    }

    /// Queues an invocation.
    pub fn invoke(&self, invocation: Invocation) {
        self.answer_poll(Poll::Invocation(invocation));
    }

    /// Takes these steps after the head of the next posted response was read, instead of accepting
    /// it.
    pub fn on_next_response(&self, steps: Vec<Step>) {
        *self.shared.on_response() = Some(steps);
    }

    /// The next response or error that is posted.
    pub async fn posted(&self) -> Request {
        let mut posted = self.posted.lock().await;
        let request = timeout(TEST_TIMEOUT, posted.recv()).await;
        request.expect("a response in time").expect("a response")
    }

    /// How often the function has polled.
    pub fn polled(&self) -> usize {
        self.poll_paths().len()
    }

    /// The paths of the function's polls.
    pub fn poll_paths(&self) -> Vec<String> {
        self.shared.polls().clone()
    }
}

impl Shared {
    fn polls(&self) -> MutexGuard<'_, Vec<String>> {
        self.polls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn on_response(&self) -> MutexGuard<'_, Option<Vec<Step>>> {
        self.on_response
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves one request of the function.
async fn serve(connection: &mut Connection, shared: &Shared) -> io::Result<ControlFlow<()>> {
    let Some(mut request) = connection.read_head().await? else {
        return Ok(ControlFlow::Break(()));
    };
    if request.path().ends_with("/invocation/next") {
        shared.polls().push(request.path().to_owned());
        let mut queue = shared.queue.lock().await;
        let poll = tokio::select! {
            poll = queue.recv() => poll,
            // The function has gone, or has sent more than a poll.
            _ = connection.has_more() => None,
        };
        drop(queue);
        return match poll {
            Some(Poll::Invocation(invocation)) => {
                connection.send(&invocation.to_wire()).await?;
                Ok(ControlFlow::Continue(()))
            }
            Some(Poll::Steps(steps)) => take(connection, &steps).await,
            None => Ok(ControlFlow::Break(())),
        };
    }
    let steps = shared.on_response().take();
    if let Some(steps) = steps {
        let _ = shared.posted.send(request);
        return take(connection, &steps).await;
    }
    connection.read_body(&mut request).await;
    let is_whole = request.is_whole;
    let _ = shared.posted.send(request);
    if !is_whole {
        return Ok(ControlFlow::Break(()));
    }
    let accepted = answer(
        202,
        "Content-Type: application/json\r\n",
        br#"{"status":"OK"}"#,
    );
    connection.send(&accepted).await?;
    Ok(ControlFlow::Continue(()))
}

async fn take(connection: &mut Connection, steps: &[Step]) -> io::Result<ControlFlow<()>> {
    for step in steps {
        if connection.take(step, &Default::default()).await?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}
