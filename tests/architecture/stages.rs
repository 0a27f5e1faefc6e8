//! The stages of the edge import only those before them.

use crate::source::{identifiers, module_of, sources};

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
    const FOLDER: &str = "edge/src/stages";
    let sources = sources(FOLDER);
    let place = |name: &str| STAGES.iter().position(|stage| *stage == name);
    for (path, code) in &sources {
        let name = module_of(FOLDER, path);
        let own = place(&name).unwrap_or_else(|| panic!("{name} is not in STAGES"));
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
fn an_import_of_a_later_stage_is_reported() {
    let code = "use crate::stages::event::Request; use crate::stages::enrich::Enriched;";
    assert_eq!(later_stages(1, code), ["enrich"]);
}
