//! Reads requests on threads, without an asynchronous runtime, which would disturb a measurement.

use std::io::{self, BufRead};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

use crate::http::{self, Request};

/// Reads the head of a request; `None` where the stream ends before it is whole.
pub fn read_head(reader: &mut (impl BufRead + Unpin)) -> io::Result<Option<Request>> {
    completed(http::read_head(&mut Blocking(reader)))
}

/// Reads the body of a request, as [`http::read_body`] does.
pub fn read_body(reader: &mut (impl BufRead + Unpin), request: &mut Request) {
    completed(http::read_body(&mut Blocking(reader), request));
}

/// The result of work that never waits, because its reader blocks.
fn completed<T>(work: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(work).poll(&mut context) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("a blocking reader is always ready"),
    }
}

/// A blocking reader in the place of an asynchronous one.
struct Blocking<'a, R>(&'a mut R);

impl<R: BufRead + Unpin> AsyncRead for Blocking<'_, R> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.get_mut().0.read(buffer.initialize_unfilled())?;
        buffer.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl<R: BufRead + Unpin> AsyncBufRead for Blocking<'_, R> {
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Poll::Ready(self.get_mut().0.fill_buf())
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        self.get_mut().0.consume(amount);
    }
}
