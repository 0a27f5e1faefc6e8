//! What core receives: `PAYLOAD` and `IDENTITY_SIGNING_KEY`.

use super::environment::Environment;
use crate::stages::enrich::{IdentitySigner, PayloadShape};

/// What core receives: `PAYLOAD`, which leaves nothing to sign where it is `bare`.
pub fn payload_shape(env: &mut Environment) -> PayloadShape {
    let words = [
        ("envelope", PayloadShape::Envelope),
        ("bare", PayloadShape::Bare),
    ];
    let shape = env.choice("PAYLOAD", &words, PayloadShape::Envelope);
    if shape == PayloadShape::Bare && env.value("IDENTITY_SIGNING_KEY").is_some() {
        env.problem(
            "IDENTITY_SIGNING_KEY is set with PAYLOAD=bare, which gives core no identity to sign: unset one or the other",
        );
    }
    shape
}

/// What signs the identity: `IDENTITY_SIGNING_KEY`. The problem never holds the key.
pub fn identity_signer(env: &mut Environment) -> Option<IdentitySigner> {
    let key = env.value("IDENTITY_SIGNING_KEY")?;
    let signer = IdentitySigner::new(&key);
    signer
        .map_err(|why| env.problem(format!("IDENTITY_SIGNING_KEY: {why}")))
        .ok()
}
