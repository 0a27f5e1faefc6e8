//! The basic format of ISO 8601 that signatures use: `20130524T000000Z`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// A time in the basic format; times before 1970 are taken for 1970.
pub fn format(time: SystemTime) -> String {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let extended =
        DateTime::from_secs(i64::try_from(seconds).unwrap_or_default()).fmt(Format::DateTime);
    extended.unwrap_or_default().replace(['-', ':'], "")
}

/// Reads a time in the basic format; `None` for anything else.
pub fn parse(text: &str) -> Option<SystemTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let all_digits = date
        .bytes()
        .chain(time.bytes())
        .all(|byte| byte.is_ascii_digit());
    if date.len() != 8 || time.len() != 6 || !all_digits {
        return None;
    }
    let [year, month, day] = [&date[..4], &date[4..6], &date[6..]];
    let [hour, minute, second] = [&time[..2], &time[2..4], &time[4..]];
    let extended = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z");
    let seconds = DateTime::from_str(&extended, Format::DateTime).ok()?.secs();
    Some(UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).ok()?))
}

/// Reads a time in the form of HTTP, `Wed, 18 Nov 2026 11:06:40 GMT`; `None` for anything else.
pub fn parse_http_date(text: &str) -> Option<SystemTime> {
    let seconds = DateTime::from_str(text, Format::HttpDate).ok()?.secs();
    Some(UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_and_read_in_the_basic_format() {
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (1_440_938_160, "20150830T123600Z"),
            (1_795_000_000, "20261118T110640Z"),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!((format(time).as_str(), parse(text)), (text, Some(time)));
        }
    }

    #[test]
    fn what_is_no_time_in_the_basic_format_is_not_read() {
        for text in [
            "",
            "20150830",
            "20150830T123600",
            "2015-08-30T12:36:00Z",
            "20151330T123600Z",
            "2015083aT123600Z",
            "20150830T1236é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
