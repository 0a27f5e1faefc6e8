//! The chart of the README: cold start and warm request of every peer as bars on a logarithmic
//! scale.

use std::fmt::Write;

use super::measure::{ColdStart, WarmRequests};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 70.0;
const BAR: f64 = 22.0;

/// Draws the chart as SVG.
pub fn draw(cold: &[ColdStart], warm: &[WarmRequests]) -> String {
    let cold: Vec<_> = cold.iter().map(|one| (one.peer, one.answer)).collect();
    let warm: Vec<_> = warm
        .iter()
        .filter(|one| one.size == 200)
        .map(|one| (one.peer, one.p50 / 1e3))
        .collect();
    let mut body = String::new();
    let middle = panel(
        &mut body,
        0.0,
        "cold start: spawn to first answer, ms (logarithmic)",
        &cold,
    );
    let height = panel(
        &mut body,
        middle,
        "warm request of 200 B: event to answer, ms (logarithmic)",
        &warm,
    );
    let style = "text{font:13px system-ui,sans-serif;fill:#5a6675}.title{font-weight:600}.edge{fill:#1c5fd4}.peer{fill:#b7c1cd}";
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\"><style>{style}</style>{body}</svg>\n"
    )
}

/// Draws one panel below `top` and returns the top of the next one.
fn panel(svg: &mut String, top: f64, title: &str, bars: &[(&str, f64)]) -> f64 {
    let greatest = bars
        .iter()
        .map(|(_, value)| *value)
        .fold(f64::MIN_POSITIVE, f64::max);
    let least = bars
        .iter()
        .map(|(_, value)| *value)
        .fold(greatest, f64::min)
        / 4.0;
    let _ = write!(
        svg,
        "<text class=\"title\" x=\"{LEFT}\" y=\"{}\">{title}</text>",
        top + 22.0
    );
    for (at, (peer, value)) in bars.iter().enumerate() {
        let y = top + 34.0 + at as f64 * (BAR + 6.0);
        let length = (value / least).ln() / (greatest / least).ln() * (WIDTH - LEFT - 90.0);
        let class = if *peer == "edge" { "edge" } else { "peer" };
        let text = y + BAR * 0.7;
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{peer}</text>",
            LEFT - 8.0
        );
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{y}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"3\"/>"
        );
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{text}\">{value:.2}</text>",
            LEFT + length + 8.0
        );
    }
    top + 44.0 + bars.len() as f64 * (BAR + 6.0)
}
