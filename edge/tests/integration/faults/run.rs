//! Injects a fault into the edge as a process, and into an edge in this process whose core is the
//! AWS SDK's own client.

use std::time::{Duration, Instant, SystemTime};

use edge::config::Config;
use edge::pipeline::Edge;
use edge::stages::invoke::SdkCore;
use lambda_client::{HttpClient, Roots};
use lambda_http::Context;
use rustix::process::Signal;
use testkit::aws::sdk_config;
use testkit::endpoint::Step;
use testkit::runtime_api::Invocation;

use super::answer::Answer;
use super::fault::{Before, Fault, Mode, good_script};
use super::scene::{Scene, deadline, event};
use crate::process::EdgeProcess;

/// The time for a closed connection to be noticed, or not: both must go well.
const MOMENT: Duration = Duration::from_millis(150);

/// What a fault came to.
#[derive(Debug)]
pub struct Outcome {
    pub answer: Answer,
    /// How many requests have reached the endpoint.
    pub calls: usize,
    pub elapsed: Duration,
    /// The answer to the next request.
    pub next: Answer,
}

/// Injects a fault into the edge as it is deployed.
pub async fn inject(fault: &Fault, mode: Mode) -> Outcome {
    let mut scene = Scene::set(fault, mode, fault.waits(mode)).await;
    let variables: Vec<_> = scene
        .variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut edge = EdgeProcess::start(&variables).await;
    let invocation = |id: &str| Invocation {
        time: deadline(fault),
        ..Invocation::new(id, event(fault))
    };
    let is_direct = fault.direct_event.is_some();
    if fault.before != Before::Nothing {
        edge.api.invoke(invocation("before"));
        let answer = Answer::posted(&edge.api.posted().await, is_direct);
        assert!(answer.is_good(), "{}: {}", fault.name, edge.log());
        if fault.before == Before::RequestAndFreeze {
            edge.signal(Signal::STOP);
        }
        happen(fault, mode, &scene).await;
    }
    let calls = scene.calls();
    let start = Instant::now();
    edge.api.invoke(invocation("with-the-fault"));
    if fault.before == Before::RequestAndFreeze {
        edge.signal(Signal::CONT);
    }
    let answer = Answer::posted(&edge.api.posted().await, is_direct);
    let elapsed = start.elapsed();
    let calls = scene.calls() - calls;
    scene.mend(fault, mode);
    edge.api.invoke(invocation("next"));
    let next = Answer::posted(&edge.api.posted().await, is_direct);
    assert!(edge.is_running(), "{}: {}", fault.name, edge.log());
    Outcome {
        answer,
        calls,
        elapsed,
        next,
    }
}

/// A fault between two requests. One that does not wait for a request is over before the next.
async fn happen(fault: &Fault, mode: Mode, scene: &Scene) {
    let script = (fault.script)(mode);
    let waits_for_request = script.begins_with_reading();
    scene.follow(script);
    tokio::time::sleep(MOMENT).await;
    if !waits_for_request {
        scene.follow(good_script(mode));
    }
}

/// What the AWS SDK's own client makes of a fault, and how many requests have reached the endpoint.
pub async fn inject_with_sdk(fault: &Fault, mode: Mode) -> (Answer, usize) {
    // An answer that ours refuses to read further is read until the time is over.
    let waits = fault.waits(mode) || fault.sdk_differs.is_some();
    let scene = Scene::set(fault, mode, waits).await;
    let http = HttpClient::new(Roots::File(scene.authorities()));
    let sdk = sdk_config(&scene.url)
        .http_client(http.for_sdk())
        .load()
        .await;
    let config = Config::read(|name| {
        let known = scene.variables.iter().find(|(known, _)| *known == name);
        let target = (name == "TARGET_LAMBDA_NAME").then(|| "core".to_owned());
        known.map(|(_, value)| value.clone()).or(target)
    });
    let settings = config.expect("a configuration").settings;
    let edge = Edge::new(settings, SdkCore::new(&sdk, "core")).with_log(|_| {});
    let is_direct = fault.direct_event.is_some();
    let event = event(fault);
    let mut context = Context::default();
    context.deadline = milliseconds(SystemTime::now() + deadline(fault));
    if fault.before != Before::Nothing {
        let answer = Answer::of_reply(edge.handle(&event, &context).await, is_direct).await;
        assert!(answer.is_good(), "{}: {answer:?}", fault.name);
        happen(fault, mode, &scene).await;
    }
    let calls = scene.calls();
    let answer = Answer::of_reply(edge.handle(&event, &context).await, is_direct).await;
    (answer, scene.calls() - calls)
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).expect("a time");
    u64::try_from(since.as_millis()).expect("a time")
}

/// Sends bytes, and then keeps the connection open in silence.
pub fn then_silence(bytes: Vec<u8>) -> Vec<Step> {
    vec![Step::Send(bytes), Step::Hold]
}
