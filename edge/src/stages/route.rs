//! Checks that the edge serves the path and the method of a request.

use crate::error::EdgeError;
use crate::stages::event::{EventSource, Request};

/// The paths and methods that the edge serves.
#[derive(Debug)]
pub struct RouteTable {
    /// The methods, upper-case. `HEAD` goes with `GET`.
    pub methods: Vec<String>,
    /// The paths; every path where the list is empty.
    pub routes: Vec<Route>,
}

/// One path, or every path below it.
#[derive(Debug, PartialEq, Eq)]
pub enum Route {
    /// Exactly this path.
    Exact(String),
    /// Every path with this prefix, which ends in `/`.
    Below(String),
}

/// A request whose path and method are served. A direct Invoke has neither.
#[derive(Debug)]
pub struct RoutedRequest<'e>(pub Request<'e>);

/// Passes a request that the route table has; otherwise 404 or 405.
pub fn route<'e>(
    request: Request<'e>,
    route_table: &RouteTable,
) -> Result<RoutedRequest<'e>, EdgeError> {
    if request.source == EventSource::Direct {
        return Ok(RoutedRequest(request));
    }
    let has_route = route_table.routes.is_empty()
        || route_table
            .routes
            .iter()
            .any(|route| route.matches(&request.path));
    if !has_route {
        return Err(EdgeError::NotFound);
    }
    if !route_table.has_method(&request.method) {
        return Err(EdgeError::MethodNotAllowed);
    }
    Ok(RoutedRequest(request))
}

impl RouteTable {
    /// The value of the `Allow` header.
    pub fn allow(&self) -> String {
        let head = self.has_method("HEAD").then_some("HEAD");
        let methods: Vec<_> = self
            .methods
            .iter()
            .map(String::as_str)
            .chain(head)
            .chain(["OPTIONS"])
            .collect();
        methods.join(", ")
    }

    fn has_method(&self, method: &str) -> bool {
        let method = if method == "HEAD" { "GET" } else { method };
        self.methods.iter().any(|served| served == method)
    }
}

impl Route {
    /// Reads `/path` or `/path/*`.
    pub fn parse(written: &str) -> Result<Self, String> {
        let is_path = |path: &str| {
            path.starts_with('/')
                && !path.contains(['*', '?', '#'])
                && !path.contains(char::is_whitespace)
        };
        match written.strip_suffix('*') {
            Some(below) if is_path(below) && below.ends_with('/') => {
                Ok(Self::Below(below.to_owned()))
            }
            None if is_path(written) => Ok(Self::Exact(written.to_owned())),
            _ => Err("write /path, or /path/* for all that is below it".to_owned()),
        }
    }

    fn matches(&self, path: &str) -> bool {
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
            assert_eq!(
                Route::parse(route).expect(route).matches(path),
                is,
                "{route} {path}"
            );
        }
        for wrong in ["inference", "/a*", "/a?b", "POST /a", "*", ""] {
            assert!(Route::parse(wrong).is_err(), "{wrong}");
        }
    }
}
