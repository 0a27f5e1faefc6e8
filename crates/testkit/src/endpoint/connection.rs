//! One connection of an endpoint, on which the steps of a script are taken.

use std::io;
use std::ops::ControlFlow;

use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
    copy_bidirectional,
};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

use super::{Received, Script, Step};
use crate::http::{Request, read_body, read_head};

/// A stream over TCP, with or without TLS.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send {
    /// The stream below.
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Socket for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// A connection, and the number of the last request that was read from it.
pub(crate) struct Connection {
    stream: BufReader<Box<dyn Socket>>,
    request_number: usize,
    path: String,
}

impl Connection {
    pub(crate) fn new(socket: Box<dyn Socket>) -> Self {
        let _ = socket.tcp().set_nodelay(true);
        Self {
            stream: BufReader::new(socket),
            request_number: 0,
            path: String::new(),
        }
    }

    /// Takes the steps of the present script, again and again, until the connection ends. Another
    /// script is followed from the next request on.
    pub(crate) async fn follow(
        mut self,
        mut scripts: watch::Receiver<Script>,
        received: &Received,
    ) {
        let mut rounds = 0;
        loop {
            let begins_with_reading = scripts.borrow_and_update().begins_with_reading();
            if begins_with_reading {
                tokio::select! {
                    changed = scripts.changed() => match changed {
                        Ok(()) => continue,
                        Err(_) => return,
                    },
                    is_open = self.has_more() => if !is_open { return },
                }
            }
            let script = scripts.borrow_and_update().clone();
            for step in script.steps.iter() {
                if !matches!(
                    self.take(step, received).await,
                    Ok(ControlFlow::Continue(()))
                ) {
                    return;
                }
            }
            rounds += 1;
            if rounds >= script.rounds {
                return;
            }
        }
    }

    /// Waits until there is something to read; false at the end of the connection.
    pub(crate) async fn has_more(&mut self) -> bool {
        self.stream
            .fill_buf()
            .await
            .is_ok_and(|bytes| !bytes.is_empty())
    }

    /// Takes a step. The connection ends after a step that breaks or ends it.
    pub(crate) async fn take(
        &mut self,
        step: &Step,
        received: &Received,
    ) -> io::Result<ControlFlow<()>> {
        match step {
            Step::ReadRequest | Step::ReadHead => {
                let Some(mut request) = read_head(&mut self.stream).await? else {
                    return Ok(ControlFlow::Break(()));
                };
                request.path().clone_into(&mut self.path);
                self.request_number = received.push(request.clone());
                if matches!(step, Step::ReadRequest) {
                    read_body(&mut self.stream, &mut request).await;
                    received.replace(self.request_number, request);
                }
            }
            Step::Send(bytes) => self.send(bytes).await?,
            Step::SendInTurn(answers) => {
                let place = self.request_number.saturating_sub(1);
                let answer = answers.get(place).or(answers.last()).expect("an answer");
                self.send(answer).await?;
            }
            Step::SendByPath { answers, otherwise } => {
                let answer = answers.get(&self.path).unwrap_or(otherwise);
                self.send(answer).await?;
            }
            Step::SendSlowly { bytes, pause } => {
                for byte in bytes {
                    tokio::time::sleep(*pause).await;
                    self.send(&[*byte]).await?;
                }
            }
            Step::SendForever { bytes, pause } => loop {
                tokio::time::sleep(*pause).await;
                self.send(bytes).await?;
            },
            Step::Pause(duration) => tokio::time::sleep(*duration).await,
            Step::WaitFor(gate) => gate.pass().await,
            Step::Hold => std::future::pending().await,
            Step::Tunnel => {
                let mut server = TcpStream::connect(&self.path).await?;
                self.send(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                copy_bidirectional(&mut self.stream, &mut server).await?;
                return Ok(ControlFlow::Break(()));
            }
            Step::EndSending => self.stream.shutdown().await?,
            Step::AwaitClose => {
                // A client that resets the connection has closed it too.
                let _ = self.stream.read_to_end(&mut Vec::new()).await;
                received.closed();
                return Ok(ControlFlow::Break(()));
            }
            Step::Close => {
                self.stream.shutdown().await?;
                return Ok(ControlFlow::Break(()));
            }
            Step::Reset => {
                self.stream.get_ref().tcp().set_zero_linger()?;
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Reads the head of a request.
    pub(crate) async fn read_head(&mut self) -> io::Result<Option<Request>> {
        read_head(&mut self.stream).await
    }

    /// Reads the body of a request.
    pub(crate) async fn read_body(&mut self, request: &mut Request) {
        read_body(&mut self.stream, request).await;
    }
}
