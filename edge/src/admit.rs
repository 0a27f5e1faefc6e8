//! The first check after the preflight: is the method one that this edge serves?

use crate::error::EdgeError;
use crate::event::{Door, Request};

/// A request whose method is served. At the direct door there is none to check.
#[derive(Debug)]
pub struct Admitted<'e>(pub Request<'e>);

/// Passes a request whose method is among `methods`, or 405.
pub fn admit<'e>(request: Request<'e>, methods: &[String]) -> Result<Admitted<'e>, EdgeError> {
    let served = request.door == Door::Direct || methods.iter().any(|method| *method == request.method);
    if served { Ok(Admitted(request)) } else { Err(EdgeError::MethodNotAllowed) }
}
