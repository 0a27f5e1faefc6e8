//! The invariants of the architecture that the compiler does not check: which module may import
//! which, which package may know which, where the environment is read, and which words may not be
//! identifiers.
//!
//! The checks read the sources as text, without comments and literals. They do not expand macros or
//! resolve aliases.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Identifiers that say nothing to a reader from outside, each with the standard term that replaces
/// it.
const FORBIDDEN_IDENTIFIERS: &[(&str, &str)] = &[
    ("AHEAD", "PRECONNECT_TIMEOUT"),
    ("ADDRESS", "PER_ADDRESS_TIMEOUT"),
    ("Account", "CredentialsCache or User"),
    ("BeforeCore", "Retryable"),
    ("Between", "Wildcard"),
    ("CONNECT", "CONNECT_TIMEOUT"),
    ("Claimed", "AuthorizationHeader"),
    ("Cut", "StreamAborted"),
    ("DaysKey", "SigningKey"),
    ("Door", "EventSource"),
    ("Dress", "CommonHeaders"),
    ("FLOOR", "JWKS_REFRESH_COOLDOWN"),
    ("FRESH", "JWKS_TTL"),
    ("FieldsThere", "RequiredFieldsVisitor"),
    ("NOT_CORES", "HOP_BY_HOP_HEADERS"),
    ("NoAnswer", "RequestError"),
    ("NotTaken", "ResponseRejected"),
    ("Opened", "ResponseHead"),
    ("Opening", "PreludeParser"),
    ("PAUSES", "BACKOFF"),
    ("Proof", "AuthorizerContext"),
    ("Refused", "SignatureError"),
    ("Relay", "StreamBody"),
    ("Room", "the name of the service"),
    ("Rooms", "Services"),
    ("Served", "RouteTable"),
    ("Told", "ClaimValue"),
    ("USABLE", "JWKS_MAX_STALE"),
    ("admit", "route"),
    ("dress", "with_common_headers"),
    ("dressed", "with_common_headers"),
    ("fitting", "to_json_within_limit"),
    ("keep_freed", "tune_malloc"),
    ("reach", "connect"),
    ("room", "the name of the service"),
    ("rooms", "services"),
    ("says_yes", "is_true"),
    ("short", "truncate"),
    ("slips", "common_mistakes"),
    ("speak", "handshake"),
    ("told", "error_chain"),
    ("told_to_stop", "stop_signal"),
    ("was_turned_away", "is_retryable"),
];

/// The only module of the local stack that may import all others, and that no other may import.
const STACK: &str = "stack";

#[test]
fn the_modules_of_the_local_stack_import_each_other_without_circles() {
    let imports = imports_by_module("local", &sources("local"));
    assert!(
        imports.len() > 10,
        "the modules of local were not found: {imports:?}"
    );
    assert_eq!(import_circle(&imports), None);
    let importers: Vec<_> = imports
        .iter()
        .filter(|(_, imported)| imported.contains(STACK))
        .map(|(name, _)| name)
        .collect();
    assert!(
        importers.is_empty(),
        "only main may import {STACK}, which knows all services: {importers:?}"
    );
}

#[test]
fn the_modules_of_the_deployed_packages_import_each_other_without_circles() {
    for folder in [
        "edge/src",
        "core/src",
        "crates/jws/src",
        "crates/lambda-client/src",
        "crates/sigv4/src",
    ] {
        let imports = imports_by_module(folder, &sources(folder));
        assert!(
            imports.len() > 3,
            "the modules of {folder} were not found: {imports:?}"
        );
        assert_eq!(import_circle(&imports), None, "{folder}");
    }
}

/// A module that the picture names: its folder, its name, and its layer, counted from below.
type DrawnModule = (String, String, Option<u32>);

/// The modules that `docs/layers.svg` names.
fn drawn_modules(picture: &str) -> Vec<DrawnModule> {
    let groups = picture.split("<g data-folder=\"").skip(1);
    let modules = groups.flat_map(|group| {
        let (folder, rest) = group.split_once('"').expect("a folder");
        let inner = rest.split("</g>").next().unwrap_or_default();
        let texts = inner.split("<text class=\"module\"").skip(1);
        texts.map(move |text| {
            let (attributes, rest) = text.split_once('>').expect("a text");
            let name = rest.split('<').next().unwrap_or_default();
            let layer = attributes
                .split_once("data-layer=\"")
                .and_then(|(_, rest)| rest.split('"').next()?.parse().ok());
            (folder.to_owned(), name.to_owned(), layer)
        })
    });
    modules.collect()
}

/// The imports of a folder that lead up in the picture.
fn imports_upwards(
    folder: &str,
    modules: &[DrawnModule],
    imports: &BTreeMap<String, BTreeSet<String>>,
) -> Vec<String> {
    let layer = |name: &str| {
        let drawn = modules.iter().find(|(f, n, _)| f == folder && n == name);
        drawn.and_then(|(_, _, layer)| *layer)
    };
    let pairs = imports
        .iter()
        .flat_map(|(name, imported)| imported.iter().map(move |other| (name, other)));
    pairs
        .filter(|(name, other)| layer(other) > layer(name))
        .map(|(name, other)| format!("{name} imports {other}"))
        .collect()
}

#[test]
fn the_picture_of_the_layers_is_that_of_the_sources() {
    let picture = std::fs::read_to_string(root().join("docs/layers.svg")).expect("the picture");
    let modules = drawn_modules(&picture);
    for (folder, name, _) in &modules {
        let path = root().join(folder).join(name);
        assert!(
            path.is_dir() || path.with_extension("rs").is_file(),
            "docs/layers.svg names {folder}/{name}, which does not exist"
        );
    }
    for folder in ["edge/src", "core/src", "local"] {
        let imports = imports_by_module(folder, &sources(folder));
        let upwards = imports_upwards(folder, &modules, &imports);
        assert!(
            upwards.is_empty(),
            "in docs/layers.svg imports of {folder} lead down, but {upwards:?}: change the import, or move the \
             module in the picture"
        );
        let missing: Vec<_> = imports
            .keys()
            .filter(|name| !modules.iter().any(|(f, n, _)| f == folder && n == *name))
            .collect();
        assert!(
            missing.is_empty(),
            "docs/layers.svg does not have these modules of {folder}: {missing:?}"
        );
    }
}

/// The stages of the edge in their order; each may import those before it.
const STAGES: [&str; 8] = [
    "event",
    "route",
    "token",
    "authorize",
    "validate",
    "enrich",
    "invoke",
    "respond",
];

#[test]
fn a_stage_of_the_edge_imports_only_the_stages_before_it() {
    let folder = root().join("edge/src/stages");
    let sources = sources("edge/src/stages");
    let place = |name: &str| STAGES.iter().position(|stage| *stage == name);
    for (path, code) in &sources {
        let inner = path.strip_prefix(&folder).expect("a source of a stage");
        let first = inner
            .components()
            .next()
            .expect("a name")
            .as_os_str()
            .to_string_lossy();
        let own = place(first.strip_suffix(".rs").unwrap_or(&first))
            .unwrap_or_else(|| panic!("{first} is not in STAGES"));
        let later = later_stages(own, code);
        assert!(
            later.is_empty(),
            "{}: {} imports later stages: {later:?}",
            path.display(),
            STAGES[own]
        );
    }
    assert!(sources.len() >= STAGES.len());
}

fn logs(code: &str) -> bool {
    ["error!", "warn!", "info!", "debug!", "trace!"]
        .iter()
        .any(|level| code.contains(&format!("tracing::{level}")))
}

fn later_stages(own: usize, code: &str) -> Vec<String> {
    let imported = code
        .split("crate::stages::")
        .skip(1)
        .filter_map(|rest| identifiers(rest).next());
    let is_later = |name: &&str| {
        STAGES
            .iter()
            .position(|stage| stage == name)
            .is_none_or(|place| place > own)
    };
    imported.filter(is_later).map(str::to_owned).collect()
}

#[test]
fn only_some_files_of_the_edge_open_connections_or_log() {
    let connects = [
        "HttpClient",
        "HttpConnector",
        "PooledClient",
        "TcpStream",
        "TcpListener",
    ];
    let may_connect = [
        "lib.rs",
        "runtime.rs",
        "runtime/",
        "stages/invoke.rs",
        "stages/invoke/",
        "stages/token.rs",
        "stages/token/",
    ];
    let may_log = [
        "lib.rs",
        "pipeline.rs",
        "runtime.rs",
        "telemetry.rs",
        "telemetry/",
    ];
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
        let words: BTreeSet<_> = identifiers(&code).collect();
        assert!(
            is_in(&may_connect) || !connects.iter().any(|word| words.contains(word)),
            "{inner} opens connections"
        );
        assert!(is_in(&may_log) || !logs(&code), "{inner} logs");
    }
}

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

#[test]
fn identifiers_are_standard_terms() {
    for (path, code) in ["core", "crates", "edge", "fuzz", "local", "tests"]
        .into_iter()
        .flat_map(sources)
    {
        let found = forbidden_identifiers(&code);
        let advice: Vec<_> = found
            .iter()
            .map(|(word, term)| format!("{word} → {term}"))
            .collect();
        assert!(
            advice.is_empty(),
            "{}: {}",
            path.display(),
            advice.join(", ")
        );
    }
}

#[test]
fn each_check_reports_a_violation() {
    let module = |path: &str, text: &str| (root().join("local").join(path), code(text));
    let direct = [
        module("a.rs", "use crate::b::B;"),
        module("b/mod.rs", "use crate::{c, a::{A, self}};"),
        module("c.rs", ""),
    ];
    assert_eq!(
        import_circle(&imports_by_module("local", &direct)),
        Some("a → b → a".to_owned())
    );
    let indirect = [
        module("a.rs", "crate::b::f();"),
        module("b/x.rs", "use crate::c;"),
        module("c.rs", "use crate::a;"),
    ];
    assert_eq!(
        import_circle(&imports_by_module("local", &indirect)),
        Some("a → b → c → a".to_owned())
    );
    let comment = [
        module("a.rs", "use crate::b;"),
        module("b.rs", "// crate::a\nconst A: &str = \"crate::a\";"),
    ];
    assert_eq!(import_circle(&imports_by_module("local", &comment)), None);

    let picture = "<g data-folder=\"local\"><text class=\"module\" data-layer=\"2\" x=\"1\">a</text>\
                   <text class=\"module\" data-layer=\"1\">b</text></g><text class=\"module\">c</text>";
    let modules = drawn_modules(picture);
    assert_eq!(
        modules,
        [
            ("local".to_owned(), "a".to_owned(), Some(2)),
            ("local".to_owned(), "b".to_owned(), Some(1))
        ]
    );
    let imports = |name: &str, other: &str| {
        BTreeMap::from([(name.to_owned(), BTreeSet::from([other.to_owned()]))])
    };
    assert_eq!(
        imports_upwards("local", &modules, &imports("a", "b")),
        [""; 0]
    );
    assert_eq!(
        imports_upwards("local", &modules, &imports("b", "a")),
        ["b imports a"]
    );

    assert_eq!(
        later_stages(
            1,
            "use crate::stages::event::Request; use crate::stages::enrich::Enriched;"
        ),
        ["enrich"]
    );

    assert_eq!(
        import_of_local_stack(&code("use inference_edge::http;")),
        Some("inference_edge")
    );
    assert_eq!(
        import_of_local_stack(&code("use crate::local::http;")),
        Some("crate::local")
    );
    assert_eq!(
        import_of_local_stack(&code("// inference_edge\nlet name = \"inference_edge\";")),
        None
    );

    let edge = root().join("edge");
    let dependency = |line: &str| {
        dependency_on_root(
            &format!("[package]\nname = \"edge\"\n[dependencies]\n{line}\n"),
            &edge,
        )
    };
    for line in [
        "inference-edge.workspace = true",
        "stack = { package = \"inference-edge\", version = \"1\" }",
        "x = { path = \"..\" }",
    ] {
        assert_eq!(dependency(line), Some(line.to_owned()));
    }
    assert_eq!(
        dependency("jws = { path = \"../crates/jws\" } # not inference-edge"),
        None
    );

    for section in [
        "dependencies",
        "build-dependencies",
        "target.'cfg(unix)'.dependencies",
    ] {
        let manifest = format!("[{section}]\ntestkit.workspace = true\n[dev-dependencies]\n");
        assert_eq!(
            normal_dependency(&manifest, "testkit"),
            Some(section.to_owned())
        );
        let manifest = format!("[{section}.testkit]\nworkspace = true\n");
        assert!(normal_dependency(&manifest, "testkit").is_some());
    }
    let dev = "[workspace.dependencies]\ntestkit = {}\n[dependencies]\na = 1\n[dev-dependencies]\ntestkit = {}\n";
    assert_eq!(normal_dependency(dev, "testkit"), None);

    assert_eq!(
        environment_access(&code("let home = std::env::var(\"HOME\");")),
        Some("env::var")
    );
    assert_eq!(
        environment_access(&code("use std::env::{self, vars_os};")),
        Some("env::{")
    );
    assert_eq!(
        environment_access(&code("let arguments = std::env::args();")),
        None
    );

    assert_eq!(
        forbidden_identifiers(&code("struct Room;")),
        [("Room", "the name of the service")]
    );
    assert_eq!(
        forbidden_identifiers(&code(
            "struct Mushroom; // Room\nlet quote = '\\''; let text = r#\"Room\"#;"
        )),
        []
    );
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files below a folder of the repository, each without its comments and literals.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut folders = vec![root().join(folder)];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                sources.push((path, code(&text)));
            }
        }
    }
    sources
}

/// The manifests of the deployed packages and of the shared crates.
fn manifests() -> Vec<PathBuf> {
    let crates = std::fs::read_dir(root().join("crates")).expect("the shared crates");
    let folders = crates
        .map(|entry| entry.expect("an entry").path())
        .chain(["edge", "core"].map(|name| root().join(name)));
    folders.map(|folder| folder.join("Cargo.toml")).collect()
}

/// A source without its comments, strings and character literals, each of which becomes a space.
fn code(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let after_identifier = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let skipped = comment(rest)
            .or_else(|| {
                if after_identifier {
                    None
                } else {
                    raw_string(rest)
                }
            })
            .or_else(|| string(rest))
            .or_else(|| character(rest));
        match skipped {
            Some(length) => {
                code.push(' ');
                rest = &rest[length..];
            }
            None => {
                code.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    code
}

/// The length of the comment at the beginning of a text. Block comments are not nested in this
/// repository.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    let inner = text.strip_prefix("/*")?;
    Some(inner.find("*/").map_or(text.len(), |end| end + 4))
}

/// The length of the raw string at the beginning of a text.
fn raw_string(text: &str) -> Option<usize> {
    let marked = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let inner = marked.trim_start_matches('#');
    let marks = marked.len() - inner.len();
    let inner = inner.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(marks));
    let opening = text.len() - inner.len();
    Some(
        inner
            .find(&end)
            .map_or(text.len(), |length| opening + length + end.len()),
    )
}

/// The length of the string at the beginning of a text.
fn string(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('"')?;
    let mut is_escaped = false;
    let end = inner.char_indices().find(|(_, c)| {
        let is_end = *c == '"' && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        is_end
    });
    Some(end.map_or(text.len(), |(at, _)| at + 2))
}

/// The length of the character literal at the beginning of a text, which may be a lifetime instead.
fn character(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    let length = match inner.strip_prefix('\\') {
        Some(escape) => 2 + escape.get(1..)?.find('\'')?,
        None => inner.chars().next()?.len_utf8(),
    };
    inner[length..].starts_with('\'').then_some(length + 2)
}

fn identifiers(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

/// The top-level modules of a folder, each with those that it imports. The library's root and the
/// program are left out.
fn imports_by_module(
    folder: &str,
    sources: &[(PathBuf, String)],
) -> BTreeMap<String, BTreeSet<String>> {
    let mut modules: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, code) in sources {
        let inner = path
            .strip_prefix(root().join(folder))
            .expect("a source of the folder");
        let first = inner
            .components()
            .next()
            .expect("a name")
            .as_os_str()
            .to_string_lossy();
        let name = first.strip_suffix(".rs").unwrap_or(&first).to_owned();
        if !["lib", "main"].contains(&name.as_str()) {
            let imported = imported_modules(code)
                .into_iter()
                .filter(|imported| *imported != name);
            modules.entry(name.clone()).or_default().extend(imported);
        }
    }
    // The crate's root has items too, which are no modules.
    let known: BTreeSet<String> = modules.keys().cloned().collect();
    modules
        .values_mut()
        .for_each(|imported| imported.retain(|name| known.contains(name)));
    modules
}

/// The modules that follow `crate::` in a source, alone or in a group.
fn imported_modules(code: &str) -> Vec<String> {
    let mut modules = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            modules.extend(identifiers(rest).next().map(str::to_owned));
            continue;
        };
        let mut depth = 1;
        let end = group.find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0
        });
        let mut depth = 0;
        let members = group[..end.unwrap_or(group.len())].split(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 0
        });
        modules.extend(
            members
                .filter_map(|member| identifiers(member).next())
                .map(str::to_owned),
        );
    }
    modules
}

/// A circle of imports, if there is one: `a → b → a`.
fn import_circle(imports: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    fn search<'a>(
        name: &'a str,
        imports: &'a BTreeMap<String, BTreeSet<String>>,
        path: &mut Vec<&'a str>,
        finished: &mut BTreeSet<&'a str>,
    ) -> Option<String> {
        if let Some(start) = path.iter().position(|known| *known == name) {
            return Some([&path[start..], &[name]].concat().join(" → "));
        }
        if finished.contains(name) {
            return None;
        }
        path.push(name);
        let circle = imports
            .get(name)?
            .iter()
            .find_map(|imported| search(imported, imports, path, finished));
        path.pop();
        finished.insert(name);
        circle
    }
    let mut finished = BTreeSet::new();
    imports
        .keys()
        .find_map(|name| search(name, imports, &mut Vec::new(), &mut finished))
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

/// How a source reads environment variables, if it does. A group after `env::` counts, whatever it
/// has.
fn environment_access(code: &str) -> Option<&'static str> {
    ["env::var", "env::{"]
        .into_iter()
        .find(|access| code.contains(access))
}

fn forbidden_identifiers(code: &str) -> Vec<(&'static str, &'static str)> {
    let words: BTreeSet<_> = identifiers(code).collect();
    FORBIDDEN_IDENTIFIERS
        .iter()
        .copied()
        .filter(|(word, _)| words.contains(word))
        .collect()
}
