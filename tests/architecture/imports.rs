//! Which module imports which: there is no circle in any package.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::source::{code, identifiers, module_of, root, sources};

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

/// The top-level modules of a folder, each with those that it imports. The library's root and the
/// program are left out.
pub fn imports_by_module(
    folder: &str,
    sources: &[(PathBuf, String)],
) -> BTreeMap<String, BTreeSet<String>> {
    let mut modules: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, code) in sources {
        let name = module_of(folder, path);
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
pub fn imported_modules(code: &str) -> Vec<String> {
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

#[test]
fn a_circle_is_reported_with_its_modules() {
    let module = |path: &str, text: &str| (root().join("local").join(path), code(text));
    let circle =
        |sources: &[(PathBuf, String)]| import_circle(&imports_by_module("local", sources));
    let direct = [
        module("a.rs", "use crate::b::B;"),
        module("b/mod.rs", "use crate::{c, a::{A, self}};"),
        module("c.rs", ""),
    ];
    assert_eq!(circle(&direct).as_deref(), Some("a → b → a"));
    let indirect = [
        module("a.rs", "crate::b::f();"),
        module("b/x.rs", "use crate::c;"),
        module("c.rs", "use crate::a;"),
    ];
    assert_eq!(circle(&indirect).as_deref(), Some("a → b → c → a"));
    let comment = [
        module("a.rs", "use crate::b;"),
        module("b.rs", "// crate::a\nconst A: &str = \"crate::a\";"),
    ];
    assert_eq!(circle(&comment), None);
}
