//! The frontend for the tests in a browser: how it is built and served, and the steps that the
//! tests share.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};

use axum::Router;
use axum::routing::get;
use tower_http::services::{ServeDir, ServeFile};

use super::driver::{Browser, browser_is_missing};
use crate::harness::{Stack, scripted_core};
use crate::not_run::not_run;

pub const ASK: &str = "button[type=submit]";
pub const SIGN_UP_TAB: &str = "button[role=tab]:nth-of-type(2)";

/// The first of `count` free ports in a row. No port is given twice, so that tests that run at the
/// same time get different ones.
pub fn free_ports(count: u16) -> u16 {
    static NEXT: Mutex<u16> = Mutex::new(23_000);
    let mut next = NEXT.lock().expect("a lock");
    loop {
        let first = *next;
        *next += count;
        if (first..first + count)
            .all(|port| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok())
        {
            return first;
        }
    }
}

/// The folder of the frontend, where its packages are installed.
pub fn web() -> Option<PathBuf> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    if web.join("node_modules/.bin/vite").exists() {
        return Some(web);
    }
    not_run(
        "the frontend in a browser",
        "its packages are not installed",
        "cd web && npm ci",
    );
    None
}

/// Vite, in the folder of the frontend. Every variable is set, so that neither the environment nor
/// a developer's .env.local counts.
pub fn vite(web: &Path, variables: &[(&str, &str)]) -> Command {
    let mut vite = Command::new("node");
    vite.arg("node_modules/vite/bin/vite.js")
        .current_dir(web)
        .stdin(Stdio::null());
    let names = [
        "API_URL",
        "REGION",
        "USER_POOL_ID",
        "USER_POOL_CLIENT_ID",
        "USER_POOL_ENDPOINT",
    ];
    let names = [
        &names[..],
        &[
            "IDENTITY_POOL_ID",
            "IDENTITY_POOL_ENDPOINT",
            "STREAM_API_URL",
            "STREAM_URL",
        ],
    ]
    .concat();
    vite.envs(names.into_iter().map(|name| (format!("VITE_{name}"), "")));
    vite.envs(variables.iter().copied());
    vite
}

/// A frontend that is built with variables.
pub fn build(web: &Path, name: &str, variables: &[(&str, &str)]) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("web-{name}"));
    let output = vite(web, variables)
        .args(["build", "--emptyOutDir", "--outDir"])
        .arg(&out)
        .output()
        .expect("vite");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    out
}

/// The frontend as `npm run build` makes it, without a variable. Built once for all tests.
pub fn built_frontend() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT
        .get_or_init(|| web().map(|web| build(&web, "plain", &[])))
        .as_deref()
}

/// A browser at the built frontend of a stack of its own.
pub async fn frontend(arguments: &[&str]) -> Option<(Stack, Browser)> {
    if browser_is_missing() {
        return None;
    }
    let web = built_frontend()?.display().to_string();
    let stack = Stack::start(&[&["--web", &web], arguments].concat());
    let browser = Browser::start().await;
    browser.open(stack.ready_value("/webUrl")).await;
    Some((stack, browser))
}

/// The frontend of a stack with these options, after the first user has signed in.
pub async fn frontend_of_user(arguments: &[&str]) -> Option<(Stack, Browser)> {
    let (stack, browser) = frontend(arguments).await?;
    signed_in(&stack, &browser).await;
    Some((stack, browser))
}

/// The same with the scripted core function.
pub async fn frontend_of_user_with_scripted_core() -> Option<(Stack, Browser)> {
    frontend_of_user(&["--core", &scripted_core()]).await
}

/// A host for single-page applications: every unknown path answers index.html.
pub struct Host {
    listener: tokio::net::TcpListener,
    pub url: String,
}

impl Host {
    pub async fn bind() -> Self {
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        Self { listener, url }
    }

    /// Serves a folder, and a config.json where one is given, until the test ends.
    pub fn serve(self, folder: &Path, configuration: Option<&'static str>) -> String {
        let files = ServeDir::new(folder).fallback(ServeFile::new(folder.join("index.html")));
        let mut router = Router::new().fallback_service(files);
        if let Some(configuration) = configuration {
            router = router.route("/config.json", get(move || async move { configuration }));
        }
        tokio::spawn(async move { axum::serve(self.listener, router).await });
        self.url
    }
}

pub async fn sign_in(browser: &Browser, email: &str, password: &str) {
    browser.fill("input[name=username]", email).await;
    browser.fill("input[name=password]", password).await;
    browser.click(ASK).await;
}

/// Signs the stack's user in and waits for the form.
pub async fn signed_in(stack: &Stack, browser: &Browser) {
    let user = stack.ready_value("/user/username");
    sign_in(browser, user, stack.ready_value("/user/password")).await;
    browser.sees(&format!("Signed in as {user}")).await;
}

/// Signs a new user up, as far as the question for the code.
pub async fn sign_up(browser: &Browser, email: &str) {
    browser.click(SIGN_UP_TAB).await;
    browser.fill("input[name=email]", email).await;
    browser
        .fill("input[name=password]", "Compiler-1952-A0")
        .await;
    browser
        .fill("input[name=confirm_password]", "Compiler-1952-A0")
        .await;
    browser.click(ASK).await;
    browser.find("input[name=confirmation_code]").await;
}
