//! Output to the terminal of the person who started the stack: as text, or as a line of JSON each.
//! Errors are ignored: a closed terminal must not stop the stack.

use std::fmt::{self, Display};
use std::io::{IsTerminal, Write};
use std::sync::OnceLock;

use clap::ValueEnum;
use serde_json::{Value, json};

/// The form of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// For programs: one JSON object in each line
    Json,
}

static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Sets the form of the lines, once. Without it they are text.
pub fn set_format(format: LogFormat) {
    let _ = FORMAT.set(format);
}

/// The form that suits the standard output: text for a terminal, JSON for a file or a program.
pub fn format_of_output() -> LogFormat {
    if std::io::stdout().is_terminal() {
        LogFormat::Text
    } else {
        LogFormat::Json
    }
}

fn is_json() -> bool {
    FORMAT.get() == Some(&LogFormat::Json)
}

fn has_colors() -> bool {
    static COLORS: OnceLock<bool> = OnceLock::new();
    *COLORS.get_or_init(|| std::io::stdout().is_terminal())
}

/// Prints a line to the standard output; unlike `println!` it does not panic if the output is
/// closed.
pub fn print_line(line: impl Display) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Prints a message of the stack or of one of its parts. In JSON, a message that is a JSON object
/// itself becomes the member `fields`.
pub fn print_from(source: &str, message: impl Display) {
    if !is_json() {
        print_line(format_args!("{source:>4} │ {message}"));
        return;
    }
    let message = message.to_string();
    let mut line = json!({ "at": jiff::Timestamp::now().to_string(), "source": source });
    match serde_json::from_str::<Value>(&message) {
        Ok(fields @ Value::Object(_)) => line["fields"] = fields,
        _ => line["message"] = Value::String(message),
    }
    print_line(line);
}

/// Prints the message after the start: in JSON as one line, else as it is.
pub fn print_startup_message(message: &str) {
    if is_json() {
        print_from("stack", message);
    } else {
        print_line(message);
    }
}

/// The line for one request.
#[derive(Debug)]
pub(crate) struct RequestLine {
    /// The members of the record in a list.
    pub summary: Value,
    pub id: u64,
    pub method: String,
    pub path: String,
    pub status: Option<u16>,
    pub ms: f64,
    pub is_aborted: bool,
    pub is_cold_start: bool,
    /// The name of each hop, and the time that it took itself.
    pub hops: Vec<(String, f64)>,
    /// The hop that stopped the request, why, and what to do about it.
    pub stop: Option<(String, String, String)>,
}

impl RequestLine {
    pub(crate) fn print(&self) {
        if !is_json() {
            print_line(self.text(has_colors()));
            return;
        }
        let mut request = self.summary.clone();
        request["hops"] = self
            .hops
            .iter()
            .map(|(name, ms)| json!({ "name": name, "ms": ms }))
            .collect();
        print_line(json!({
            "at": jiff::Timestamp::now().to_string(), "source": "request", "request": request,
        }));
    }

    fn text(&self, has_colors: bool) -> impl Display {
        RequestText {
            line: self,
            has_colors,
        }
    }
}

struct RequestText<'a> {
    line: &'a RequestLine,
    has_colors: bool,
}

impl Display for RequestText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let RequestLine {
            id,
            method,
            path,
            ms,
            hops,
            stop,
            ..
        } = self.line;
        let (red, dim, end) = if self.has_colors {
            ("\x1b[31m", "\x1b[2m", "\x1b[0m")
        } else {
            ("", "", "")
        };
        let status = match self.line.status {
            Some(status) if !self.line.is_aborted => status.to_string(),
            _ => "aborted".to_owned(),
        };
        let (color, color_end) = if stop.is_some() { (red, end) } else { ("", "") };
        write!(
            f,
            "{:>4} │ {method} {path} → {color}{status}{color_end} in {ms:.2} ms {dim}(",
            format!("#{id}")
        )?;
        for (at, (name, ms)) in hops.iter().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            write!(f, "{separator}{name} {ms:.2}")?;
        }
        let cold = if self.line.is_cold_start {
            ", cold start"
        } else {
            ""
        };
        write!(f, "{cold}){end}")?;
        if let Some((hop, why, mend)) = stop {
            write!(f, "\n     │ {red}✗ {hop}: {why}{end} → {mend}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_line_and_an_error_is_another_with_its_mend() {
        let mut line = RequestLine {
            summary: Value::Null,
            id: 7,
            method: "POST".to_owned(),
            path: "/inference".to_owned(),
            status: Some(200),
            ms: 2.5,
            is_aborted: false,
            is_cold_start: true,
            hops: vec![("HTTP API".to_owned(), 0.5), ("edge".to_owned(), 2.0)],
            stop: None,
        };
        insta::assert_snapshot!(line.text(false), @"  #7 │ POST /inference → 200 in 2.50 ms (HTTP API 0.50, edge 2.00, cold start)");
        line.status = Some(401);
        line.is_cold_start = false;
        line.stop = Some(("JWT authorizer".into(), "expired".into(), "Renew.".into()));
        insta::assert_snapshot!(line.text(false), @"
          #7 │ POST /inference → 401 in 2.50 ms (HTTP API 0.50, edge 2.00)
             │ ✗ JWT authorizer: expired → Renew.
        ");
        assert!(line.text(true).to_string().contains("\x1b[31m401\x1b[0m"));
    }
}
