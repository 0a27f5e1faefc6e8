//! A shell in which the blocks of a document run one after the other, and the servers that they
//! start.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use crate::ROOT;
use crate::document::Ready;

/// How long a block may take, or a server until it is ready: a first build is among them.
const BLOCK_TIMEOUT: Duration = Duration::from_secs(20 * 60);
/// How long a server may take to end.
const GRACE: Duration = Duration::from_secs(20);

/// A shell that runs blocks.
pub struct Session {
    shell: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    folder: PathBuf,
    blocks: usize,
    servers: Vec<Pid>,
}

/// Whether a program is there: by its name on the path, or by its path from the root.
pub fn is_there(tool: &str) -> bool {
    if tool.contains('/') {
        return Path::new(ROOT).join(tool).exists();
    }
    std::env::split_paths(&path()).any(|folder| folder.join(tool).is_file())
}

/// The first port that a server needs and another program has.
pub fn port_in_use(block: &str, ready: &Ready) -> Option<u16> {
    let words: Vec<&str> = block.split_whitespace().collect();
    let option = words
        .windows(2)
        .find(|pair| pair[0] == "--port")
        .and_then(|pair| pair[1].parse::<u16>().ok());
    let ports = match ready {
        Ready::Answers(url) if !block.contains("cargo run") => vec![port_of(url)],
        _ => (option.unwrap_or(4000)..).take(10).collect(),
    };
    let is_free = |port: u16| {
        TcpListener::bind(("127.0.0.1", port)).is_ok() && TcpStream::connect(("::1", port)).is_err()
    };
    ports.into_iter().find(|port| !is_free(*port))
}

/// Whether Node can read a program.
pub fn parse_javascript(text: &str) -> Result<(), String> {
    let file = scratch().join("block.mjs");
    std::fs::write(&file, text).map_err(|error| error.to_string())?;
    let output = Command::new("node")
        .arg("--check")
        .arg(&file)
        .output()
        .map_err(|error| error.to_string())?;
    let _ = std::fs::remove_dir_all(file.parent().unwrap_or(&file));
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

impl Session {
    /// Starts a shell in the repository's root, with the environment that a person's shell has.
    pub fn start() -> Self {
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc"])
            .current_dir(ROOT)
            .env("PATH", path());
        // What cargo sets for a test is not there in a person's shell, and would make the blocks'
        // cargo build anew.
        let is_cargos = |name: &str| {
            ["CARGO_PKG_", "CARGO_BIN_", "CARGO_MANIFEST_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
                || [
                    "CARGO_CRATE_NAME",
                    "CARGO_PRIMARY_PACKAGE",
                    "CARGO_TARGET_TMPDIR",
                ]
                .contains(&name)
        };
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_cargos))
        {
            command.env_remove(name);
        }
        // An HTTP error is a failure here, which curl says only when it is asked to.
        let folder = scratch();
        std::fs::write(folder.join(".curlrc"), "fail-with-body\n").expect("curl's configuration");
        command.env("CURL_HOME", &folder);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        let mut shell = command.spawn().expect("bash");
        let (input, output) = (
            shell.stdin.take().expect("its input"),
            shell.stdout.take().expect("its output"),
        );
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            BufReader::new(output)
                .lines()
                .map_while(Result::ok)
                .all(|line| sender.send(line).is_ok());
        });
        let mut session = Self {
            shell,
            input,
            lines,
            folder,
            blocks: 0,
            servers: Vec::new(),
        };
        // A test that is interrupted leaves no server behind: the shell ends with its input, and
        // ends them.
        let trap = r#"servers_of_the_test=; trap 'for server in $servers_of_the_test; do kill -- "-$server"; done' EXIT"#;
        session
            .send(trap)
            .and_then(|()| session.send("set -euo pipefail"))
            .expect("a shell");
        session
    }

    /// Runs a block to its end; gives what it printed. Every command in it must succeed.
    pub fn run(&mut self, block: &str) -> Result<String, String> {
        let (file, output) = self.files(block, "sh")?;
        self.source(&format!(". '{file}'"), &output)
    }

    /// Runs a program in Python to its end.
    pub fn run_python(&mut self, program: &str) -> Result<String, String> {
        let (file, output) = self.files(program, "py")?;
        self.source(&format!("\"$PYTHON_WITH_CLIENTS\" '{file}'"), &output)
    }

    /// Starts a block in the background, and waits until it is ready.
    pub fn serve(&mut self, block: &str, ready: &Ready) -> Result<(), String> {
        let (file, output) = self.files(block, "sh")?;
        // With job control the server has a process group of its own.
        self.send(&format!("set -m; bash -euo pipefail '{file}' >'{output}' 2>&1 </dev/null & servers_of_the_test+=\" $!\"; printf '%s\\n' \"$!\"; set +m"))?;
        let pid = self
            .next_line()?
            .parse()
            .ok()
            .and_then(Pid::from_raw)
            .ok_or("the shell gave no process id")?;
        self.servers.push(pid);
        let start = Instant::now();
        while start.elapsed() < BLOCK_TIMEOUT {
            let written = std::fs::read_to_string(&output).unwrap_or_default();
            let is_ready = match ready {
                Ready::Prints(text) => written.contains(text),
                Ready::Answers(url) => answers(url),
            };
            if is_ready {
                return Ok(());
            }
            if test_kill_process_group(pid).is_err() {
                return Err(format!(
                    "it ended before it was ready\n--- it printed\n{written}"
                ));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(format!("it was not ready within {BLOCK_TIMEOUT:?}"))
    }

    /// Ends every server, with all processes of its group.
    pub fn stop_servers(&mut self) {
        for pid in self.servers.drain(..) {
            let _ = kill_process_group(pid, Signal::TERM);
            let start = Instant::now();
            while test_kill_process_group(pid).is_ok() && start.elapsed() < GRACE {
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }

    /// Runs a command of the session's shell; it must leave the shell in the root, where the next
    /// block expects to be.
    fn source(&mut self, command: &str, output: &str) -> Result<String, String> {
        self.send(&format!(
            "{command} >'{output}' 2>&1 </dev/null; printf '%s\\n' \"$PWD\""
        ))?;
        let read = || std::fs::read_to_string(output).unwrap_or_default();
        match self.next_line() {
            Ok(folder)
                if Path::new(&folder).canonicalize().ok()
                    == Path::new(ROOT).canonicalize().ok() =>
            {
                Ok(read())
            }
            Ok(folder) => Err(format!(
                "it leaves the shell in {folder}, where the next block would run"
            )),
            Err(why) => Err(format!("{why}\n--- it printed\n{}", read())),
        }
    }

    fn files(&mut self, block: &str, extension: &str) -> Result<(String, String), String> {
        self.blocks += 1;
        let name = |extension: &str| {
            self.folder
                .join(format!("{}.{extension}", self.blocks))
                .display()
                .to_string()
        };
        let (file, output) = (name(extension), name("out"));
        std::fs::write(&file, block).map_err(|error| error.to_string())?;
        Ok((file, output))
    }

    fn send(&mut self, line: &str) -> Result<(), String> {
        writeln!(self.input, "{line}").map_err(|error| format!("the shell has ended: {error}"))
    }

    fn next_line(&mut self) -> Result<String, String> {
        self.lines
            .recv_timeout(BLOCK_TIMEOUT)
            .map_err(|error| match error {
                RecvTimeoutError::Timeout => format!("it does not end within {BLOCK_TIMEOUT:?}"),
                RecvTimeoutError::Disconnected => {
                    let status = self.shell.wait().map(|status| status.to_string());
                    status.unwrap_or_else(|error| error.to_string())
                }
            })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop_servers();
        let _ = kill_process_group(Pid::from_child(&self.shell), Signal::KILL);
        let _ = self.shell.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The path, with the clients' folder first where `PYTHON_WITH_CLIENTS` names their interpreter.
fn path() -> std::ffi::OsString {
    let clients = std::env::var_os("PYTHON_WITH_CLIENTS").map(PathBuf::from);
    let folder = clients
        .as_deref()
        .and_then(Path::parent)
        .map(Path::to_path_buf);
    let known = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(folder.into_iter().chain(std::env::split_paths(&known))).unwrap_or(known)
}

/// A new folder for what a session writes.
fn scratch() -> PathBuf {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("markdown-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn port_of(url: &str) -> u16 {
    let authority = url
        .split("://")
        .nth(1)
        .and_then(|rest| rest.split('/').next())
        .unwrap_or_default();
    authority
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok())
        .unwrap_or(80)
}

/// Whether there is an HTTP answer.
fn answers(url: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(("localhost", port_of(url))) else {
        return false;
    };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let mut request = String::new();
    let _ = write!(
        request,
        "GET / HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n",
        port_of(url)
    );
    let mut start = [0; 5];
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_exact(&mut start).is_ok()
        && start == *b"HTTP/"
}
