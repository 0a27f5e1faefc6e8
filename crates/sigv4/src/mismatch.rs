//! Why a signature does not match: what the client signed instead, where it made one of the common
//! mistakes.
//!
//! A signature does not tell what it was made from. But whoever holds the secret can compute what a
//! client with a known mistake would have signed; a signature that then matches proves the mistake.

use std::borrow::Cow;
use std::fmt::Write;

use crate::canonical::{CanonicalRequest, encode, normalized_path, sorted_query};
use crate::hash::sha256_hex;
use crate::request_signature::RequestSignature;
use crate::sign::signature;
use crate::{Credentials, Request};

/// A canonical request beside the one that the client signed, where that could be found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The canonical request as the verifier computed it.
    pub computed: String,
    /// The canonical request that the client signed, and its mistake.
    pub signed: Option<(String, &'static str)>,
}

impl Mismatch {
    /// Tries the common mistakes.
    pub(crate) fn explain(
        request: &Request,
        sent: &RequestSignature,
        credentials: &Credentials,
        computed: &CanonicalRequest,
    ) -> Self {
        let mistakes = common_mistakes(request, computed).into_iter();
        let mut mistakes = mistakes.map(|(mistake, canonical)| (canonical.text(), mistake));
        let signed = mistakes.find(|(canonical, _)| {
            signature(canonical, &sent.date, &sent.scope, credentials) == sent.signature
        });
        Self {
            computed: computed.text(),
            signed,
        }
    }

    /// Both requests, line by line, with a mark at the first line that differs. Session tokens are
    /// cut out.
    pub fn table(&self) -> String {
        let mut table = String::new();
        let Some((signed, mistake)) = &self.signed else {
            for line in self.computed.lines() {
                let _ = writeln!(table, "       {}", without_token(line));
            }
            table.push_str(
                "       the client signed something else, or with another secret key: none of the common mistakes explains it",
            );
            return table;
        };
        let lines = || self.computed.split('\n').zip(signed.split('\n'));
        let first_difference = lines().position(|(computed, signed)| computed != signed);
        for (at, (computed, signed)) in lines().enumerate() {
            if computed == signed {
                let _ = writeln!(table, "       {}", without_token(computed));
                continue;
            }
            let mark = if Some(at) == first_difference {
                "──▶"
            } else {
                "   "
            };
            let _ = writeln!(
                table,
                "   {mark} {}   (computed here)",
                without_token(computed)
            );
            let _ = writeln!(
                table,
                "       {}   (signed by the client)",
                without_token(signed)
            );
        }
        let _ = write!(table, "       {mistake}");
        table
    }
}

fn without_token(line: &str) -> &str {
    if line.starts_with("x-amz-security-token:") {
        "x-amz-security-token:[cut]"
    } else {
        line
    }
}

/// What clients commonly do otherwise, and the canonical request that follows from it.
fn common_mistakes<'a>(
    request: &Request<'a>,
    computed: &CanonicalRequest<'a>,
) -> Vec<(&'static str, CanonicalRequest<'a>)> {
    let with = |change: &dyn Fn(&mut CanonicalRequest<'a>)| {
        let mut canonical = computed.clone();
        change(&mut canonical);
        canonical
    };
    let sent_path = if request.path.is_empty() {
        "/"
    } else {
        request.path
    };
    let encoded_path = || {
        sent_path
            .split('/')
            .map(|segment| encode(segment.as_bytes()))
            .collect::<Vec<_>>()
            .join("/")
    };
    let host_without_port = |canonical: &mut CanonicalRequest| {
        for (_, host) in canonical
            .headers
            .iter_mut()
            .filter(|(name, _)| name == "host")
        {
            *host = Cow::Owned(host.split(':').next().unwrap_or_default().to_owned());
        }
    };
    let other_method = if request.method == "GET" {
        "POST"
    } else {
        "GET"
    };
    let query_with_plus = || sorted_query(&request.query.replace('+', "%2B"));
    vec![
        (
            "the path must be encoded once more than it is sent",
            with(&|c| c.path = sent_path.into()),
        ),
        (
            "the path must be normalised",
            with(&|c| c.path = encoded_path().into()),
        ),
        (
            "the path must be encoded once more than it is sent",
            with(&|c| c.path = normalized_path(sent_path).replace("%25", "%").into()),
        ),
        (
            "the query must be sorted and encoded",
            with(&|c| c.query = request.query.into()),
        ),
        (
            "a plus in the query is %2B: + is a space",
            with(&|c| c.query = query_with_plus().into()),
        ),
        (
            "the query belongs to what is signed",
            with(&|c| c.query = "".into()),
        ),
        (
            "the body belongs to what is signed",
            with(&|c| c.payload_hash = sha256_hex(b"").into()),
        ),
        (
            "the hash of the body must be signed: Lambda does not support UNSIGNED-PAYLOAD",
            with(&|c| c.payload_hash = "UNSIGNED-PAYLOAD".into()),
        ),
        (
            "the host is signed as it is sent, with its port",
            with(&host_without_port),
        ),
        (
            "the method is signed as it is sent",
            with(&|c| c.method = other_method),
        ),
    ]
}
