//! The files of the page: HTML, CSS and JavaScript, as they are in this folder.

use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use axum::response::Response;
use axum::routing::get;

use super::{Console, file};

/// The content security policy: the page can reach the local services and nothing else, and no
/// other page can show it in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' http://localhost:*; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// A file of the page: its path, its content type and its content.
type File = (&'static str, &'static str, &'static str);

const fn script(path: &'static str, content: &'static str) -> File {
    (path, "text/javascript; charset=utf-8", content)
}

const FILES: [File; 16] = [
    ("/", "text/html; charset=utf-8", include_str!("index.html")),
    (
        "/console.css",
        "text/css; charset=utf-8",
        include_str!("console.css"),
    ),
    script("/chain.js", include_str!("chain.js")),
    script("/composer.js", include_str!("composer.js")),
    script("/connect.js", include_str!("connect.js")),
    script("/detail.js", include_str!("detail.js")),
    script("/diff.js", include_str!("diff.js")),
    script("/dom.js", include_str!("dom.js")),
    script("/feed.js", include_str!("feed.js")),
    script("/lab.js", include_str!("lab.js")),
    script("/list.js", include_str!("list.js")),
    script("/main.js", include_str!("main.js")),
    script("/session.js", include_str!("session.js")),
    script("/share.js", include_str!("share.js")),
    script("/srp.js", include_str!("srp.js")),
    script("/token.js", include_str!("token.js")),
];

pub(super) fn routes() -> Router<Console> {
    FILES
        .into_iter()
        .fold(Router::new(), |router, (path, content_type, content)| {
            router.route(
                path,
                get(move || async move { page(content_type, content) }),
            )
        })
}

fn page(content_type: &'static str, content: &'static str) -> Response {
    let mut response = file(content_type, content);
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
