//! A measurement, which is run by name: how the console's page does while 10,000 requests pass at
//! 500 a second. It prints the table of docs/performance.md.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::Request;
use http_body_util::Full;
use inference_edge::http::HttpClient;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::driver::{Browser, browser_is_missing};
use crate::harness::Stack;

const REQUESTS: u32 = 10_000;
/// 500 a second.
const INTERVAL: Duration = Duration::from_millis(2);
const CLICKS: usize = 20;
const QUESTION: &str =
    r#"{"partner":"Apple","year":2023,"period":"Q1","question":"What was the revenue?"}"#;

/// Notes the records of which the page is told, and its longest task.
const OBSERVE: &str = "
    window.seen = new Set();
    window.longest = 0;
    new EventSource('live').onmessage = ({ data }) => { for (const one of JSON.parse(data).records) window.seen.add(one.id); };
    new PerformanceObserver((list) => { for (const one of list.getEntries()) window.longest = Math.max(window.longest, one.duration); }).observe({ entryTypes: ['longtask'] });
    return true;";

/// Clicks a row near the top; returns the milliseconds until its request is drawn, and whether the
/// stack had dropped it by then.
const CLICK: &str = "
    const [done] = [...arguments].slice(-1);
    const rows = document.querySelectorAll('#requests li');
    const row = rows[Math.min(5, rows.length - 1)];
    const { id } = row.dataset;
    const start = performance.now();
    row.querySelector('.open').click();
    const look = () => {
        const panel = document.getElementById('view-requests').textContent;
        const dropped = panel.includes(`there is no record ${id}:`);
        if (dropped || panel.includes(`#${id} · `)) requestAnimationFrame(() => done([performance.now() - start, dropped]));
        else requestAnimationFrame(look);
    };
    look();";

/// What was measured in one phase.
struct Phase {
    name: &'static str,
    clicks: Vec<f64>,
    dropped: usize,
    heap: f64,
    longest_task: f64,
}

impl Phase {
    async fn measure(name: &'static str, browser: &Browser, pause: Duration) -> Self {
        browser.value("window.longest = 0; return true;").await;
        let mut clicks = Vec::new();
        let mut dropped = 0;
        for _ in 0..CLICKS {
            tokio::time::sleep(pause).await;
            let clicked = browser.client.execute_async(CLICK, vec![]).await;
            let clicked = clicked.expect("a click");
            clicks.push(clicked[0].as_f64().expect("milliseconds"));
            dropped += usize::from(clicked[1] == true);
        }
        clicks.sort_by(f64::total_cmp);
        Self {
            name,
            clicks,
            dropped,
            heap: heap_mib(browser).await,
            longest_task: browser
                .value("return window.longest")
                .await
                .as_f64()
                .unwrap_or_default(),
        }
    }

    fn row(&self) -> String {
        format!(
            "| {} | {:.0} | {:.0} | {} of {CLICKS} | {:.0} | {:.1} |",
            self.name,
            self.clicks[CLICKS / 2],
            self.clicks[CLICKS - 1],
            self.dropped,
            self.longest_task,
            self.heap
        )
    }
}

/// The used part of the page's JavaScript heap after a collection, in MiB.
async fn heap_mib(browser: &Browser) -> f64 {
    browser
        .devtools("HeapProfiler.collectGarbage", json!({}))
        .await;
    let metrics = browser.devtools("Performance.getMetrics", json!({})).await;
    let metrics = metrics["metrics"].as_array().expect("metrics");
    let is_heap = |metric: &&Value| metric["name"] == "JSHeapUsedSize";
    let heap = metrics.iter().find(is_heap).expect("the heap");
    heap["value"].as_f64().expect("bytes") / 1_048_576.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement of half a minute, for docs/performance.md"]
async fn a_page_that_is_open_during_ten_thousand_requests_stays_usable() {
    if browser_is_missing() {
        return;
    }
    let stack = Arc::new(Stack::start(&["--no-throttling"]));
    let browser = Browser::start().await;
    browser.devtools("Performance.enable", json!({})).await;
    browser.open(stack.ready_value("/consoleUrl")).await;
    browser.sees("live").await;
    browser.value(OBSERVE).await;
    for _ in 0..20 {
        assert_eq!(stack.ask(QUESTION).await.status, 200);
    }
    browser.sees_rows(20).await;
    let pause = Duration::from_millis(500);
    let before = Phase::measure("before", &browser, pause).await;
    let load = tokio::spawn(load(Arc::clone(&stack)));
    let during = Phase::measure("during", &browser, Duration::from_millis(800)).await;
    let (rate, statuses) = load.await.expect("the requests");
    let deadline = Instant::now() + crate::harness::TEST_TIMEOUT;
    let known = loop {
        let known = browser.value("return window.seen.size").await;
        let is_all = known.as_u64() >= Some(u64::from(REQUESTS) + 20);
        if is_all || Instant::now() > deadline {
            break known;
        }
        tokio::time::sleep(pause).await;
    };
    let after = Phase::measure("after", &browser, pause).await;
    println!(
        "{REQUESTS} requests, {rate:.0} a second, by status {statuses:?}; the page was told of {known} of {}\n\n\
         | | click, median ms | click, most ms | dropped before the click | longest task ms | heap MiB |\n|---|---|---|---|---|---|\n{}\n{}\n{}",
        REQUESTS + 20,
        before.row(),
        during.row(),
        after.row()
    );
    browser.end().await;
}

/// Sends the requests at their rate, however long each takes; returns how many a second were
/// answered, and how often each status came; 0 is a connection without an answer.
async fn load(stack: Arc<Stack>) -> (f64, BTreeMap<u16, usize>) {
    let start = Instant::now();
    let mut ticks = tokio::time::interval(INTERVAL);
    let mut asked = JoinSet::new();
    let client = HttpClient::new();
    for _ in 0..REQUESTS {
        ticks.tick().await;
        let (client, request) = (client.clone(), question(&stack));
        asked.spawn(async move { client.send(request, crate::harness::TEST_TIMEOUT).await });
    }
    let answers = asked.join_all().await;
    let rate = f64::from(REQUESTS) / start.elapsed().as_secs_f64();
    let mut statuses = BTreeMap::new();
    for answer in answers {
        let status = answer.map_or(0, |answer| answer.status.as_u16());
        *statuses.entry(status).or_default() += 1;
    }
    (rate, statuses)
}

/// A request with the first user's ID token.
fn question(stack: &Stack) -> Request<Full<Bytes>> {
    let token = stack.ready_value("/idToken");
    Request::post(format!("{}/inference", stack.ready_value("/apiUrl")))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Full::from(QUESTION))
        .expect("a request")
}
