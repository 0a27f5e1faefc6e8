//! `cargo run`: the whole chain on this machine.

use std::process::ExitCode;

use clap::Parser;
use inference_edge::arguments::{Arguments, FunctionKind, StackArguments, Subcommands};
use inference_edge::stack::{Stack, StartError};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Subcommands::Function { name: FunctionKind::Edge }) => edge::main(),
        Some(Subcommands::Function { name: FunctionKind::Core }) => core_function::main(),
        None => run_stack(&arguments.stack),
    }
}

fn run_stack(arguments: &StackArguments) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result =
        runtime.map_err(|error| StartError::Other(error.to_string())).and_then(|runtime| runtime.block_on(run(arguments)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &StackArguments) -> Result<(), StartError> {
    let other = |error: std::io::Error| StartError::Other(error.to_string());
    let mut interrupt = signal(SignalKind::interrupt()).map_err(other)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(other)?;
    let stack = tokio::select! {
        stack = Stack::start(arguments) => stack?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    let ready = arguments.ready_file.as_deref().map_or(Ok(()), |path| stack.write_ready_file(path));
    if ready.is_ok() && !arguments.quiet {
        println!("{}", stack.welcome());
    }
    if ready.is_ok() {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
    stack.stop().await;
    ready
}
