//! `--watch`: ends the environments of the core function when a file of the watched folder changes,
//! so that the next request starts it anew.

use std::path::{Component, Path};
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::template::CORE;
use crate::lambda::Lambda;
use crate::terminal::print_line;

/// How long nothing must have changed before the function is restarted, because an editor or a
/// compiler writes more than once.
const QUIET_TIME: Duration = Duration::from_millis(100);
/// The folders in which tools write while the function runs. Hidden ones are ignored too.
const IGNORED_FOLDERS: [&str; 3] = ["__pycache__", "node_modules", "target"];

/// A watched folder. It is watched until this is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    _watcher: RecommendedWatcher,
    task: JoinHandle<()>,
}

impl Watch {
    /// Begins to watch a folder with all folders in it.
    pub(super) fn start(folder: &Path, lambda: Lambda) -> Result<Self, String> {
        let failed = |error: notify::Error| format!("--watch {}: {error}", folder.display());
        // Events have whole paths.
        let folder = folder
            .canonicalize()
            .map_err(|error| format!("--watch {}: {error}", folder.display()))?;
        let (sender, mut changes) = mpsc::unbounded_channel();
        let root = folder.clone();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| is_change(&event, &root)) {
                // An `Err` means that the stack stops.
                let _ = sender.send(());
            }
        })
        .map_err(failed)?;
        watcher
            .watch(&folder, RecursiveMode::Recursive)
            .map_err(failed)?;
        let task = tokio::spawn(async move {
            while changes.recv().await.is_some() {
                let mut next = tokio::time::timeout(QUIET_TIME, changes.recv()).await;
                while matches!(next, Ok(Some(()))) {
                    next = tokio::time::timeout(QUIET_TIME, changes.recv()).await;
                }
                print_line(format_args!(
                    "{CORE} │ a file has changed: the next request starts it anew"
                ));
                lambda.retire(CORE);
            }
        });
        Ok(Self {
            _watcher: watcher,
            task,
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether something was written, made, renamed or removed outside of the ignored folders.
fn is_change(event: &Event, root: &Path) -> bool {
    let is_change = matches!(
        event.kind,
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_)
    );
    is_change && event.paths.iter().any(|path| !is_ignored(path, root))
}

fn is_ignored(path: &Path, root: &Path) -> bool {
    let below = path.strip_prefix(root).unwrap_or(path);
    below.components().any(|component| {
        let Component::Normal(name) = component else {
            return false;
        };
        let name = name.to_string_lossy();
        name.starts_with('.') || IGNORED_FOLDERS.contains(&&*name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_write_is_no_change() {
        let root = Path::new("/home/.ada/project");
        for (path, ignored) in [
            ("/home/.ada/project/app.py", false),
            ("/home/.ada/project/source/app.py", false),
            ("/home/.ada/project/__pycache__/app.pyc", true),
            ("/home/.ada/project/node_modules/x/index.js", true),
            ("/home/.ada/project/target/debug/core", true),
            ("/home/.ada/project/.venv/bin/python", true),
            ("/home/.ada/project/.app.py.swp", true),
        ] {
            assert_eq!(is_ignored(Path::new(path), root), ignored, "{path}");
        }
    }
}
