//! `docs/layers.svg` is a picture of the sources: it has each module, in a layer from which imports
//! lead down.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::imports_by_module;
use crate::source::{root, sources};

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

#[test]
fn an_import_that_leads_up_is_reported() {
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
    let upwards = |name, other| imports_upwards("local", &modules, &imports(name, other));
    assert_eq!(upwards("a", "b"), [""; 0]);
    assert_eq!(upwards("b", "a"), ["b imports a"]);
}
