//! A flood of good, bad and hostile requests at the local stack, with 256 file descriptors, while
//! the processes of its functions are killed and slow clients hold connections.
//!
//! The good requests on kept connections are sent by `wrk`, if it is installed. It can neither break
//! HTTP nor stop in a request, so the rest is sent from here, on a connection for each request.

mod traffic;
mod wrk;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::local_stack::LocalStack;
use crate::watch::{Held, children};
use traffic::Traffic;

/// Connections that send requests at the same time, beside those of `wrk`.
const SENDERS: usize = 24;
/// Connections that send a byte now and then, and connections that send nothing.
const SLOW: usize = 24;
/// How much more memory than before the flood is a leak, in KiB. The records of the console may
/// take half of it.
const MAX_GROWTH: u64 = 64 * 1024;
/// The options of the stack: the template's limit of 50 requests a second would answer nearly all
/// of the flood, and environments end soon, so that what they held can be seen to be released.
const OPTIONS: [&str; 3] = ["--no-throttling", "--idle-timeout", "5"];
/// How long connections and environments may take to end after the flood: a connection that sends
/// no headers is closed after a minute.
const SETTLING: Duration = Duration::from_secs(120);

/// Floods the stack for this number of seconds.
pub fn flood(seconds: u64, program: Option<&str>) -> Result<(), String> {
    let stack = LocalStack::start(program, &OPTIONS, Some(256))?;
    let traffic = Arc::new(Traffic::new(&stack)?);
    traffic.expect_an_answer()?;
    let before = Held::by(stack.pid())?;
    let wrk = wrk::start(stack.value("apiUrl")?, stack.value("idToken")?, seconds)?;
    let threads: Vec<_> = (0..SENDERS + SLOW)
        .map(|at| {
            let traffic = Arc::clone(&traffic);
            std::thread::spawn(move || {
                if at < SENDERS {
                    traffic.send_many(at);
                } else {
                    traffic.hold(at);
                }
            })
        })
        .collect();
    let (killed, peak) = kill_functions(stack.pid(), Duration::from_secs(seconds), before)?;
    traffic.stop();
    for thread in threads {
        let ended = thread.join();
        ended.map_err(|_| "a sender has panicked".to_owned())?;
    }
    let wrk = wrk.map(wrk::Wrk::end).transpose()?;
    traffic.expect_an_answer()?;
    let after = settle(stack.pid(), before)?;
    println!("before {before}\npeak   {peak}\nafter  {after}");
    println!("{killed} processes of functions were killed");
    let seen = wrk.as_ref().map(|wrk| &wrk.statuses);
    traffic.report(seen.into_iter().flatten())?;
    match wrk {
        Some(wrk) if wrk.broken > 0 => {
            let broken = wrk.broken;
            Err(format!("{broken} requests of wrk got no whole answer"))
        }
        _ => Ok(()),
    }
}

/// Kills a process of a function each second; returns how many, and the most that the stack held.
fn kill_functions(pid: u32, time: Duration, before: Held) -> Result<(usize, Held), String> {
    let (start, mut killed, mut peak) = (Instant::now(), 0, before);
    while start.elapsed() < time {
        std::thread::sleep(Duration::from_secs(1));
        let functions = children(pid);
        let function = functions.get(killed % functions.len().max(1));
        let function = function.and_then(|pid| Pid::from_raw((*pid).try_into().ok()?));
        if function.is_some_and(|function| kill_process(function, Signal::KILL).is_ok()) {
            killed += 1;
        }
        peak = peak.max(Held::by(pid)?);
    }
    Ok((killed, peak))
}

/// Waits until the stack holds no more descriptors than before, and no more memory than is allowed.
fn settle(pid: u32, before: Held) -> Result<Held, String> {
    let start = Instant::now();
    loop {
        let held = Held::by(pid)?;
        if held.descriptors <= before.descriptors && held.memory <= before.memory + MAX_GROWTH {
            return Ok(held);
        }
        if start.elapsed() > SETTLING {
            return Err(format!("the stack held {before}, and still holds {held}"));
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}
