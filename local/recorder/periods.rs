//! The time that each hop itself took: from the nested periods of a request, the part of each that
//! none of those within it covers. The parts add up to the whole.

use std::time::Duration;

/// A period, in milliseconds after the arrival of the request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Period {
    pub start: f64,
    pub end: f64,
}

impl Period {
    pub(super) fn new(start: Duration, end: Duration) -> Self {
        Self {
            start: millis(start),
            end: millis(end.max(start)),
        }
    }
}

pub(super) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The periods, as start and length, in which each hop worked itself. Each moment of the first
/// period belongs to the last hop that was at work then.
pub(super) fn exclusive(periods: &[Period]) -> Vec<Vec<(f64, f64)>> {
    let mut segments = vec![Vec::new(); periods.len()];
    let Some(whole) = periods.first() else {
        return segments;
    };
    let inside = |at: f64| at.clamp(whole.start, whole.end);
    let mut moments: Vec<f64> = periods
        .iter()
        .flat_map(|period| [inside(period.start), inside(period.end)])
        .collect();
    moments.sort_by(f64::total_cmp);
    moments.dedup();
    for pair in moments.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        let at_work = |period: &Period| period.start <= start && end <= period.end;
        // The first period is the whole, so that there always is one.
        let owner = periods.iter().rposition(at_work).unwrap_or_default();
        let own: &mut Vec<(f64, f64)> = &mut segments[owner];
        match own.last_mut() {
            Some((from, length)) if *from + *length == start => *length = end - *from,
            _ => own.push((start, end - start)),
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period((start, end): (f64, f64)) -> Period {
        Period { start, end }
    }

    #[test]
    fn the_times_of_the_hops_exclude_each_other_and_add_up_to_the_whole() {
        for (name, periods, expected) in [
            ("one hop", vec![(0.0, 4.0)], vec![vec![(0.0, 4.0)]]),
            (
                "nested",
                vec![(0.0, 10.0), (1.0, 2.0), (3.0, 9.0), (4.0, 8.0)],
                vec![
                    vec![(0.0, 1.0), (2.0, 1.0), (9.0, 1.0)],
                    vec![(1.0, 1.0)],
                    vec![(3.0, 1.0), (8.0, 1.0)],
                    vec![(4.0, 4.0)],
                ],
            ),
            (
                "two at the same time",
                vec![(0.0, 4.0), (1.0, 3.0), (2.0, 4.0)],
                vec![vec![(0.0, 1.0)], vec![(1.0, 1.0)], vec![(2.0, 2.0)]],
            ),
            (
                "one that outlives the response",
                vec![(0.0, 2.0), (1.0, 9.0)],
                vec![vec![(0.0, 1.0)], vec![(1.0, 1.0)]],
            ),
        ] {
            let whole = periods[0].1 - periods[0].0;
            let periods: Vec<_> = periods.into_iter().map(period).collect();
            let segments = exclusive(&periods);
            assert_eq!(segments, expected, "{name}");
            let sum: f64 = segments.iter().flatten().map(|(_, length)| length).sum();
            assert_eq!(sum, whole, "{name}");
        }
    }
}
