//! What the documents claim about the program, its sources and the template, held against them.

mod links;
mod messages;
mod options;
mod template;
mod variables;

use std::path::{Path, PathBuf};

use crate::ROOT;
use crate::document::Document;
pub use links::{dead_links, missing_files};
pub use messages::{codes_of_the_edge, codes_of_the_table, unknown_messages};
pub use options::{options_of_the_program, options_of_the_table, unknown_options};
pub use template::{
    outputs_of_the_table, outputs_of_the_template, parameters_of_the_table,
    parameters_of_the_template,
};
pub use variables::{unknown_variables, variables_that_differ};

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn document(path: &str) -> Document {
    Document::parse(path, &read(path))
}

/// Every file below a folder, or the file itself; this test and what is built or installed left
/// out.
fn files(path: &Path) -> Vec<PathBuf> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if [
        "node_modules",
        "dist",
        "markdown",
        "__pycache__",
        "target",
        ".git",
    ]
    .contains(&name)
    {
        return Vec::new();
    }
    match std::fs::read_dir(path) {
        Ok(folder) => folder
            .flatten()
            .flat_map(|entry| files(&entry.path()))
            .collect(),
        Err(_) => vec![path.to_path_buf()],
    }
}

fn text_of(paths: &[&str]) -> String {
    let files = paths
        .iter()
        .flat_map(|path| files(&Path::new(ROOT).join(path)));
    files
        .map(|path| {
            String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned() + "\n"
        })
        .collect()
}

/// Words that stand between back quotes in a cell.
fn spans(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}
