//! Makes inputs of other inputs. The same seed makes the same inputs.

use fastrand::Rng;

/// The longest input that a mutation makes, in bytes.
const MAX_INPUT: usize = 8 * 1024;
/// Bytes at which parsers change their minds.
const BYTES: &[u8] = b"\0\t\n\r \"#%&'*+,-./0:;<=>?@[\\]^_`{|}~\x7f\x80\xc3\xed\xff";
/// Numbers at which they do.
const NUMBERS: [&str; 12] = [
    "0",
    "-0",
    "-1",
    "1e999",
    "0.1",
    "255",
    "256",
    "65536",
    "4294967296",
    "9007199254740993",
    "18446744073709551616",
    "123456789012345678901234567890",
];

/// An input made of one or two others by one to five changes.
pub fn mutate(random: &mut Rng, input: &[u8], other: &[u8], words: &[&str]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..random.u32(1..=5) {
        change(random, &mut bytes, other, words);
    }
    bytes.truncate(MAX_INPUT);
    bytes
}

fn change(random: &mut Rng, bytes: &mut Vec<u8>, other: &[u8], words: &[&str]) {
    match random.u32(0..11) {
        0 => {
            if let Some(byte) = random.choice(bytes.iter_mut()) {
                *byte ^= 1 << random.u32(0..8);
            }
        }
        1 => {
            let new = random.choice(BYTES).copied().unwrap_or_default();
            if let Some(byte) = random.choice(bytes.iter_mut()) {
                *byte = new;
            }
        }
        2 => {
            let new = random.choice(BYTES).copied().unwrap_or_default();
            insert(random, bytes, &[new]);
        }
        3 => {
            let (from, to) = range(random, bytes.len());
            bytes.drain(from..to);
        }
        4 => {
            let (from, to) = range(random, bytes.len());
            let part = bytes[from..to].to_vec();
            insert(random, bytes, &part);
        }
        5 => {
            let (from, to) = range(random, other.len());
            insert(random, bytes, &other[from..to]);
        }
        6 => {
            let (from, to) = range(random, bytes.len());
            let (start, end) = range(random, other.len());
            bytes.splice(from..to, other[start..end].iter().copied());
        }
        7 => replace_number(random, bytes),
        8 => {
            let (from, to) = range(random, bytes.len());
            let part = bytes[from..to].to_vec();
            for _ in 0..random.u32(1..20) {
                if bytes.len() < MAX_INPUT {
                    bytes.splice(from..from, part.iter().copied());
                }
            }
        }
        _ => {
            let word = random.choice(words).copied().unwrap_or_default();
            insert(random, bytes, word.as_bytes());
        }
    }
}

fn insert(random: &mut Rng, bytes: &mut Vec<u8>, part: &[u8]) {
    let at = random.usize(0..=bytes.len());
    bytes.splice(at..at, part.iter().copied());
}

/// A range of at most 64 bytes, mostly of few.
fn range(random: &mut Rng, length: usize) -> (usize, usize) {
    let from = random.usize(0..=length);
    let most = if random.bool() { 4 } else { 64 };
    let to = from + random.usize(0..=most.min(length - from));
    (from, to)
}

fn replace_number(random: &mut Rng, bytes: &mut Vec<u8>) {
    let from = random.usize(0..=bytes.len());
    let Some(start) = bytes[from..].iter().position(u8::is_ascii_digit) else {
        return;
    };
    let start = from + start;
    let digits = bytes[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let number = random.choice(NUMBERS).unwrap_or_default();
    bytes.splice(start..start + digits, number.bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_inputs_and_most_differ_from_what_they_are_made_of() {
        let made = |seed| {
            let mut random = Rng::with_seed(seed);
            (0..200)
                .map(|_| mutate(&mut random, b"{\"a\":1}", b"[true]", &["null"]))
                .collect::<Vec<_>>()
        };
        assert_eq!(made(7), made(7));
        assert_ne!(made(7), made(8));
        let same = made(7)
            .iter()
            .filter(|input| *input == b"{\"a\":1}")
            .count();
        assert!(same < 40, "{same}");
    }

    #[test]
    fn inputs_stay_within_the_limit_and_an_empty_one_can_be_changed() {
        let mut random = Rng::with_seed(1);
        let mut input = Vec::new();
        for _ in 0..5_000 {
            input = mutate(&mut random, &input, b"0123456789", &["word"]);
            assert!(input.len() <= MAX_INPUT);
        }
        assert!(!input.is_empty());
    }
}
