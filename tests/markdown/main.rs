//! Runs what the documents say: their shell and Python blocks against a real stack, and their
//! claims about options, variables, parameters, messages, files and links against the program and
//! its sources.
//!
//! Instructions to this test stand in the documents, as comments on the line before a block;
//! CONTRIBUTING.md lists them.

mod claims;
mod document;
#[path = "../not_run.rs"]
mod not_run;
mod session;

use std::path::{Path, PathBuf};

use document::{Document, Instruction};
use not_run::not_run;
use session::Session;

/// The repository's root, where every block runs.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The documents, in the order in which they are run.
fn documents() -> Vec<Document> {
    let names = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
    ];
    let mut paths: Vec<_> = names.iter().map(PathBuf::from).collect();
    let folder = std::fs::read_dir(Path::new(ROOT).join("docs")).expect("the folder docs");
    let names = folder.map(|entry| {
        entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name in UTF-8")
    });
    let mut docs: Vec<_> = names
        .filter(|name| name.ends_with(".md"))
        .map(|name| Path::new("docs").join(name))
        .collect();
    docs.sort();
    paths.append(&mut docs);
    let read =
        |path: &PathBuf| std::fs::read_to_string(Path::new(ROOT).join(path)).expect("a document");
    paths
        .iter()
        .map(|path| Document::parse(&path.display().to_string(), &read(path)))
        .collect()
}

/// One test for all of them: the stacks that they start use the same ports.
#[test]
fn every_command_of_the_documents_works() {
    let failures: Vec<String> = documents()
        .iter()
        .filter_map(|document| run(document).err())
        .collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
}

/// What became of the block above.
enum Above {
    /// It printed this.
    Printed(String),
    /// It was not run on this machine.
    NotRun,
    /// It prints nothing that could be compared.
    Silent,
}

/// Runs a document's blocks in order, in one shell. The first that fails ends the document: what
/// follows may depend on it.
fn run(document: &Document) -> Result<(), String> {
    if !document
        .blocks
        .iter()
        .any(|block| block.is_shell() && !block.is_run_elsewhere())
    {
        return Ok(());
    }
    if let Some(tool) = ["bash", "curl", "jq"]
        .into_iter()
        .find(|tool| !session::is_there(tool))
    {
        not_run(
            &document.path,
            &format!("{tool} is not installed"),
            &format!("install {tool}"),
        );
        return Ok(());
    }
    let mut session = Session::start();
    let mut above = Above::Silent;
    for block in &document.blocks {
        let at = format!("{}:{}", document.path, block.line);
        if block.instructions.contains(&Instruction::StopServers) {
            session.stop_servers();
        }
        if block.is_run_elsewhere() {
            continue;
        }
        if let Some(missing) = block.missing() {
            not_run(&at, &missing.why, &missing.how);
            above = Above::NotRun;
            continue;
        }
        if block
            .instructions
            .contains(&Instruction::OutputOfTheBlockAbove)
        {
            match &above {
                Above::Printed(output) => block
                    .compare(output)
                    .map_err(|why| format!("{at}: {why}"))?,
                Above::NotRun => {}
                Above::Silent => {
                    return Err(format!(
                        "{at}: there is no block above whose output could be compared"
                    ));
                }
            }
            continue;
        }
        if let Some(port) = block
            .server()
            .and_then(|ready| session::port_in_use(&block.text, ready))
        {
            not_run(
                &format!("{at} and what follows"),
                &format!("port {port} is in use"),
                "end the program that has it",
            );
            return Ok(());
        }
        let ran = match (block.language.as_str(), block.server()) {
            ("sh", Some(ready)) => session.serve(&block.text, ready).map(|()| Above::Silent),
            ("sh", None) => session.run(&block.text).map(Above::Printed),
            ("python", _) => session.run_python(&block.text).map(Above::Printed),
            ("js" | "ts", _) => session::parse_javascript(&block.text).map(|()| Above::Silent),
            _ => Ok(Above::Silent),
        };
        above = ran.map_err(|why| {
            format!(
                "{at}: the block fails: {why}\n--- the block\n{}",
                block.text
            )
        })?;
    }
    Ok(())
}

#[test]
fn every_block_names_its_language_and_parses() {
    each(|document| {
        document
            .blocks
            .iter()
            .flat_map(|block| block.problems(&document.path))
            .collect()
    });
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
    assert_eq!(
        claims::options_of_the_table(),
        claims::options_of_the_program()
    );
}

#[test]
fn the_table_of_variables_is_what_the_edge_reads() {
    let problems = claims::variables_that_differ();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn the_table_of_parameters_is_the_templates() {
    assert_eq!(
        claims::parameters_of_the_table(),
        claims::parameters_of_the_template()
    );
}

#[test]
fn every_output_of_the_template_is_described() {
    assert_eq!(
        claims::outputs_of_the_table(),
        claims::outputs_of_the_template()
    );
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
