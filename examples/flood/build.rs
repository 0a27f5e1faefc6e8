//! The programs that the floods start, where the command line names none.

use std::process::Command;

/// Runs cargo with these arguments, and returns the path of the program that it has built.
pub fn built(arguments: &[&str], program: &str) -> Result<String, String> {
    let mut cargo = Command::new("cargo");
    cargo
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    // `cargo run` describes this program to it, which would make some packages build anew.
    let described = ["CARGO_PKG_", "CARGO_BIN_", "CARGO_MANIFEST_"];
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if described.iter().any(|prefix| name.starts_with(prefix)) {
            cargo.env_remove(&*name);
        }
    }
    match cargo.status() {
        Ok(status) if status.success() => Ok(format!("{}/{program}", env!("CARGO_MANIFEST_DIR"))),
        _ => Err(format!("`cargo {}` has failed", arguments.join(" "))),
    }
}
