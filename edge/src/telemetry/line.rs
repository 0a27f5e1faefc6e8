//! The format of the lines that are not a request's own: a failed start, a response that Lambda
//! rejects, a library's warning.
//!
//! The request id comes from a task-local: a span would format its fields for every request, and
//! these lines are rare.

use std::fmt::{self, Write as _};

use tokio::task::futures::TaskLocalFuture;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::{text, timestamp};

tokio::task_local! {
    /// The request that is being answered.
    static REQUEST_ID: String;
}

/// Adds the request's id to every line that is logged during the work.
pub fn of_request<F: Future>(request_id: String, work: F) -> TaskLocalFuture<String, F> {
    REQUEST_ID.scope(request_id, work)
}

/// The form of the lines that are not a request's own.
pub struct Line {
    /// Whether a line is a JSON object or text.
    pub json: bool,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields {
            json: self.json,
            written: String::new(),
        };
        event.record(&mut fields);
        // An error means that no request is being answered.
        let _ = REQUEST_ID.try_with(|id| fields.text("requestId", id));
        let mut time = String::new();
        timestamp(&mut time);
        let (level, target) = (event.metadata().level(), event.metadata().target());
        let written = fields.written;
        match self.json {
            true => writeln!(
                writer,
                "{{\"timestamp\":\"{time}\",\"level\":\"{level}\"{written},\"target\":\"{target}\"}}"
            ),
            false => writeln!(writer, "{time} {level} {target}:{written}"),
        }
    }
}

/// The members of a line.
struct Fields {
    json: bool,
    written: String,
}

impl Fields {
    fn text(&mut self, name: &str, value: &str) {
        match (self.json, name) {
            (true, _) => {
                self.written.extend([",\"", name, "\":"]);
                text(&mut self.written, value);
            }
            (false, "message") => self.written.extend([" ", value]),
            (false, _) => drop(write!(self.written, " {name}={value:?}")),
        }
    }

    fn plain(&mut self, name: &str, value: impl fmt::Display) {
        let _ = match self.json {
            true => write!(self.written, ",\"{name}\":{value}"),
            false => write!(self.written, " {name}={value}"),
        };
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field.name(), &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("a lock").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    async fn line(json: bool) -> String {
        let written = Written::default();
        let writer = written.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(move || writer.clone())
            .event_format(Line { json });
        let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        of_request("id-1".to_owned(), async {
            tracing::warn!(status = 413_u16, last = true, why = "a \"b\"", "not taken")
        })
        .await;
        let bytes = written.0.lock().expect("a lock").clone();
        let line = String::from_utf8(bytes).expect("UTF-8");
        let time = line.find("20").expect("a time");
        line.replace(&line[time..time + 27], "<time>")
    }

    #[tokio::test]
    async fn a_line_has_its_members_and_the_requests_id() {
        let line = line(true).await;
        let _: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        insta::assert_snapshot!(line);
    }

    #[tokio::test]
    async fn a_line_in_words_says_the_same() {
        insta::assert_snapshot!(line(false).await);
    }
}
