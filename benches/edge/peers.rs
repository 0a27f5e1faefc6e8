//! The edge function and its peers: a lower bound (`floor`), and the same handler in Python and in
//! Node.
//!
//! A peer whose tools are not installed is left out with a message.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A function to measure.
pub struct Peer {
    /// Its name in the tables.
    pub name: &'static str,
    /// The size of what is deployed, in bytes.
    pub bytes: u64,
    program: PathBuf,
    arguments: Vec<String>,
    folder: PathBuf,
    variables: Vec<(&'static str, String)>,
}

impl Peer {
    /// The command that starts the function.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Peer {
    /// The same function under valgrind, which writes the count of instructions to a file.
    pub fn counted(&self, file: &Path) -> Self {
        let own = [self.program.display().to_string()]
            .into_iter()
            .chain(self.arguments.iter().cloned());
        let arguments = [
            "--tool=callgrind".to_owned(),
            format!("--callgrind-out-file={}", file.display()),
        ];
        Self {
            program: PathBuf::from("valgrind"),
            arguments: arguments.into_iter().chain(own).collect(),
            folder: self.folder.clone(),
            variables: self.variables.clone(),
            ..*self
        }
    }
}

/// All peers that can run on this machine: the edge first, then the floor.
pub fn all() -> Vec<Peer> {
    let mut peers = vec![edge(), floor()];
    for (name, made) in [("python", python()), ("node", node())] {
        match made {
            Ok(peer) => peers.push(peer),
            Err(why) => eprintln!("{name} is left out: {why}"),
        }
    }
    peers
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The target folder of Cargo, which contains the running program.
fn target() -> PathBuf {
    let program = std::env::current_exe().expect("a path");
    program
        .ancestors()
        .nth(3)
        .expect("the target folder")
        .to_owned()
}

/// The edge function, built as it is deployed.
pub fn edge() -> Peer {
    run(Command::new(env!("CARGO"))
        .args([
            "build",
            "--release",
            "--locked",
            "-p",
            "edge",
            "--bin",
            "edge",
        ])
        .current_dir(root()))
    .expect("the edge");
    native("edge", target().join("release/edge"), &[])
}

fn floor() -> Peer {
    native(
        "floor",
        std::env::current_exe().expect("a path"),
        &["floor"],
    )
}

fn native(name: &'static str, program: PathBuf, arguments: &[&str]) -> Peer {
    Peer {
        name,
        bytes: std::fs::metadata(&program).map_or(0, |file| file.len()),
        program,
        arguments: arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect(),
        folder: root().to_owned(),
        variables: Vec::new(),
    }
}

fn python() -> Result<Peer, String> {
    let folder = root().join("benches/peers/python");
    let packages = target().join("bench-peers/python");
    if !packages.exists() {
        let packages = packages.display().to_string();
        run(Command::new("python3").args([
            "-m",
            "pip",
            "install",
            "-q",
            "--target",
            &packages,
            "awslambdaric",
            "boto3",
        ]))?;
    }
    let path = format!("{}:{}", packages.display(), folder.display());
    let python = output(Command::new("python3").args(["-c", "import sys; print(sys.executable)"]))?;
    Ok(Peer {
        name: "python",
        bytes: size(&packages),
        program: PathBuf::from(python.trim()),
        arguments: ["-m", "awslambdaric", "handler.handler"]
            .map(str::to_owned)
            .to_vec(),
        folder,
        variables: vec![("PYTHONPATH", path)],
    })
}

fn node() -> Result<Peer, String> {
    let source = root().join("benches/peers/node");
    let folder = target().join("bench-peers/node");
    if !folder.join("dist/runtime.mjs").exists() {
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        for file in ["package.json", "package-lock.json", "runtime.mjs"] {
            std::fs::copy(source.join(file), folder.join(file))
                .map_err(|error| format!("{file}: {error}"))?;
        }
        run(Command::new("npm")
            .args(["ci", "--no-progress", "--no-audit", "--no-fund"])
            .current_dir(&folder))?;
        run(Command::new("npm")
            .args(["run", "build"])
            .current_dir(&folder))?;
    }
    let node = output(Command::new("node").args(["-p", "process.execPath"]))?;
    let bundle = folder.join("dist/runtime.mjs");
    Ok(Peer {
        name: "node",
        bytes: std::fs::metadata(&bundle).map_or(0, |file| file.len()),
        program: PathBuf::from(node.trim()),
        arguments: vec![bundle.display().to_string()],
        folder,
        variables: Vec::new(),
    })
}

fn size(path: &Path) -> u64 {
    let entries = std::fs::read_dir(path)
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    entries
        .map(|entry| {
            if entry.path().is_dir() {
                size(&entry.path())
            } else {
                entry.metadata().map_or(0, |file| file.len())
            }
        })
        .sum()
}

fn run(command: &mut Command) -> Result<(), String> {
    output(command.stderr(Stdio::inherit())).map(|_| ())
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "{command:?} fails: {}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
