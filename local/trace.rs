//! X-Ray trace headers: how a service creates one and passes it to the next service.
//! <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>

use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

/// A header with a new root, for a request that came without one.
pub(crate) fn new_root() -> String {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let id = Uuid::new_v4().simple().to_string();
    format!("Root=1-{seconds:08x}-{}", &id[..24])
}

/// The header for the next service: the same root and sampling decision, with a new parent.
pub(crate) fn for_next_service(header: Option<&str>) -> String {
    let part = |name: &str| {
        header.and_then(|header| {
            header
                .split(';')
                .find_map(|part| part.trim().strip_prefix(name))
        })
    };
    let root = part("Root=").map_or_else(new_root, |root| format!("Root={root}"));
    let id = Uuid::new_v4().simple().to_string();
    format!(
        "{root};Parent={};Sampled={}",
        &id[..16],
        part("Sampled=").unwrap_or("0")
    )
}
