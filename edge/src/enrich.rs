//! A validated request becomes the bytes that core receives: the caller's own JSON, spliced between what the edge knows.

use serde::Serialize;

use crate::config::PayloadShape;
use crate::error::EdgeError;
use crate::validate::Validated;

/// Lambda's limit for a synchronous request, in bytes.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_PAYLOAD: usize = 6 * 1024 * 1024;

/// What the Invoke call carries.
#[derive(Debug)]
pub struct Enriched {
    /// The payload, a JSON object.
    pub payload: Vec<u8>,
    /// The tenant that the call is for.
    pub tenant: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    ip: Option<&'a str>,
    user_agent: Option<&'a str>,
    request_id: &'a str,
}

/// Writes the payload, or 413 when Lambda would not take it.
pub fn enrich(validated: Validated, shape: PayloadShape) -> Result<Enriched, EdgeError> {
    let payload = match shape {
        PayloadShape::Envelope => envelope(&validated),
        PayloadShape::Bare => validated.input.into_owned().into_bytes(),
    };
    if payload.len() > MAX_PAYLOAD {
        return Err(EdgeError::RequestTooLarge(format!("{} bytes", payload.len())));
    }
    Ok(Enriched { payload, tenant: validated.caller.tenant })
}

fn envelope(validated: &Validated) -> Vec<u8> {
    let meta = Meta {
        ip: validated.meta.ip.as_deref(),
        user_agent: validated.meta.user_agent.as_deref(),
        request_id: validated.meta.request_id,
    };
    let mut payload = Vec::with_capacity(validated.input.len() + 512);
    payload.extend_from_slice(b"{\"input\":");
    payload.extend_from_slice(validated.input.trim_ascii().as_bytes());
    payload.extend_from_slice(b",\"identity\":");
    write_json(&mut payload, &validated.caller.identity);
    payload.extend_from_slice(b",\"requestMeta\":");
    write_json(&mut payload, &meta);
    payload.push(b'}');
    payload
}

// Texts and raw JSON have no way to fail, and a Vec takes every byte.
fn write_json(payload: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(payload, value).expect("JSON into memory");
}
