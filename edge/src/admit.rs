//! The first checks after the preflight: is the path one that this edge serves, and the method?

use crate::error::EdgeError;
use crate::event::{Door, Request};

/// What is served.
#[derive(Debug)]
pub struct Served {
    /// The methods, upper-case. `HEAD` goes with `GET`.
    pub methods: Vec<String>,
    /// The paths; empty: all.
    pub routes: Vec<Route>,
}

/// A path, or all paths below one.
#[derive(Debug, PartialEq, Eq)]
pub enum Route {
    /// This path and no other.
    Exact(String),
    /// Everything that begins with this, which ends in `/`.
    Below(String),
}

/// A request whose path and method are served. At the direct door there is neither to check.
#[derive(Debug)]
pub struct Admitted<'e>(pub Request<'e>);

/// Passes a request that is served, or 404, or 405.
pub fn admit<'e>(request: Request<'e>, served: &Served) -> Result<Admitted<'e>, EdgeError> {
    if request.door == Door::Direct {
        return Ok(Admitted(request));
    }
    let has_route = served.routes.is_empty() || served.routes.iter().any(|route| route.is(&request.path));
    match (has_route, served.has_method(&request.method)) {
        (false, _) => Err(EdgeError::NotFound),
        (true, false) => Err(EdgeError::MethodNotAllowed),
        (true, true) => Ok(Admitted(request)),
    }
}

impl Served {
    /// The value of `Allow`.
    pub fn allow(&self) -> String {
        let head = self.has_method("HEAD").then_some("HEAD");
        let methods: Vec<_> = self.methods.iter().map(String::as_str).chain(head).chain(["OPTIONS"]).collect();
        methods.join(", ")
    }

    fn has_method(&self, asked: &str) -> bool {
        let asked = if asked == "HEAD" { "GET" } else { asked };
        self.methods.iter().any(|method| method == asked)
    }
}

impl Route {
    /// Reads `/path` or `/path/*`.
    pub fn parse(written: &str) -> Result<Self, String> {
        let is_path =
            |path: &str| path.starts_with('/') && !path.contains(['*', '?', '#']) && !path.contains(char::is_whitespace);
        match written.strip_suffix('*') {
            Some(below) if is_path(below) && below.ends_with('/') => Ok(Self::Below(below.to_owned())),
            None if is_path(written) => Ok(Self::Exact(written.to_owned())),
            _ => Err("write /path, or /path/* for all that is below it".to_owned()),
        }
    }

    fn is(&self, path: &str) -> bool {
        match self {
            Self::Exact(route) => path == route,
            Self::Below(route) => path.starts_with(route),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_a_path_or_all_that_is_below_one() {
        for (route, path, is) in [
            ("/inference", "/inference", true),
            ("/inference", "/inference/", false),
            ("/inference", "/Inference", false),
            ("/api/*", "/api/a/b", true),
            ("/api/*", "/api", false),
            ("/*", "/", true),
            ("/", "/", true),
            ("/", "", false),
        ] {
            assert_eq!(Route::parse(route).expect(route).is(path), is, "{route} {path}");
        }
        for wrong in ["inference", "/a*", "/a?b", "POST /a", "*", ""] {
            assert!(Route::parse(wrong).is_err(), "{wrong}");
        }
    }
}
