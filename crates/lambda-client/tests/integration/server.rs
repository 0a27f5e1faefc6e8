//! A server that counts.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// How many connections were made, and which requests were read: each one is an execution.
#[derive(Debug, Default)]
pub struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

impl Seen {
    pub fn counts(&self) -> (usize, usize) {
        (
            self.connections.load(Ordering::SeqCst),
            self.requests().len(),
        )
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("a lock").clone()
    }

    pub fn connected(&self) {
        self.connections.fetch_add(1, Ordering::SeqCst);
    }
}

/// Gives each connection so many answers, and then closes it. The last of the answers is repeated.
pub async fn server(
    per_connection: usize,
    answers: Vec<Vec<u8>>,
    tls: Option<TlsAcceptor>,
) -> (u16, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let seen = Arc::new(Seen::default());
    let (counts, answers) = (Arc::clone(&seen), Arc::new(answers));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counts.connected();
            let (counts, tls, answers) = (Arc::clone(&counts), tls.clone(), Arc::clone(&answers));
            tokio::spawn(async move {
                let Some(tls) = tls else {
                    return answer_each(stream, per_connection, &answers, &counts).await;
                };
                if let Ok(stream) = tls.accept(stream).await {
                    answer_each(stream, per_connection, &answers, &counts).await;
                }
            });
        }
    });
    (port, seen)
}

/// Answers so many requests of a connection.
pub async fn answer_each(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    times: usize,
    answers: &[Vec<u8>],
    seen: &Seen,
) {
    let mut buffer = vec![0; 4096];
    for _ in 0..times {
        let read = stream.read(&mut buffer).await.unwrap_or_default();
        if read == 0 {
            return;
        }
        let count = {
            let mut requests = seen.requests.lock().expect("a lock");
            requests.push(String::from_utf8_lossy(&buffer[..read]).into_owned());
            requests.len()
        };
        let answer = answers
            .get(count - 1)
            .or(answers.last())
            .expect("an answer");
        let _ = stream.write_all(answer).await;
    }
}
