//! The edge reads the environment in its configuration only.

use std::path::Path;

use crate::source::{code, root, sources};

#[test]
fn the_edge_reads_the_environment_in_its_configuration_only() {
    let source_folder = root().join("edge/src");
    let is_configuration = |path: &Path| {
        path.starts_with(source_folder.join("config")) || path == source_folder.join("config.rs")
    };
    let sources = sources("edge/src");
    assert!(
        sources
            .iter()
            .any(|(path, code)| is_configuration(path) && environment_access(code).is_some())
    );
    for (path, code) in sources.iter().filter(|(path, _)| !is_configuration(path)) {
        assert_eq!(environment_access(code), None, "{}", path.display());
    }
}

/// How a source reads environment variables, if it does. A group after `env::` counts, whatever it
/// has.
fn environment_access(code: &str) -> Option<&'static str> {
    ["env::var", "env::{"]
        .into_iter()
        .find(|access| code.contains(access))
}

#[test]
fn an_access_to_the_environment_is_reported() {
    for (source, expected) in [
        ("let home = std::env::var(\"HOME\");", Some("env::var")),
        ("use std::env::{self, vars_os};", Some("env::{")),
        ("let arguments = std::env::args();", None),
    ] {
        assert_eq!(environment_access(&code(source)), expected, "{source}");
    }
}
