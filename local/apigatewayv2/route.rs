//! Route keys, and the selection of the route that matches a request.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>

use axum::http::Method;

/// A route of an HTTP API with its Lambda integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The route key, for example `POST /inference`, `ANY /{proxy+}` or `$default`.
    pub key: String,
    /// The name of the function that the route invokes.
    pub function: String,
    /// The scopes of which the JWT authorizer requires one, where it is attached; `None` if the
    /// route needs no token.
    pub authorization: Option<Vec<String>>,
}

impl Route {
    /// The scopes of which a token needs one; `None` if the route needs no token.
    pub fn authorization_scopes(&self) -> Option<&[String]> {
        self.authorization.as_deref()
    }
}

/// The routes of an HTTP API.
#[derive(Debug, Default)]
pub struct Routes(Vec<Route>);

/// The route that matches a request, with the values of its path variables.
#[derive(Debug)]
pub struct RouteMatch<'a> {
    pub route: &'a Route,
    /// The names and values of the path variables, in the order of the path.
    pub path_parameters: Vec<(String, String)>,
}

/// How specific a route key is; the greatest one that matches is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    Default,
    GreedyAny,
    Greedy,
    VariablesAny,
    Variables,
    ExactAny,
    Exact,
}

impl Routes {
    /// Creates the route table; the order of the routes does not matter.
    pub fn new(routes: Vec<Route>) -> Self {
        Self(routes)
    }

    /// The most specific route that matches a request.
    pub fn find(&self, method: &Method, path: &str) -> Option<RouteMatch<'_>> {
        let matches = self.0.iter().filter_map(|route| {
            let (specificity, path_parameters) = match_key(&route.key, method, path)?;
            Some((
                specificity,
                RouteMatch {
                    route,
                    path_parameters,
                },
            ))
        });
        matches
            .max_by_key(|(specificity, _)| *specificity)
            .map(|(_, route_match)| route_match)
    }
}

fn match_key(
    key: &str,
    method: &Method,
    path: &str,
) -> Option<(Specificity, Vec<(String, String)>)> {
    let Some((verb, template)) = key.split_once(' ') else {
        return (key == "$default").then(|| (Specificity::Default, Vec::new()));
    };
    if verb != "ANY" && verb != method.as_str() {
        return None;
    }
    let parameters = match_path(template, path)?;
    let (any_method, one_method) = if template.contains("+}") {
        (Specificity::GreedyAny, Specificity::Greedy)
    } else if parameters.is_empty() {
        (Specificity::ExactAny, Specificity::Exact)
    } else {
        (Specificity::VariablesAny, Specificity::Variables)
    };
    Some((
        if verb == "ANY" {
            any_method
        } else {
            one_method
        },
        parameters,
    ))
}

fn match_path(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut parameters = Vec::new();
    let mut rest = path.strip_prefix('/')?;
    let mut parts = template.strip_prefix('/')?.split('/').peekable();
    while let Some(part) = parts.next() {
        let variable = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'));
        if let Some(greedy) = variable.and_then(|name| name.strip_suffix('+')) {
            parameters.push((greedy.to_owned(), rest.to_owned()));
            return (!rest.is_empty()).then_some(parameters);
        }
        let (segment, after) = rest
            .split_once('/')
            .map_or((rest, None), |(segment, after)| (segment, Some(after)));
        match variable {
            Some(name) if !segment.is_empty() => {
                parameters.push((name.to_owned(), segment.to_owned()))
            }
            None if part == segment => {}
            _ => return None,
        }
        let Some(after) = after else {
            return parts.peek().is_none().then_some(parameters);
        };
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_exact_route_is_taken() {
        let keys = [
            "$default",
            "ANY /{proxy+}",
            "GET /{proxy+}",
            "POST /pets/{id}",
            "POST /pets/new",
            "ANY /pets/new",
            "GET /",
        ];
        let route = |key: &&str| Route {
            key: (*key).to_owned(),
            function: "f".to_owned(),
            authorization: None,
        };
        let routes = Routes::new(keys.iter().map(route).collect());
        for (method, path, key) in [
            (Method::POST, "/pets/new", "POST /pets/new"),
            (Method::PUT, "/pets/new", "ANY /pets/new"),
            (Method::POST, "/pets/7", "POST /pets/{id}"),
            (Method::POST, "/pets/7/8", "ANY /{proxy+}"),
            (Method::GET, "/anything/else", "GET /{proxy+}"),
            (Method::GET, "/", "GET /"),
            (Method::POST, "/", "$default"),
        ] {
            let found = routes
                .find(&method, path)
                .map(|found| found.route.key.as_str());
            assert_eq!(found, Some(key), "{method} {path}");
        }
    }

    #[test]
    fn variables_are_given_by_name() {
        let route = Route {
            key: "GET /a/{x}/{rest+}".to_owned(),
            function: "f".to_owned(),
            authorization: None,
        };
        let routes = Routes::new(vec![route]);
        let found = routes.find(&Method::GET, "/a/1/b/c").expect("a route");
        let expected =
            [("x", "1"), ("rest", "b/c")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(found.path_parameters, expected);
        assert!(routes.find(&Method::GET, "/a/1").is_none());
        assert!(routes.find(&Method::GET, "/a/1/").is_none());
    }
}
