//! The format of the lines that are not a request's own: a failed start, a response that Lambda
//! rejects, a library's warning.
//!
//! It is built of tracing-subscriber's and tracing-serde's parts. tracing-subscriber's own JSON
//! format cannot give the member `requestId`, which Lambda's JSON format has and every line of the
//! edge must have: it writes the fields of spans below `span`, and a span would format its fields
//! for every request, while these lines are rare. The id comes from a task-local instead.
//! <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html>

use std::fmt;

use serde::ser::{SerializeMap, Serializer};
use tokio::task::futures::TaskLocalFuture;
use tracing::{Event, Subscriber};
use tracing_serde::{AsSerde, SerdeMapVisitor};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::timestamp;

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
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        // An error means that no request is being answered.
        let request_id = REQUEST_ID.try_with(String::clone).ok();
        let mut time = String::new();
        timestamp(&mut time);
        if self.json {
            let line = json_line(&time, event, request_id.as_deref());
            return writeln!(writer, "{}", line.map_err(|_| fmt::Error)?);
        }
        let (level, target) = (event.metadata().level(), event.metadata().target());
        write!(writer, "{time} {level} {target}: ")?;
        context.format_fields(writer.by_ref(), event)?;
        if let Some(id) = request_id {
            write!(writer, " requestId={id:?}")?;
        }
        writeln!(writer)
    }
}

fn json_line(
    time: &str,
    event: &Event,
    request_id: Option<&str>,
) -> Result<String, serde_json::Error> {
    let mut line = Vec::new();
    let mut serializer = serde_json::Serializer::new(&mut line);
    let mut members = serializer.serialize_map(None)?;
    members.serialize_entry("timestamp", time)?;
    members.serialize_entry("level", &event.metadata().level().as_serde())?;
    let mut visitor = SerdeMapVisitor::new(members);
    event.record(&mut visitor);
    let mut members = visitor.take_serializer()?;
    if let Some(id) = request_id {
        members.serialize_entry("requestId", id)?;
    }
    members.serialize_entry("target", event.metadata().target())?;
    members.end()?;
    Ok(String::from_utf8_lossy(&line).into_owned())
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

    fn line(json: bool, log: impl FnOnce()) -> String {
        let written = Written::default();
        let writer = written.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(move || writer.clone())
            .event_format(Line { json });
        let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        log();
        let bytes = written.0.lock().expect("a lock").clone();
        let line = String::from_utf8(bytes).expect("UTF-8");
        let time = line.find("20").expect("a time");
        line.replace(&line[time..time + 27], "<time>")
    }

    async fn line_of_request(json: bool) -> String {
        of_request("id-1".to_owned(), async {
            line(json, || {
                tracing::warn!(status = 413_u16, last = true, why = "a \"b\"", "not taken");
            })
        })
        .await
    }

    #[tokio::test]
    async fn a_line_has_its_members_and_the_requests_id() {
        let line = line_of_request(true).await;
        let _: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        insta::assert_snapshot!(line);
    }

    #[tokio::test]
    async fn a_line_in_words_says_the_same() {
        insta::assert_snapshot!(line_of_request(false).await);
    }

    #[test]
    fn a_line_outside_of_a_request_has_no_id_and_one_line_whatever_it_says() {
        let log = || tracing::error!(error = %"a\nb", number = -1, "ended");
        let line = line(true, log);
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        let members: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(
            (
                &members["level"],
                &members["error"],
                &members["number"],
                members.get("requestId")
            ),
            (&"ERROR".into(), &"a\nb".into(), &(-1).into(), None)
        );
    }
}
