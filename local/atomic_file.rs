//! Writes and reads files that must survive a crash and hold secrets: completely or not at all, and
//! readable by their owner only.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Writes a file with the mode 0600 in the place of one that may be there. When it returns, the
/// content is on the disk; on an error the former file is unchanged.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let written = write_new(&partial, content).and_then(|()| std::fs::rename(&partial, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
        return written;
    }
    // The new name is on the disk when the folder is.
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Writes a value as JSON.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    write(path, &serde_json::to_vec_pretty(value)?)
}

/// Reads a value that [`write_json`] has written. An error names the file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let failed = |why: String| format!("{}: {why}", path.display());
    let content = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&content).map_err(|error| failed(format!("{error}: remove the file")))
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    // An existing file may have other permissions, which it would keep if it were only opened.
    let _ = std::fs::remove_file(path);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_is_its_owners_only() {
        let folder = std::env::temp_dir().join(format!("inference-edge-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).expect("a folder");
        let path = folder.join("file.json");
        std::fs::write(&path, "before").expect("a file");
        write(&path, b"after").expect("a write");
        assert_eq!(std::fs::read(&path).expect("the file"), b"after");
        let mode = std::fs::metadata(&path).expect("the file").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        let names: Vec<_> = std::fs::read_dir(&folder).expect("the folder").collect();
        assert_eq!(names.len(), 1, "{names:?}");
        std::fs::remove_dir_all(&folder).expect("the folder");
        assert!(write(&path, b"again").is_err(), "there is no folder");
    }
}
