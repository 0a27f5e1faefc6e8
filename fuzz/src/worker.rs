//! Fuzzes one target in this process.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use fuzz::Target;
use fuzz::corpus::seeds;
use fuzz::mutation::mutate;

use crate::folder;

/// An input that takes longer is found as well.
const MAX_TIME: Duration = Duration::from_secs(20);
/// How long a found input is made smaller.
const SHRINK_TIME: Duration = Duration::from_secs(10);
/// The message of the last panic.
static PANIC: Mutex<String> = Mutex::new(String::new());
/// How many inputs were run.
static EXECUTIONS: AtomicU64 = AtomicU64::new(0);

/// Runs a target on one file, and lets it panic.
pub fn run_file(target: &Target, file: &Path) -> ExitCode {
    match std::fs::read(file) {
        Ok(input) => {
            (target.run)(&input);
            println!("{}: nothing found in {}", target.name, file.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {}: {error}", file.display());
            ExitCode::FAILURE
        }
    }
}

/// Runs the corpus and then mutations of it until the time is over, or an input is found.
pub fn fuzz(target: &Target, time: Duration, seed: u64) -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        let mut kept = PANIC.lock().unwrap_or_else(|error| error.into_inner());
        *kept = panic.to_string();
    }));
    let mut worker = match Worker::new(*target) {
        Ok(worker) => worker,
        Err(error) => {
            eprintln!("error: {}: {error}", folder().display());
            return ExitCode::FAILURE;
        }
    };
    std::thread::spawn(end_if_stuck);
    let start = Instant::now();
    let found = worker.search(start + time, &mut Rng::with_seed(seed));
    let seconds = start.elapsed().as_secs_f64();
    let executions = EXECUTIONS.load(Ordering::Relaxed);
    println!(
        "{:<12} {seconds:6.1} s {executions:>9} executions {:>7.0} a second, from {} inputs",
        target.name,
        executions as f64 / seconds,
        worker.seeds,
    );
    let Some(input) = found else {
        return ExitCode::SUCCESS;
    };
    let message = PANIC
        .lock()
        .unwrap_or_else(|error| error.into_inner())
        .clone();
    let input = worker.shrink(input);
    worker.write_current(&input);
    eprintln!("{}: {message}", target.name);
    ExitCode::FAILURE
}

/// Copies the input that a worker ran last, because the worker has ended.
pub fn keep_last_input(target: &Target, how: &str) {
    let Ok(input) = std::fs::read(current_file(target)) else {
        eprintln!("{}: {how}, before the first input", target.name);
        return;
    };
    let hash = input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    let path = folder().join(format!("{}-{hash:016x}", target.name));
    match std::fs::write(&path, &input) {
        Ok(()) => eprintln!(
            "{}: {how}; to run the input again: fuzz/run {} --input {}\n{}",
            target.name,
            target.name,
            path.display(),
            String::from_utf8_lossy(&input)
        ),
        Err(error) => eprintln!("{}: {how}; {}: {error}", target.name, path.display()),
    }
}

fn current_file(target: &Target) -> PathBuf {
    folder().join(format!("{}.current", target.name))
}

/// Ends the process if one input takes too long: the file has the input.
fn end_if_stuck() {
    let mut last = (0, Instant::now());
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let executions = EXECUTIONS.load(Ordering::Relaxed);
        if executions != last.0 {
            last = (executions, Instant::now());
        } else if last.1.elapsed() > MAX_TIME {
            eprintln!("an input takes longer than {MAX_TIME:?}");
            std::process::exit(2);
        }
    }
}

struct Worker {
    target: Target,
    corpus: Vec<Vec<u8>>,
    /// How many inputs of the corpus are files.
    seeds: usize,
    /// Holds the input that is being run.
    current: File,
}

impl Worker {
    fn new(target: Target) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder())?;
        let corpus: Vec<_> = seeds(target.name)
            .into_iter()
            .map(|seed| seed.input)
            .collect();
        Ok(Self {
            target,
            seeds: corpus.len(),
            corpus,
            current: File::create(current_file(&target))?,
        })
    }

    /// Gives the first input that is found.
    fn search(&mut self, end: Instant, random: &mut Rng) -> Option<Vec<u8>> {
        for at in 0..self.seeds {
            let input = self.corpus[at].clone();
            if !self.holds(&input) {
                return Some(input);
            }
        }
        while Instant::now() < end {
            let input = self.pick(random);
            let other = self.pick(random);
            let input = mutate(random, input, other, self.target.words);
            if !self.holds(&input) {
                return Some(input);
            }
        }
        None
    }

    /// An input of the corpus; every other time one of the latest.
    fn pick(&self, random: &mut Rng) -> &[u8] {
        let from = if random.bool() {
            self.corpus.len().saturating_sub(20)
        } else {
            0
        };
        random
            .choice(&self.corpus[from..])
            .map_or(&[], Vec::as_slice)
    }

    /// Runs an input; says whether every promise held.
    fn holds(&mut self, input: &[u8]) -> bool {
        self.write_current(input);
        EXECUTIONS.fetch_add(1, Ordering::Relaxed);
        catch_unwind(AssertUnwindSafe(|| (self.target.run)(input))).is_ok()
    }

    /// Without it a found input is printed, but not kept in a file: nothing to stop for.
    fn write_current(&self, input: &[u8]) {
        let length = u64::try_from(input.len()).unwrap_or_default();
        let _ = self.current.write_all_at(input, 0);
        let _ = self.current.set_len(length);
    }

    /// Leaves out parts for as long as the input still breaks a promise.
    fn shrink(&mut self, mut input: Vec<u8>) -> Vec<u8> {
        let end = Instant::now() + SHRINK_TIME;
        let mut size = input.len() / 2;
        while size > 0 && Instant::now() < end {
            let mut from = 0;
            while from < input.len() && Instant::now() < end {
                let mut smaller = input.clone();
                smaller.drain(from..(from + size).min(input.len()));
                if self.holds(&smaller) {
                    from += size;
                } else {
                    input = smaller;
                }
            }
            size /= 2;
        }
        input
    }
}
