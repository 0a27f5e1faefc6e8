//! To which invocation a line of a function's output belongs. An environment that works on several
//! at the same time has one output for all of them, so that a line tells by a request id in it.

use std::collections::VecDeque;

use crate::recorder::InvocationHandle;

/// The invocations of an environment to which a line may belong.
#[derive(Debug)]
pub(super) struct Attribution {
    /// How many invocations the environment works on at the same time.
    concurrency: usize,
    active: Vec<Known>,
    /// The invocations that have ended, the last one at the end: a function may print a line after
    /// it has answered.
    ended: VecDeque<Known>,
}

#[derive(Debug)]
struct Known {
    request_id: String,
    /// The request ids by which a line names the invocation: Lambda's, and that of the API.
    names: Vec<String>,
    recording: InvocationHandle,
}

impl Attribution {
    pub(super) fn new(concurrency: usize) -> Self {
        Self {
            concurrency,
            active: Vec::new(),
            ended: VecDeque::new(),
        }
    }

    /// Adds an invocation that begins.
    pub(super) fn begin(&mut self, request_id: &str, recording: &InvocationHandle) {
        let names = if self.is_shared() {
            recording.request_ids()
        } else {
            Vec::new()
        };
        self.active.push(Known {
            request_id: request_id.to_owned(),
            names,
            recording: recording.clone(),
        });
    }

    /// Moves an invocation that has ended to the end of those.
    pub(super) fn end(&mut self, request_id: &str) {
        let is_it = |known: &Known| known.request_id == request_id;
        let Some(at) = self.active.iter().position(is_it) else {
            return;
        };
        self.ended.push_back(self.active.remove(at));
        if self.ended.len() > 2 * self.concurrency {
            self.ended.pop_front();
        }
    }

    /// Notes a line in the record of the invocation to which it belongs, or in those of all to which
    /// it could belong.
    pub(super) fn note(&self, line: &str) {
        let named = self.named(line);
        match (named.as_slice(), self.active.as_slice()) {
            ([one], _) => one.recording.log(line),
            ([], [one]) => one.recording.log(line),
            ([], []) => {
                if let Some(last) = self.ended.back() {
                    last.recording.log(line);
                }
            }
            ([], several) => several
                .iter()
                .for_each(|known| known.recording.shared_log(line)),
            (several, _) => several
                .iter()
                .for_each(|known| known.recording.shared_log(line)),
        }
    }

    /// The invocations that a line names.
    fn named(&self, line: &str) -> Vec<&Known> {
        if !self.is_shared() {
            return Vec::new();
        }
        let names = |known: &&Known| known.names.iter().any(|name| line.contains(name.as_str()));
        self.active
            .iter()
            .chain(&self.ended)
            .filter(names)
            .collect()
    }

    fn is_shared(&self) -> bool {
        self.concurrency > 1
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use axum::http::request::Parts;

    use super::*;
    use crate::recorder::{InvocationRecording, Recorder};

    fn parts() -> Parts {
        let request = Request::post("/").body(()).expect("a request");
        request.into_parts().0
    }

    /// An invocation of `edge` with a request id.
    fn invocation(recorder: &Recorder, id: &str) -> InvocationRecording {
        let invocation = recorder.invocation(&parts(), "edge");
        invocation.request(id, None, b"{}");
        invocation
    }

    /// What the records have of the invocations with these ids: their own lines, and those that
    /// could belong to others too.
    fn logs(recorder: &Recorder, ids: &[&str]) -> Vec<[String; 2]> {
        let log = |id: &&str| {
            let record = recorder.find(id).expect("a record");
            let invocation = &record.invocations[0];
            [invocation.log.join(" "), invocation.shared_log.join(" ")]
        };
        ids.iter().map(log).collect()
    }

    #[test]
    fn a_line_belongs_to_the_invocation_that_it_names_or_could_belong_to_all_that_run() {
        let recorder = Recorder::default();
        let recordings = ["id-a", "id-b"].map(|id| (id, invocation(&recorder, id)));
        let mut attribution = Attribution::new(2);
        for (id, recording) in &recordings {
            attribution.begin(id, &recording.handle());
        }
        attribution.note(r#"{"requestId":"id-a"}"#);
        attribution.note("nobody");
        attribution.end("id-a");
        attribution.note("late id-a");
        attribution.note("one is left");
        attribution.note("id-a and id-b");
        attribution.end("id-b");
        attribution.note("last");
        assert_eq!(
            logs(&recorder, &["id-a", "id-b"]),
            [
                [r#"{"requestId":"id-a"} late id-a"#, "nobody id-a and id-b"],
                ["one is left last", "nobody id-a and id-b"]
            ]
        );
    }

    #[test]
    fn where_an_environment_works_on_one_at_a_time_every_line_belongs_to_the_last() {
        let recorder = Recorder::default();
        let recordings = ["id-a", "id-b"].map(|id| (id, invocation(&recorder, id)));
        let mut attribution = Attribution::new(1);
        for (id, recording) in &recordings {
            attribution.begin(id, &recording.handle());
            attribution.note(id);
            attribution.end(id);
            attribution.note("late");
        }
        assert_eq!(
            logs(&recorder, &["id-a", "id-b"]),
            [["id-a late", ""], ["id-b late", ""]]
        );
    }
}
