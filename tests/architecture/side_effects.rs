//! Which files of the edge open connections, and which write to the log.

use std::collections::BTreeSet;

use crate::source::{identifiers, root, sources};

/// The types that open connections.
const CONNECTING: [&str; 5] = [
    "HttpClient",
    "HttpConnector",
    "PooledClient",
    "TcpStream",
    "TcpListener",
];
/// The files, and folders, that may open connections.
const MAY_CONNECT: [&str; 7] = [
    "lib.rs",
    "runtime.rs",
    "runtime/",
    "stages/invoke.rs",
    "stages/invoke/",
    "stages/token.rs",
    "stages/token/",
];
/// The files, and folders, that may log.
const MAY_LOG: [&str; 5] = [
    "lib.rs",
    "pipeline.rs",
    "runtime.rs",
    "telemetry.rs",
    "telemetry/",
];

fn opens_connections(code: &str) -> bool {
    let words: BTreeSet<_> = identifiers(code).collect();
    CONNECTING.iter().any(|word| words.contains(word))
}

fn logs(code: &str) -> bool {
    ["error!", "warn!", "info!", "debug!", "trace!"]
        .iter()
        .any(|level| code.contains(&format!("tracing::{level}")))
}

#[test]
fn only_some_files_of_the_edge_open_connections_or_log() {
    for (path, code) in sources("edge/src") {
        let inner = path
            .strip_prefix(root().join("edge/src"))
            .expect("a source of the edge")
            .to_string_lossy()
            .into_owned();
        let is_in = |files: &[&str]| {
            files
                .iter()
                .any(|file| inner == *file || (file.ends_with('/') && inner.starts_with(file)))
        };
        assert!(
            is_in(&MAY_CONNECT) || !opens_connections(&code),
            "{inner} opens connections"
        );
        assert!(is_in(&MAY_LOG) || !logs(&code), "{inner} logs");
    }
}

#[test]
fn a_connection_and_a_line_in_the_log_are_reported() {
    assert!(opens_connections("let http = HttpClient::new(roots);"));
    assert!(!opens_connections("let http = HttpClients::new(roots);"));
    assert!(logs("tracing::warn!(why);"));
    assert!(!logs("tracing::Level::WARN"));
}
