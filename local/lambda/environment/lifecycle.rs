//! The lifecycle of an environment: starts, watches and ends its process, and fails the invocations
//! that the process leaves.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;

use super::super::invocation::{FunctionResponse, Outcome, PlatformError};
use super::super::log::Log;
use super::super::process::{command, describe_exit, kill_group};
use super::super::runtime_api;
use super::{Environment, Phase};
use crate::aws::LAMBDA_INIT_TIMEOUT;

impl Environment {
    /// Runs the process until it ends, then fails the invocations that are still in flight.
    pub(crate) async fn run(self: Arc<Self>) {
        let status = match TcpListener::bind(("127.0.0.1", 0)).await {
            Ok(listener) => self.run_process(listener).await,
            Err(error) => Err(format!("the Runtime API has no port: {error}")),
        };
        let command = self.pool.function.command.join(" ");
        let status = match status {
            Ok(status) => {
                let exit_status = status.as_deref().unwrap_or("exit status 0");
                *self.exit_description.lock() =
                    format!("`{command}` ended with {exit_status} before it asked for work");
                status
            }
            Err(problem) => {
                self.exit_description.lock().clone_from(&problem);
                Some("exit status 127".to_owned())
            }
        };
        self.phase.send_replace(Phase::Ended);
        let error = PlatformError::Exited { status };
        let aborted: Vec<_> = {
            let mut active = self.active.lock();
            active.is_ending = true;
            active.in_flight.drain().collect()
        };
        for (request_id, in_flight) in aborted {
            self.finish(in_flight, &request_id, error.payload(&request_id), true);
        }
        let was_ready = self.is_ready.load(Ordering::SeqCst);
        if let Some(undelivered) = self.pool.environment_ended(&self, was_ready) {
            let payload = self
                .init_error
                .lock()
                .clone()
                .unwrap_or_else(|| error.payload(&undelivered.request_id));
            let outcome = Outcome {
                payload,
                is_function_error: true,
                log_tail: Some(self.log.full_text()),
            };
            let _ = undelivered.done.send(FunctionResponse::Whole(outcome));
        }
    }

    async fn run_process(
        self: &Arc<Self>,
        listener: TcpListener,
    ) -> Result<Option<String>, String> {
        let address = listener
            .local_addr()
            .map_err(|error| error.to_string())?
            .to_string();
        let mut child = command(&self.pool.function, &address)?
            .spawn()
            .map_err(|error| self.spawn_error(&error))?;
        *self.pid.lock() = child.id();
        let server = tokio::spawn(runtime_api::serve(listener, Arc::clone(self)));
        let stdout = child
            .stdout
            .take()
            .map(|stream| tokio::spawn(follow(Arc::clone(&self.log), stream)));
        let stderr = child
            .stderr
            .take()
            .map(|stream| tokio::spawn(follow(Arc::clone(&self.log), stream)));
        let status = tokio::select! {
            status = child.wait() => status,
            () = self.stop.notified() => end(&mut child).await,
            () = self.init_timeout() => {
                let command = self.pool.function.command.join(" ");
                self.log.append_platform_line(&format!("`{command}` runs and has not asked the Runtime API for work; the stack ended it."));
                end(&mut child).await
            }
        };
        server.abort();
        kill_group(*self.pid.lock());
        for task in [stdout, stderr].into_iter().flatten() {
            // A process that the function has started may hold the stream open for ever.
            let _ = tokio::time::timeout(Duration::from_millis(200), task).await;
        }
        Ok(status.ok().and_then(describe_exit))
    }

    /// Completes when the function has not asked for its first invocation within the time-out.
    async fn init_timeout(&self) {
        tokio::time::sleep(LAMBDA_INIT_TIMEOUT + self.pool.function.timeout).await;
        if self.is_ready.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }

    fn spawn_error(&self, error: &std::io::Error) -> String {
        format!(
            "`{}` cannot be started: {error}",
            self.pool.function.command.join(" ")
        )
    }
}

async fn end(child: &mut tokio::process::Child) -> std::io::Result<std::process::ExitStatus> {
    kill_group(child.id());
    child.wait().await
}

async fn follow(log: Arc<Log>, stream: impl tokio::io::AsyncRead + Unpin) {
    log.follow(stream).await;
}
