//! The lifecycle of an environment: starts, watches and ends its process, and fails the invocations
//! that the process leaves.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::io::Errno;
use tokio::net::TcpListener;

use super::super::invocation::{FunctionResponse, Outcome, PlatformError};
use super::super::output::Output;
use super::super::process::{command, describe_exit, kill_group};
use super::super::runtime_api;
use super::{Environment, Phase};
use crate::aws::LAMBDA_INIT_TIMEOUT;

/// The reason why an environment has no process.
struct LaunchError {
    message: String,
    /// Whether the machine has no descriptor, process or memory left for it.
    is_out_of_resources: bool,
}

impl LaunchError {
    fn new(what: impl std::fmt::Display, error: &io::Error) -> Self {
        const OUT_OF_RESOURCES: [Errno; 4] =
            [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM];
        let errno = Errno::from_io_error(error);
        Self {
            message: format!("{what}: {error}"),
            is_out_of_resources: errno.is_some_and(|errno| OUT_OF_RESOURCES.contains(&errno)),
        }
    }
}

impl Environment {
    /// Runs the process until it ends, then fails the invocations that are still in flight.
    pub(crate) async fn run(self: Arc<Self>) {
        let status = match TcpListener::bind(("127.0.0.1", 0)).await {
            Ok(listener) => self.run_process(listener).await,
            Err(error) => Err(LaunchError::new("the Runtime API has no port", &error)),
        };
        let command = self.pool.function.command.join(" ");
        let (status, is_out_of_resources) = match status {
            Ok(status) => {
                let exit_status = status.as_deref().unwrap_or("exit status 0");
                *self.exit_description.lock() =
                    format!("`{command}` ended with {exit_status} before it asked for work");
                (status, false)
            }
            Err(error) => {
                *self.exit_description.lock() = error.message;
                (
                    Some("exit status 127".to_owned()),
                    error.is_out_of_resources,
                )
            }
        };
        let error = PlatformError::Exited { status };
        let aborted: Vec<_> = {
            let mut active = self.active.lock();
            active.is_ending = true;
            active.in_flight.drain().collect()
        };
        self.phase.send_replace(Phase::Ended);
        for (request_id, in_flight) in aborted {
            self.fail(in_flight, &request_id, &error);
        }
        drop(self.permit.lock().take());
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
            // Where the machine has nothing left for one more process, the function has not failed:
            // as at any other limit, the caller is throttled.
            let _ = undelivered.done.send(if is_out_of_resources {
                Err(self.pool.limit.throttled())
            } else {
                Ok(FunctionResponse::Whole(outcome))
            });
        }
    }

    async fn run_process(
        self: &Arc<Self>,
        listener: TcpListener,
    ) -> Result<Option<String>, LaunchError> {
        let no_address = |error| LaunchError::new("the Runtime API has no address", &error);
        let address = listener.local_addr().map_err(no_address)?.to_string();
        let (output, writers) = Output::new(Arc::clone(&self.log)).map_err(|error| {
            LaunchError::new("there is no pipe for the function's output", &error)
        })?;
        let mut child = command(&self.pool.function, &address, writers)
            .and_then(|mut command| command.spawn())
            .map_err(|error| self.spawn_error(&error))?;
        *self.pid.lock() = child.id();
        let output = self.output.get_or_init(|| output);
        let server = tokio::spawn(runtime_api::serve(listener, Arc::clone(self)));
        let followed = Arc::clone(output);
        let follower = tokio::spawn(async move { followed.follow().await });
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
        output.catch_up();
        // A process that has left the group may hold the pipe open for ever.
        follower.abort();
        Ok(status.ok().and_then(describe_exit))
    }

    /// Completes when the function has not asked for its first invocation within the time-out.
    async fn init_timeout(&self) {
        tokio::time::sleep(LAMBDA_INIT_TIMEOUT + self.pool.function.timeout).await;
        if self.is_ready.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }

    fn spawn_error(&self, error: &io::Error) -> LaunchError {
        let command = self.pool.function.command.join(" ");
        LaunchError::new(format_args!("`{command}` cannot be started"), error)
    }
}

async fn end(child: &mut tokio::process::Child) -> io::Result<std::process::ExitStatus> {
    kill_group(child.id());
    child.wait().await
}
