//! Fuzz targets: each is a function that takes any bytes and panics if the code under test breaks a
//! promise.
//!
//! A target may not end on its input: the deployed edge aborts on a panic, so a panic is a request
//! that ends an environment. Most targets compare with an oracle besides: `serde_json`, `url`,
//! `aws-lc-rs`, `aws-sigv4`, the AWS SDK's decoder.
//!
//! An input of several parts has a line `---` between them, so that the files under `corpus` can be
//! read and written by hand. The program of this package is the driver for stable Rust;
//! `fuzz_targets` has the entry points of cargo-fuzz.

pub mod corpus;
pub mod mutation;
mod targets;

pub use targets::TARGETS;

/// A fuzz target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its folder under `corpus`.
    pub name: &'static str,
    /// Runs it on one input; panics if the code under test breaks a promise.
    pub run: fn(&[u8]),
    /// Words that mutations put into inputs.
    pub words: &'static [&'static str],
}

/// Runs the target of this name, for cargo-fuzz.
///
/// # Panics
///
/// If the input breaks a promise, or there is no such target.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").run)(input);
}

/// The parts of an input, which a line `---` separates.
pub(crate) fn parts(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    const SEPARATOR: &[u8] = b"\n---\n";
    let mut rest = Some(input);
    std::iter::from_fn(move || {
        let text = rest?;
        let found = text
            .windows(SEPARATOR.len())
            .position(|window| window == SEPARATOR);
        match found {
            Some(at) => {
                rest = Some(&text[at + SEPARATOR.len()..]);
                Some(&text[..at])
            }
            None => {
                rest = None;
                Some(text)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn a_line_of_three_dashes_separates_the_parts_of_an_input() {
        let read = |input: &'static str| parts(input.as_bytes()).collect::<Vec<_>>();
        assert_eq!(read("a\n---\n\n---\nb"), [&b"a"[..], b"", b"b"]);
        assert_eq!(read(""), [b""]);
        assert_eq!(read("a---b"), [b"a---b"]);
    }
}
