//! Builds the payload that core receives: the caller's own JSON, beside what the edge knows about
//! the caller and the request.

mod signature;

use std::time::SystemTime;

use serde::Serialize;

use crate::error::EdgeError;
use crate::limits::MAX_PAYLOAD;
use crate::stages::validate::Validated;
pub use signature::IdentitySigner;

/// `PAYLOAD`: what core receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadShape {
    /// An object with the members `input`, `identity` and `requestMeta`.
    Envelope,
    /// The caller's object alone.
    Bare,
}

/// The payload of the Invoke call.
#[derive(Debug)]
pub struct Enriched {
    /// The payload, a JSON object.
    pub payload: Vec<u8>,
    /// The tenant id of the Invoke call.
    pub tenant: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    ip: Option<&'a str>,
    user_agent: Option<&'a str>,
    request_id: &'a str,
}

/// Builds the payload, or answers 413 when it would pass Lambda's limit. With a signer, the
/// identity is signed.
pub fn enrich(
    validated: Validated,
    shape: PayloadShape,
    signer: Option<&IdentitySigner>,
) -> Result<Enriched, EdgeError> {
    let payload = match shape {
        PayloadShape::Envelope => envelope(&validated, signer),
        PayloadShape::Bare => validated.input.into_owned().into_bytes(),
    };
    if payload.len() > MAX_PAYLOAD {
        return Err(EdgeError::RequestTooLarge(format!(
            "{} bytes",
            payload.len()
        )));
    }
    Ok(Enriched {
        payload,
        tenant: validated.caller.tenant,
    })
}

fn envelope(validated: &Validated, signer: Option<&IdentitySigner>) -> Vec<u8> {
    let meta = Meta {
        ip: validated.meta.ip.as_deref(),
        user_agent: validated.meta.user_agent.as_deref(),
        request_id: validated.meta.request_id,
    };
    let mut payload = Vec::with_capacity(validated.input.len() + 512);
    payload.extend_from_slice(b"{\"input\":");
    payload.extend_from_slice(validated.input.trim_ascii().as_bytes());
    payload.extend_from_slice(b",\"identity\":");
    let start = payload.len();
    write_json(&mut payload, &validated.caller.identity);
    let token = signer.map(|signer| {
        signer.sign(
            &payload[start..],
            validated.meta.request_id,
            SystemTime::now(),
        )
    });
    payload.extend_from_slice(b",\"requestMeta\":");
    write_json(&mut payload, &meta);
    if let Some(token) = token {
        payload.extend_from_slice(b",\"identitySignature\":");
        write_json(&mut payload, &token);
    }
    payload.push(b'}');
    payload
}

// Strings and raw JSON always serialize, and writing to a Vec does not fail.
fn write_json(payload: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(payload, value).expect("JSON into memory");
}
