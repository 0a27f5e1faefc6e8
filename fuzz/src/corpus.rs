//! The inputs that fuzzing begins with: the files under `corpus`, and for the edge the named events
//! of the repository.

use std::path::{Path, PathBuf};

/// An input and the file that it is from.
#[derive(Debug)]
pub struct Seed {
    /// The file's path.
    pub path: PathBuf,
    /// The bytes that the target is given.
    pub input: Vec<u8>,
}

/// The corpus of a target, sorted by path.
pub fn seeds(target: &str) -> Vec<Seed> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds = read_files(&own.join("corpus").join(target));
    if target == "edge" {
        let events = own.join("../events");
        for folder in ["direct", "function-url", "http-api", "rest-api"] {
            let files = read_files(&events.join(folder)).into_iter();
            seeds.extend(files.filter(is_event).map(|seed| {
                Seed {
                    input: [
                        b"000\n---\n",
                        seed.input.as_slice(),
                        b"\n---\n{\"answer\":1}",
                    ]
                    .concat(),
                    ..seed
                }
            }));
        }
    }
    seeds.sort_by(|one, other| one.path.cmp(&other.path));
    seeds
}

fn is_event(seed: &Seed) -> bool {
    let name = seed.path.to_string_lossy();
    name.ends_with(".json") && !name.ends_with(".expected.json")
}

fn read_files(folder: &Path) -> Vec<Seed> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .filter_map(|path| {
            let input = std::fs::read(&path).ok()?;
            Some(Seed { path, input })
        })
        .collect()
}
