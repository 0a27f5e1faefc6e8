//! Dates in ISO 8601, as a sentence or a search at the SEC has them.

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `2024-06-07` is in `June 2024`.
pub fn month_and_year(date: &str) -> String {
    match year_and_month(date) {
        Some((year, month)) => format!("{} {year}", MONTHS[month - 1]),
        None => date.to_owned(),
    }
}

/// `20240701` comes after `2024-06-07`.
pub fn first_of_next_month(date: &str) -> Option<String> {
    let (year, month) = year_and_month(date)?;
    let (year, month) = if month == 12 {
        (year + 1, 1)
    } else {
        (year, month + 1)
    };
    Some(format!("{year:04}{month:02}01"))
}

/// The year, and the month from 1 to 12, of an ISO 8601 date.
fn year_and_month(date: &str) -> Option<(i64, usize)> {
    let year = date.get(..4)?.parse().ok()?;
    let month = date
        .get(5..7)?
        .parse()
        .ok()
        .filter(|month| (1..=12).contains(month))?;
    Some((year, month))
}
