//! Looks through eight bytes at a time. In what these give, the high bit of the first byte that is found is set; above it
//! others may be set too.

const LOW: u64 = u64::from_le_bytes([0x01; 8]);
const HIGH: u64 = u64::from_le_bytes([0x80; 8]);

/// The bytes that are this one.
pub const fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (LOW * byte as u64), 1)
}

/// The bytes that are less than this one, which is 0x80 at the most.
pub const fn below(word: u64, byte: u8) -> u64 {
    word.wrapping_sub(LOW * byte as u64) & !word & HIGH
}

/// Where the first of them is.
pub const fn first(found: u64) -> Option<usize> {
    if found == 0 { None } else { Some(found.trailing_zeros() as usize / 8) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_is_found_wherever_it_is_and_whatever_is_around_it() {
        for at in 0..8 {
            for around in [b' ', b'a', b'#', b'[', 0x7f, 0x80, 0xc3, 0xff] {
                let mut bytes = [around; 8];
                assert_eq!(first(equal(u64::from_le_bytes(bytes), b'"') | below(u64::from_le_bytes(bytes), b' ')), None);
                for found in [b'"', 0, 0x1f] {
                    bytes[at] = found;
                    let word = u64::from_le_bytes(bytes);
                    assert_eq!(first(equal(word, b'"') | below(word, b' ')), Some(at), "{bytes:?}");
                }
            }
        }
    }
}
