//! Memory and descriptors of a process, and its children, as Linux reports them.

use std::fmt;

/// What a process holds.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// Resident memory, in KiB.
    pub memory: u64,
    /// Open file descriptors.
    pub descriptors: u64,
}

impl Held {
    /// What the process holds now.
    pub fn by(pid: u32) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("process {pid}: {error}");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).map_err(failed)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let memory = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).map_err(failed)?;
        Ok(Self {
            memory: memory.ok_or_else(|| format!("process {pid} has ended"))?,
            descriptors: descriptors.count() as u64,
        })
    }

    /// The most of both.
    pub fn max(self, other: Self) -> Self {
        Self {
            memory: self.memory.max(other.memory),
            descriptors: self.descriptors.max(other.descriptors),
        }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            memory,
            descriptors,
        } = self;
        write!(f, "{memory:6} KiB, {descriptors:3} descriptors")
    }
}

/// The processes that a process has started.
pub fn children(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"));
    let tasks = tasks.into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let lists: Vec<String> = lists.collect();
    lists
        .iter()
        .flat_map(|list| list.split_whitespace())
        .filter_map(|pid| pid.parse().ok())
        .collect()
}
