//! Reads JSON objects in which no member may stand twice: readers differ in which of the two they
//! take.

use std::collections::HashSet;

use serde::de::{Error, IgnoredAny, MapAccess};

/// Gives each member's name to `read`, which takes the value or skips it; fails where a name stands
/// twice.
pub fn read_members<'de, A: MapAccess<'de>>(
    mut members: A,
    mut read: impl FnMut(&str, &mut A) -> Result<(), A::Error>,
) -> Result<(), A::Error> {
    let mut seen = HashSet::new();
    while let Some(name) = members.next_key::<String>()? {
        read(&name, &mut members)?;
        if !seen.insert(name) {
            return Err(A::Error::custom("a member stands twice in the object"));
        }
    }
    Ok(())
}

/// Skips the value of a member.
pub fn skip<'de, A: MapAccess<'de>>(members: &mut A) -> Result<(), A::Error> {
    members.next_value::<IgnoredAny>().map(drop)
}
