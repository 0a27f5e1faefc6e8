//! Why a signature does not match: what the client signed instead, where it is one of the usual slips.
//!
//! A signature tells nothing of what it was made over; but whoever holds the secret can try what a client may have done, and
//! a signature that then matches proves it.

use std::fmt::Write;

use super::canonical::{Canonical, encode, normalized_path, sorted_query};
use super::claimed::Claimed;
use super::{SignedRequest, sha256_hex, signature};
use crate::credentials::Credentials;

/// A canonical request beside the one that the client signed, where that could be found out.
#[derive(Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// As it was computed here.
    pub ours: String,
    /// As the client must have computed it, and what it did otherwise.
    pub clients: Option<(String, &'static str)>,
}

impl Mismatch {
    /// Tries the usual slips.
    pub fn explain(request: &SignedRequest, claimed: &Claimed, credentials: &Credentials, ours: &Canonical) -> Self {
        let slips = slips(request, ours).into_iter();
        let mut slips = slips.map(|(slip, canonical)| (canonical.to_string(), slip));
        let clients = slips.find(|(canonical, _)| signature(canonical, claimed, credentials) == claimed.signature);
        Self { ours: ours.to_string(), clients }
    }

    /// Both, line by line; the first line that differs is marked. What a session token is stays untold.
    pub fn table(&self) -> String {
        let mut table = String::new();
        let Some((clients, slip)) = &self.clients else {
            for line in self.ours.lines() {
                let _ = writeln!(table, "       {}", shown(line));
            }
            table.push_str(
                "       the client signed something else, or with another secret key: none of the usual slips explains it",
            );
            return table;
        };
        let differs = self.ours.split('\n').zip(clients.split('\n')).position(|(ours, theirs)| ours != theirs);
        for (at, (ours, theirs)) in self.ours.split('\n').zip(clients.split('\n')).enumerate() {
            if ours == theirs {
                let _ = writeln!(table, "       {}", shown(ours));
                continue;
            }
            let mark = if Some(at) == differs { "──▶" } else { "   " };
            let _ = writeln!(table, "   {mark} {}   (computed here)", shown(ours));
            let _ = writeln!(table, "       {}   (signed by the client)", shown(theirs));
        }
        let _ = write!(table, "       {slip}");
        table
    }
}

fn shown(line: &str) -> &str {
    if line.starts_with("x-amz-security-token:") { "x-amz-security-token:[cut]" } else { line }
}

/// What clients do otherwise, and the canonical request that comes of it.
fn slips(request: &SignedRequest, ours: &Canonical) -> Vec<(&'static str, Canonical)> {
    let with = |change: &dyn Fn(&mut Canonical)| {
        let mut canonical = ours.clone();
        change(&mut canonical);
        canonical
    };
    let raw_path = if request.path.is_empty() { "/" } else { request.path };
    let host_only = |canonical: &mut Canonical| {
        let host = canonical.headers.iter_mut().find(|(name, _)| name == "host");
        host.into_iter().for_each(|(_, value)| *value = value.split(':').next().unwrap_or_default().to_owned());
    };
    vec![
        ("the path must be encoded once more than it is sent", with(&|c| c.path = raw_path.to_owned())),
        (
            "the path must be normalised",
            with(&|c| c.path = raw_path.split('/').map(|part| encode(part.as_bytes())).collect::<Vec<_>>().join("/")),
        ),
        ("the path must be encoded once more than it is sent", with(&|c| c.path = decoded_once(&normalized_path(raw_path)))),
        ("the query must be sorted and encoded", with(&|c| c.query = request.query.to_owned())),
        ("a space in the query is %20, not +", with(&|c| c.query = sorted_query(&request.query.replace('+', "%20")))),
        ("the query belongs to what is signed", with(&|c| c.query.clear())),
        ("the body belongs to what is signed", with(&|c| c.payload_hash = sha256_hex(b""))),
        ("UNSIGNED-PAYLOAD must be sent as x-amz-content-sha256", with(&|c| c.payload_hash = "UNSIGNED-PAYLOAD".to_owned())),
        ("the host is signed as it is sent, with its port", with(&host_only)),
        ("the method is signed as it is sent", with(&|c| c.method = if c.method == "GET" { "POST" } else { "GET" }.to_owned())),
    ]
}

fn decoded_once(path: &str) -> String {
    path.replace("%25", "%")
}
