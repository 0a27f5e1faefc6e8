//! How many environments Lambda keeps, and what it answers beyond that.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::Method;
use inference_edge::lambda::ConcurrencyLimits;
use rustix::process::{Pid, test_kill_process};
use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{Stack, TEST_TIMEOUT, header, program, scripted_core, send, text, value};
use crate::lambda::LambdaService;

fn limits(environments: usize) -> ConcurrencyLimits {
    ConcurrencyLimits {
        environments,
        ..ConcurrencyLimits::default()
    }
}

/// A path in the folder of temporary files at which there is no file.
fn new_path() -> PathBuf {
    std::env::temp_dir().join(format!("inference-edge-{}", uuid::Uuid::new_v4()))
}

async fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < TEST_TIMEOUT, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn is_running(pid: &str) -> bool {
    let pid = Pid::from_raw(pid.parse().expect("a process id")).expect("a process id");
    test_kill_process(pid).is_ok()
}

/// An invocation that ends when its file is created.
struct HeldInvocation {
    path: PathBuf,
    asked: JoinSet<u16>,
}

impl HeldInvocation {
    /// Starts the invocation, and returns when the service has no environment left for another.
    async fn start(service: &Arc<LambdaService>) -> Self {
        let path = new_path();
        let question = format!("hold:{}", path.display());
        let mut asked = JoinSet::new();
        let asking = Arc::clone(service);
        asked.spawn(async move {
            // The questions below may be first.
            loop {
                match asking.ask(&question).await.status.as_u16() {
                    429 => {}
                    status => return status,
                }
            }
        });
        while service.ask("text").await.status != 429 {}
        Self { path, asked }
    }

    async fn end(self) {
        std::fs::write(&self.path, "").expect("a file");
        assert_eq!(self.asked.join_all().await, [200]);
        remove(&self.path);
    }
}

fn remove(path: &Path) {
    std::fs::remove_file(path).expect("the file");
}

#[tokio::test]
async fn an_environment_that_is_idle_ends_and_the_next_request_starts_another() {
    let idle_timeout = Duration::from_millis(50);
    let limits = ConcurrencyLimits {
        idle_timeout,
        ..ConcurrencyLimits::default()
    };
    let service = LambdaService::start_with(limits, |_| {}).await;
    let first = text(&service.ask("pid").await);
    wait_until("the end of the process", || !is_running(&first)).await;
    let second = text(&service.ask("pid").await);
    assert_ne!(first, second);
    service.lambda.stop().await;
}

#[tokio::test]
async fn a_new_tenant_gets_the_place_of_the_one_that_has_been_idle_for_longest() {
    // Half of the limit is for one function.
    let service = LambdaService::start_with(limits(4), |_| {}).await;
    let ask = async |tenant: &str| {
        let headers = [("x-amz-tenant-id", tenant.to_owned())];
        let answer = service.invoke("core", &headers, r#"{"question":"pid"}"#);
        text(&answer.await)
    };
    let (first, second) = (ask("first").await, ask("second").await);
    assert_eq!(ask("first").await, first, "an environment is kept");
    for n in 0..20 {
        ask(&format!("tenant {n}")).await;
    }
    wait_until("the end of the environments of the first tenants", || {
        !is_running(&first) && !is_running(&second)
    })
    .await;
    service.lambda.stop().await;
}

#[tokio::test]
async fn beyond_the_concurrency_of_the_account_a_caller_is_throttled() {
    let service = Arc::new(LambdaService::start_with(limits(1), |_| {}).await);
    let held = HeldInvocation::start(&service).await;
    let answer = service.ask("text").await;
    let expected = json!({ "Reason": "ConcurrentInvocationLimitExceeded", "Type": "User", "message": "Rate Exceeded." });
    assert_eq!(
        (answer.status.as_u16(), value(&answer)),
        (429, expected),
        "{}",
        header(&answer, "x-amzn-errortype")
    );
    held.end().await;
    assert_eq!(service.ask("text").await.status, 200);
    service.lambda.stop().await;
}

#[tokio::test]
async fn events_beyond_the_concurrency_are_queued_and_run_later() {
    for (name, reserved) in [("account", None), ("function", Some(1))] {
        let service = LambdaService::start_with(limits(1), |function| {
            function.reserved_concurrency = reserved;
        });
        let service = Arc::new(service.await);
        let held = HeldInvocation::start(&service).await;
        let paths: Vec<_> = (0..5).map(|_| new_path()).collect();
        for path in &paths {
            let kind = [("x-amz-invocation-type", "Event".to_owned())];
            let event = json!({ "question": format!("create:{}", path.display()) });
            let answer = service.invoke("core", &kind, &event.to_string()).await;
            assert_eq!(answer.status, 202, "{name}: {}", text(&answer));
        }
        assert!(paths.iter().all(|path| !path.exists()), "{name}");
        held.end().await;
        wait_until("the events", || paths.iter().all(|path| path.exists())).await;
        paths.iter().for_each(|path| remove(path));
        service.lambda.stop().await;
    }
}

#[tokio::test]
async fn an_event_that_fails_is_attempted_twice_more_with_its_request_id() {
    let wait = Duration::from_millis(10);
    for (name, succeeds, attempts) in [
        ("it succeeds", 1, 1),
        ("its second attempt succeeds", 2, 2),
        ("its third attempt succeeds", 3, 3),
        ("it always fails", 9, 3),
    ] {
        let limits = ConcurrencyLimits {
            event_retry_waits: [wait, 2 * wait],
            ..ConcurrencyLimits::default()
        };
        let service = LambdaService::start_with(limits, |_| {}).await;
        let path = new_path();
        let kind = [("x-amz-invocation-type", "Event".to_owned())];
        let question = format!("fail-until:{succeeds}:{}", path.display());
        let event = json!({ "question": question }).to_string();
        let answer = service.invoke("core", &kind, &event).await;
        assert_eq!(answer.status, 202, "{name}: {}", text(&answer));
        let ids = || std::fs::read_to_string(&path).unwrap_or_default();
        wait_until("the attempts", || ids().lines().count() >= attempts).await;
        // Long enough for another attempt, if there were one.
        tokio::time::sleep(20 * wait).await;
        let id = header(&answer, "x-amzn-requestid");
        assert_eq!(ids(), format!("{id}\n").repeat(attempts), "{name}");
        remove(&path);
        service.lambda.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_few_descriptors_requests_are_answered_or_throttled() {
    let mut shell = std::process::Command::new("sh");
    let stack = program(&["--port", "0", "--no-throttling", "--core", &scripted_core()]);
    shell
        .args([
            "-c",
            "ulimit -S -n 256 && ulimit -H -n 256 && exec \"$0\" \"$@\"",
        ])
        .arg(stack.get_program())
        .args(stack.get_args());
    let stack = Arc::new(Stack::start_command(shell));
    let mut connections = JoinSet::new();
    for _ in 0..64 {
        let stack = Arc::clone(&stack);
        connections.spawn(async move {
            let mut statuses = Vec::new();
            for _ in 0..10 {
                statuses.push(stack.ask_core("text").await.status.as_u16());
            }
            statuses
        });
    }
    let statuses = connections.join_all().await.concat();
    let count = |status: u16| statuses.iter().filter(|known| **known == status).count();
    assert_eq!(
        count(200) + count(503),
        640,
        "others than 200 and 503: {statuses:?}\n{}",
        stack
            .written()
            .lines()
            .filter(|line| line.contains("→ 500"))
            .collect::<Vec<_>>()
            .join("\n")
    );
    assert!(count(200) > 0, "{statuses:?}");
    assert_eq!(stack.ask_core("text").await.status, 200);
}

#[tokio::test]
async fn beyond_the_templates_rate_the_apis_answer_429_unless_an_option_says_otherwise() {
    for (api, options, is_throttled) in [
        ("/apiUrl", &[][..], true),
        ("/restApiUrl", &[][..], true),
        ("/streamApiUrl", &[][..], true),
        ("/apiUrl", &["--no-throttling"][..], false),
        ("/restApiUrl", &["--no-throttling"][..], false),
    ] {
        let stack = Arc::new(Stack::scripted(options));
        let mut asked = JoinSet::new();
        // A request without a token costs nothing, so that the rate is passed on a slow machine
        // too.
        for _ in 0..8 {
            let stack = Arc::clone(&stack);
            asked.spawn(async move {
                let mut throttled = Vec::new();
                for _ in 0..100 {
                    let url = format!("{}/inference", stack.ready_value(api));
                    let answer = send(Method::POST, &url, &[], "").await;
                    match answer.status.as_u16() {
                        401 => {}
                        429 => throttled.push(text(&answer)),
                        other => panic!("{other}: {}", text(&answer)),
                    }
                }
                throttled
            });
        }
        let throttled = asked.join_all().await.concat();
        assert_eq!(!throttled.is_empty(), is_throttled, "{api} {options:?}");
        assert!(
            throttled
                .iter()
                .all(|body| body == r#"{"message":"Too Many Requests"}"#),
            "{throttled:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_file_starts_core_anew_and_a_running_request_is_not_disturbed() {
    let folder = new_path();
    std::fs::create_dir(&folder).expect("a folder");
    let watch = format!("--watch={}", folder.display());
    let stack = Arc::new(Stack::scripted(&[&watch]));
    let first = text(&stack.ask_core("pid").await);
    assert_eq!(text(&stack.ask_core("pid").await), first, "it is kept");
    let held_until = new_path();
    let question = format!("hold:{}", held_until.display());
    let asking = Arc::clone(&stack);
    let held = tokio::spawn(async move { asking.ask_core(&question).await });
    stack.wait_for("scripted core: hold");
    std::fs::write(folder.join("app.py"), "changed").expect("a file");
    stack.wait_for("core │ a file has changed");
    let second = text(&stack.ask_core("pid").await);
    assert_ne!(second, first);
    std::fs::write(&held_until, "").expect("a file");
    let held = held.await.expect("an answer");
    assert_eq!(held.status, 200, "{}", text(&held));
    wait_until("the end of the first environment", || !is_running(&first)).await;
    remove(&held_until);
    std::fs::remove_dir_all(&folder).expect("the folder");
}
