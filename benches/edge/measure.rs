//! The measurements: cold starts, warm requests and concurrent requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::peers::Peer;
use super::process::Process;
use super::server::Server;
use super::table::Table;

const TIMEOUT: Duration = Duration::from_secs(60);

/// Cold starts of one peer: medians.
pub struct ColdStart {
    /// The name of the peer.
    pub peer: &'static str,
    /// Milliseconds from spawn to first poll.
    pub poll: f64,
    /// Milliseconds from spawn to first answer.
    pub answer: f64,
    /// Milliseconds of CPU until then.
    pub cpu: f64,
    /// Peak memory until then, in MiB.
    pub memory: f64,
}

/// Warm requests of one peer with bodies of one size: medians.
pub struct WarmRequests {
    /// The name of the peer.
    pub peer: &'static str,
    /// Bytes of the body.
    pub size: usize,
    /// Microseconds from event to answer.
    pub p50: f64,
    /// Microseconds from event to answer at the 99th percentile.
    pub p99: f64,
    /// Microseconds of CPU for each request.
    pub cpu: f64,
    /// Peak memory in MiB.
    pub memory: f64,
}

/// Measures cold starts: starts each peer in turn, `times` times.
pub fn cold(peers: &[Peer], times: usize) -> Vec<ColdStart> {
    let event = event(200);
    let mut samples: Vec<Vec<[f64; 4]>> = peers.iter().map(|_| Vec::new()).collect();
    for _ in 0..times {
        for (peer, samples) in peers.iter().zip(&mut samples) {
            let server = Server::start(core(200), Duration::ZERO);
            let process = Process::start(peer, &server.address, &[]);
            let polled = server
                .polled
                .recv_timeout(TIMEOUT)
                .unwrap_or_else(|_| panic!("{} does not poll", peer.name));
            server.send(&event);
            let (_, answered) = server
                .answers
                .recv_timeout(TIMEOUT)
                .unwrap_or_else(|_| panic!("{} does not answer", peer.name));
            let millis = |at: Instant| (at - process.spawned).as_secs_f64() * 1e3;
            samples.push([
                millis(polled),
                millis(answered),
                process.cpu(),
                process.peak(),
            ]);
        }
    }
    let medians = |samples: &[[f64; 4]]| {
        std::array::from_fn::<f64, 4, _>(|at| median(samples.iter().map(|sample| sample[at])))
    };
    let medians = samples.iter().map(|samples| medians(samples));
    let rows = peers.iter().zip(medians);
    rows.map(|(peer, [poll, answer, cpu, memory])| ColdStart {
        peer: peer.name,
        poll,
        answer,
        cpu,
        memory,
    })
    .collect()
}

/// Measures warm requests: keeps all peers running and sends each a round of requests in turn.
pub fn warm(peers: &[Peer], rounds: usize, sizes: &[(usize, usize)]) -> Vec<WarmRequests> {
    sizes
        .iter()
        .flat_map(|(size, requests)| warm_at(peers, rounds, *size, *requests))
        .collect()
}

fn warm_at(peers: &[Peer], rounds: usize, size: usize, requests: usize) -> Vec<WarmRequests> {
    let event = event(size);
    let running: Vec<_> = peers.iter().map(|peer| start(peer, size, &event)).collect();
    let mut times: Vec<Vec<f64>> = peers.iter().map(|_| Vec::new()).collect();
    let mut spent: Vec<Vec<f64>> = peers.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (at, (server, process)) in running.iter().enumerate() {
            let before = process.cpu();
            times[at].extend((0..requests).map(|_| server.invoke(&event).as_secs_f64() * 1e6));
            spent[at].push((process.cpu() - before) * 1e3 / requests as f64);
        }
    }
    let samples = times.into_iter().zip(spent);
    let rows = peers.iter().zip(&running).zip(samples);
    rows.map(|((peer, (_, process)), (mut times, spent))| {
        times.sort_by(f64::total_cmp);
        let p99 = times[(times.len() * 99 / 100).min(times.len() - 1)];
        WarmRequests {
            peer: peer.name,
            size,
            p50: times[times.len() / 2],
            p99,
            cpu: median(spent.into_iter()),
            memory: process.peak(),
        }
    })
    .collect()
}

fn start(peer: &Peer, size: usize, event: &Arc<Vec<u8>>) -> (Server, Process) {
    let server = Server::start(core(size), Duration::ZERO);
    let process = Process::start(peer, &server.address, &[]);
    let warm_up = if size > 100_000 { 2 } else { 100 };
    for _ in 0..warm_up {
        server.invoke(event);
    }
    (server, process)
}

/// Measures eight concurrent requests in one environment, with a core function that takes 20 ms.
pub fn concurrency(edge: &Peer) -> Table {
    const AT_ONCE: usize = 8;
    const DELAY: Duration = Duration::from_millis(20);
    let event = event(200);
    let mut table = Table::new(
        "One environment, a core that takes 20 ms",
        &["at once", "requests/s", "of the ideal"],
    );
    for at_once in [1, AT_ONCE] {
        let server = Server::start(core(200), DELAY);
        let concurrency = at_once.to_string();
        let _process = Process::start(
            edge,
            &server.address,
            &[("AWS_LAMBDA_MAX_CONCURRENCY", &concurrency)],
        );
        let answer = || {
            server
                .answers
                .recv_timeout(TIMEOUT)
                .map(|_| ())
                .expect("an answer")
        };
        (0..at_once).for_each(|_| server.send(&event));
        (0..at_once).for_each(|_| answer());
        let (total, start) = (60 * at_once, Instant::now());
        (0..at_once).for_each(|_| server.send(&event));
        for sent in at_once..total + at_once {
            answer();
            if sent < total {
                server.send(&event);
            }
        }
        let rate = total as f64 / start.elapsed().as_secs_f64();
        let ideal = at_once as f64 / DELAY.as_secs_f64();
        table.row([
            at_once.to_string(),
            format!("{rate:.0}"),
            format!("{:.0} %", rate / ideal * 100.0),
        ]);
    }
    table
}

/// The median; 0 if there are no values.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// An event of an HTTP API with a body of about `size` bytes that has characters to escape.
pub fn event(size: usize) -> Arc<Vec<u8>> {
    let filler = r#"a "question" "#.repeat(size.saturating_sub(90) / 13 + 1);
    let body =
        json!({ "partner": "acme", "year": 2023, "period": "Q1", "question": filler }).to_string();
    let claims = json!({
        "sub": "f468e498-f051-705f-e684-d15444d72ae5", "email": "user@example.com", "email_verified": "true", "token_use": "id",
        "iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_example", "aud": "4s0peq2cv7vuuvq00frkrt13hb", "exp": "4102444800",
    });
    let event = json!({
        "version": "2.0", "routeKey": "POST /inference", "rawPath": "/inference", "rawQueryString": "",
        "headers": { "content-type": "application/json", "origin": "https://main.example.com", "user-agent": "Mozilla/5.0", "x-forwarded-for": "203.0.113.7" },
        "requestContext": {
            "accountId": "123456789012", "apiId": "abc", "domainName": "abc.execute-api.us-east-1.amazonaws.com", "stage": "$default",
            "authorizer": { "jwt": { "claims": claims, "scopes": null } },
            "http": { "method": "POST", "path": "/inference", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "Mozilla/5.0" },
            "requestId": "LV7fzho-PHcEJPw=", "routeKey": "POST /inference", "time": "21/Apr/2025:15:08:21 +0000", "timeEpoch": 1_745_248_101_000_i64,
        },
        "body": body, "isBase64Encoded": false,
    });
    Arc::new(event.to_string().into_bytes())
}

/// The core function's response of about `size` bytes.
pub fn core(size: usize) -> Vec<u8> {
    json!({ "answer": r#"an "answer" "#.repeat(size / 12) })
        .to_string()
        .into_bytes()
}
