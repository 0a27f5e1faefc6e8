//! The program `inference-edge`: runs the local stack until a signal stops it, or one of its
//! functions as a process.

use std::process::ExitCode;

use clap::Parser;
use inference_edge::arguments::{Arguments, FunctionKind, StackArguments, Subcommands};
use inference_edge::client;
use inference_edge::experiment_core::{self, Behaviour};
use inference_edge::stack::{Stack, StartError};
use inference_edge::terminal::{format_of_output, print_startup_message, set_format};
use tokio::signal::unix::{SignalKind, signal};

/// Each request makes some hundred small allocations; this allocator saves a tenth of the stack's
/// time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Subcommands::Function {
            name: FunctionKind::Edge,
        }) => edge::main(),
        Some(Subcommands::Function {
            name: FunctionKind::Core,
        }) => core_function::main(),
        Some(Subcommands::Function {
            name: FunctionKind::CoreThrows,
        }) => experiment_core::main(Behaviour::Throws),
        Some(Subcommands::Function {
            name: FunctionKind::CoreSleeps,
        }) => experiment_core::main(Behaviour::Sleeps),
        Some(Subcommands::Requests(arguments)) => client::requests(&arguments),
        Some(Subcommands::Replay(arguments)) => client::replay(&arguments),
        None => run_stack(&arguments.stack),
    }
}

fn run_stack(arguments: &StackArguments) -> ExitCode {
    set_format(arguments.log.unwrap_or_else(format_of_output));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let result = runtime
        .map_err(|error| StartError::Other(error.to_string()))
        .and_then(|runtime| runtime.block_on(run(arguments)));
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
    let mut hang_up = signal(SignalKind::hangup()).map_err(other)?;
    let mut stop_signal = async || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    };
    let stack = match Stack::start(arguments, stop_signal()).await {
        Ok(stack) => stack,
        Err(StartError::Stopped) => return Ok(()),
        Err(error) => return Err(error),
    };
    let ready = arguments
        .ready_file
        .as_deref()
        .map_or(Ok(()), |path| stack.write_ready_file(path));
    if ready.is_ok() {
        if !arguments.quiet {
            print_startup_message(&stack.startup_message());
        }
        stop_signal().await;
    }
    stack.stop().await;
    ready
}
