//! Which package may know which: nothing that is deployed knows the local stack, and only tests use
//! the testkit.

use std::path::{Path, PathBuf};

use crate::imports::imported_modules;
use crate::source::{code, identifiers, root, sources};

#[test]
fn the_deployed_packages_do_not_know_the_local_stack() {
    for folder in ["edge", "core", "crates"] {
        let sources = sources(folder);
        assert!(!sources.is_empty(), "{folder} has no sources");
        for (path, code) in sources {
            assert_eq!(import_of_local_stack(&code), None, "{}", path.display());
        }
    }
    for manifest in manifests() {
        let text = std::fs::read_to_string(&manifest).expect("a manifest");
        assert_eq!(
            dependency_on_root(&text, manifest.parent().expect("a folder")),
            None,
            "{}",
            manifest.display()
        );
    }
}

#[test]
fn only_tests_use_the_testkit() {
    for manifest in manifests().into_iter().chain([root().join("Cargo.toml")]) {
        let text = std::fs::read_to_string(&manifest).expect("a manifest");
        assert_eq!(
            normal_dependency(&text, "testkit"),
            None,
            "{}",
            manifest.display()
        );
    }
}

/// The manifests of the deployed packages and of the shared crates.
fn manifests() -> Vec<PathBuf> {
    let crates = std::fs::read_dir(root().join("crates")).expect("the shared crates");
    let folders = crates
        .map(|entry| entry.expect("an entry").path())
        .chain(["edge", "core"].map(|name| root().join(name)));
    folders.map(|folder| folder.join("Cargo.toml")).collect()
}

/// The path by which a source names the local stack.
fn import_of_local_stack(code: &str) -> Option<&'static str> {
    if identifiers(code).any(|word| word == "inference_edge") {
        return Some("inference_edge");
    }
    imported_modules(code)
        .iter()
        .any(|module| module == "local")
        .then_some("crate::local")
}

/// The line of a manifest that makes the package depend on the root package.
fn dependency_on_root(manifest: &str, folder: &Path) -> Option<String> {
    let root = root().canonicalize().expect("the root");
    let is_root = |path: &str| {
        folder
            .join(path)
            .canonicalize()
            .is_ok_and(|path| path == root)
    };
    let names_root = |line: &&str| {
        let line = line.split('#').next().unwrap_or_default().trim();
        let line = line.strip_prefix("[dependencies.").unwrap_or(line);
        let path = line
            .split_once("path = \"")
            .and_then(|(_, rest)| rest.split('"').next());
        line.starts_with("inference-edge")
            || line.contains("package = \"inference-edge\"")
            || path.is_some_and(is_root)
    };
    manifest.lines().find(names_root).map(str::to_owned)
}

/// The section of a manifest by which what is built, and not only what is tested, depends on a
/// package.
fn normal_dependency(manifest: &str, package: &str) -> Option<String> {
    let mut section = "";
    for line in manifest.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        }
        let kind = section
            .strip_suffix(&format!(".{package}"))
            .unwrap_or(section);
        let is_normal = kind != "workspace.dependencies"
            && (kind.ends_with("build-dependencies")
                || (kind.ends_with("dependencies") && !kind.ends_with("dev-dependencies")));
        let names_package = kind != section
            || line
                .strip_prefix(package)
                .is_some_and(|rest| rest.starts_with([' ', '.', '=']))
            || line.contains(&format!("package = \"{package}\""));
        if is_normal && names_package {
            return Some(section.to_owned());
        }
    }
    None
}

#[test]
fn an_import_of_the_local_stack_is_reported() {
    for (source, expected) in [
        ("use inference_edge::http;", Some("inference_edge")),
        ("use crate::local::http;", Some("crate::local")),
        ("// inference_edge\nlet name = \"inference_edge\";", None),
    ] {
        assert_eq!(import_of_local_stack(&code(source)), expected, "{source}");
    }
}

#[test]
fn a_dependency_on_the_local_stack_is_reported() {
    let edge = root().join("edge");
    let dependency = |line: &str| {
        let manifest = format!("[package]\nname = \"edge\"\n[dependencies]\n{line}\n");
        dependency_on_root(&manifest, &edge)
    };
    for line in [
        "inference-edge.workspace = true",
        "stack = { package = \"inference-edge\", version = \"1\" }",
        "x = { path = \"..\" }",
    ] {
        assert_eq!(dependency(line).as_deref(), Some(line));
    }
    let another = "jws = { path = \"../crates/jws\" } # not inference-edge";
    assert_eq!(dependency(another), None);
}

#[test]
fn a_dependency_of_what_is_built_is_told_from_one_of_the_tests() {
    for section in [
        "dependencies",
        "build-dependencies",
        "target.'cfg(unix)'.dependencies",
    ] {
        let manifest = format!("[{section}]\ntestkit.workspace = true\n[dev-dependencies]\n");
        let found = normal_dependency(&manifest, "testkit");
        assert_eq!(found.as_deref(), Some(section));
        let manifest = format!("[{section}.testkit]\nworkspace = true\n");
        assert!(normal_dependency(&manifest, "testkit").is_some());
    }
    let dev = "[workspace.dependencies]\ntestkit = {}\n[dependencies]\na = 1\n[dev-dependencies]\ntestkit = {}\n";
    assert_eq!(normal_dependency(dev, "testkit"), None);
}
