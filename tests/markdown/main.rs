//! Runs what the documents say: their shell and Python blocks against a real stack, and their claims about options, variables,
//! parameters, messages, files and links against the program and its sources.
//!
//! Instructions to this test stand in the documents, as comments on the line before a block; CONTRIBUTING.md lists them.

mod claims;
mod document;
mod not_run;
mod session;

use std::path::{Path, PathBuf};

use document::{Block, Document, Instruction};
use session::Session;

/// The repository's root, where every block runs.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The documents, in the order in which they are run.
fn documents() -> Vec<Document> {
    let mut paths = vec![PathBuf::from("README.md"), PathBuf::from("CONTRIBUTING.md"), PathBuf::from("SECURITY.md")];
    let folder = std::fs::read_dir(Path::new(ROOT).join("docs")).expect("the folder docs");
    let names = folder.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name in UTF-8"));
    let mut docs: Vec<_> = names.filter(|name| name.ends_with(".md")).map(|name| Path::new("docs").join(name)).collect();
    docs.sort();
    paths.append(&mut docs);
    let read = |path: &PathBuf| std::fs::read_to_string(Path::new(ROOT).join(path)).expect("a document");
    paths.iter().map(|path| Document::parse(&path.display().to_string(), &read(path))).collect()
}

/// One test for all of them: the stacks that they start use the same ports.
#[test]
fn every_command_of_the_documents_works() {
    let failures: Vec<String> = documents().iter().filter_map(|document| run(document).err()).collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
}

/// Runs a document's blocks in order, in one shell. The first that fails ends the document: what follows may depend on it.
fn run(document: &Document) -> Result<(), String> {
    let is_run = |block: &&Block| block.is_shell() && !block.is_run_elsewhere();
    if !document.blocks.iter().any(|block| is_run(&block)) {
        return Ok(());
    }
    for tool in ["bash", "curl", "jq"] {
        if !session::is_there(tool) {
            return not_run::report(&document.path, &format!("{tool} is not installed"), &format!("install {tool}"));
        }
    }
    let mut session = Session::start();
    let mut output: Option<String> = None;
    for block in &document.blocks {
        let at = format!("{}:{}", document.path, block.line);
        if block.instructions.contains(&Instruction::StopServers) {
            session.stop_servers();
        }
        if let Some(missing) = block.missing() {
            not_run::report(&at, &missing.why, &missing.how)?;
            output = None;
            continue;
        }
        if block.is_run_elsewhere() {
            block.check_who_runs_it().map_err(|why| format!("{at}: {why}"))?;
            continue;
        }
        if block.instructions.contains(&Instruction::OutputOfTheBlockAbove) {
            match &output {
                Some(output) => block.compare(output).map_err(|why| format!("{at}: {why}"))?,
                None => not_run::report(&at, "the block above was not run", "see there")?,
            }
            continue;
        }
        let ran = match (block.language.as_str(), block.server()) {
            ("sh", Some(ready)) => match session::port_in_use(&block.text, ready) {
                Some(port) => {
                    let why = format!("port {port} is in use");
                    return not_run::report(&at, &why, &format!("end the program that listens on port {port}"));
                }
                None => session.serve(&block.text, ready).map(|()| None),
            },
            ("sh", None) => session.run(&block.text).map(Some),
            ("python", _) => session.run_python(&block.text).map(Some),
            ("js" | "ts", _) => session::parse_javascript(&block.text).map(|()| None),
            _ => Ok(None),
        };
        output = ran.map_err(|why| format!("{at}: the block fails: {why}\n--- the block\n{}", block.text))?;
    }
    Ok(())
}

#[test]
fn every_block_names_its_language_and_parses() {
    each(|document| document.blocks.iter().flat_map(|block| block.problems(&document.path)).collect());
}

#[test]
fn every_relative_link_leads_somewhere() {
    each(claims::dead_links);
}

#[test]
fn every_file_that_is_named_is_there() {
    each(claims::missing_files);
}

#[test]
fn every_option_that_is_named_is_one_of_the_program() {
    each(claims::unknown_options);
}

#[test]
fn every_variable_that_is_named_is_read_somewhere() {
    each(claims::unknown_variables);
}

#[test]
fn the_table_of_options_is_the_help() {
    assert_eq!(claims::options_of_the_table(), claims::options_of_the_program());
}

#[test]
fn the_table_of_variables_is_what_the_edge_reads() {
    let problems = claims::variables_that_differ();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn the_table_of_parameters_is_the_templates() {
    assert_eq!(claims::parameters_of_the_table(), claims::parameters_of_the_template());
}

#[test]
fn every_output_of_the_template_is_described() {
    assert_eq!(claims::outputs_of_the_table(), claims::outputs_of_the_template());
}

#[test]
fn every_code_of_the_table_of_errors_is_the_edges() {
    assert_eq!(claims::codes_of_the_table(), claims::codes_of_the_edge());
}

#[test]
fn every_message_under_troubleshooting_is_one_of_the_program() {
    let problems = claims::unknown_messages();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// Checks every document, and fails with all problems.
fn each(check: impl Fn(&Document) -> Vec<String>) {
    let problems: Vec<String> = documents().iter().flat_map(check).collect();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}
