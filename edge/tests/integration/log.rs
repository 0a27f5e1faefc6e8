//! The line that a request leaves in the log.

use std::cell::RefCell;

use serde_json::Value;

thread_local! {
    /// The line of the last request.
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps a line instead of writing it.
pub fn keep(line: &str) {
    LINE.with_borrow_mut(|kept| line.clone_into(kept));
}

/// The internal message of the last request.
pub fn cause() -> String {
    let line: Value = LINE.with_borrow(|line| serde_json::from_str(line).expect("JSON"));
    line["cause"].as_str().unwrap_or_default().to_owned()
}
