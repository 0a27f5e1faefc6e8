//! Holds the scripted core function in the middle of a stream until the test lets it go on.

use std::path::PathBuf;

/// A file for which the scripted core waits after its first chunk; removed with the test.
pub struct Hold(PathBuf);

impl Hold {
    pub fn new() -> Self {
        let name = format!("inference-edge-hold-{}", uuid::Uuid::new_v4());
        Self(std::env::temp_dir().join(name))
    }

    /// The question that makes core wait.
    pub fn question(&self) -> String {
        format!("hold:{}", self.0.display())
    }

    /// Lets core go on.
    pub fn release(&self) {
        std::fs::write(&self.0, "").expect("a file");
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
