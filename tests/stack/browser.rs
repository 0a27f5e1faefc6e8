//! A real browser on both pages: Debian's Chromium, driven by its own driver, headless.
//!
//! Where they are not installed the tests say so and how to install them; the frontend's also need its packages.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};

use crate::harness::{Stack, scripted_core};

const PATIENCE: Duration = Duration::from_secs(20);
const ASK: &str = "button[type=submit]";

/// A browser that ends with the test.
struct Browser {
    driver: Child,
    client: Client,
    profile: PathBuf,
}

/// The reason for which no browser is driven here, printed once for each test.
fn browser_is_missing() -> bool {
    let missing: Vec<_> = ["chromium", "chromedriver"].into_iter().filter(|program| !is_installed(program)).collect();
    if missing.is_empty() {
        return false;
    }
    eprintln!("{} not installed: no browser was driven (apt-get install chromium chromium-driver)", missing.join(" and "));
    assert!(std::env::var_os("CI").is_none(), "CI installs a browser, and it is not there");
    true
}

fn is_installed(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

impl Browser {
    async fn start() -> Self {
        let profile = std::env::temp_dir().join(format!("inference-edge-browser-{}", uuid::Uuid::new_v4()));
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver");
        let port = port_of(driver.stdout.take().expect("its output"));
        let profile_argument = format!("--user-data-dir={}", profile.display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-quic",
            "--window-size=1280,1000",
            &profile_argument,
        ];
        let options = json!({ "goog:chromeOptions": { "args": arguments } });
        let Value::Object(options) = options else { unreachable!() };
        let connector = hyper_util::client::legacy::connect::HttpConnector::new();
        let url = format!("http://127.0.0.1:{port}");
        let client = ClientBuilder::new(connector).capabilities(options).connect(&url).await.expect("a session");
        Self { driver, client, profile }
    }

    async fn open(&self, url: &str) {
        self.client.goto(url).await.expect("the page");
    }

    async fn find(&self, selector: &str) -> Element {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(selector)).await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("no {selector} ({error}) in: {}", self.text().await),
        }
    }

    async fn fill(&self, selector: &str, text: &str) {
        let field = self.find(selector).await;
        // A page that keeps the field's value itself sees keys alone.
        field.send_keys("\u{e009}a\u{e000}").await.expect("select all");
        field.send_keys(text).await.expect("keys");
    }

    async fn click(&self, selector: &str) {
        self.find(selector).await.click().await.expect("a click");
    }

    async fn text(&self) -> String {
        let body = self.client.find(Locator::Css("body")).await.expect("a body");
        body.text().await.unwrap_or_default()
    }

    /// Waits until the page shows a text.
    async fn sees(&self, text: &str) {
        let script = "return document.body.innerText.includes(arguments[0])";
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < deadline {
            if self.client.execute(script, vec![json!(text)]).await.is_ok_and(|found| found == true) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the page never showed {text:?}:\n{}", self.text().await);
    }

    /// Takes a picture into the folder of pictures.
    async fn picture(&self, name: &str) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let picture = self.client.screenshot().await.expect("a picture");
        std::fs::write(folder.join(name), picture).expect("a file");
    }

    async fn end(self) {
        let _ = self.client.clone().close().await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// The port that the driver chose: it stands at the end of the line with which it says that it runs.
fn port_of(output: std::process::ChildStdout) -> u16 {
    let lines = BufReader::new(output).lines().map_while(Result::ok);
    let started = lines.into_iter().find(|line| line.contains("was started successfully on port")).expect("a started driver");
    let digits: String = started.chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("a port")
}

/// The first of some ports in a row that are free now. Kept apart, so that tests at the same time get different ones.
fn free_ports(count: u16) -> u16 {
    static NEXT: Mutex<u16> = Mutex::new(23_000);
    let mut next = NEXT.lock().expect("a lock");
    loop {
        let first = *next;
        *next += count;
        if (first..first + count).all(|port| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return first;
        }
    }
}

/// The frontend, built for a stack on given ports, or as it is without any variable.
fn built_frontend(first_port: Option<u16>) -> Option<PathBuf> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    if !web.join("node_modules/.bin/vite").exists() {
        eprintln!("the frontend's packages are not installed: it was not driven (cd web && npm ci)");
        assert!(std::env::var_os("CI").is_none(), "CI installs the frontend's packages, and they are not there");
        return None;
    }
    let name = first_port.map_or("bare".to_owned(), |port| port.to_string());
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("web-{name}"));
    let mut build = Command::new("node");
    build.args(["node_modules/vite/bin/vite.js", "build", "--emptyOutDir", "--outDir"]).arg(&out).current_dir(&web);
    if let Some(port) = first_port {
        build
            .env("VITE_API_URL", format!("http://localhost:{}", port + 1))
            .env("VITE_USER_POOL_ENDPOINT", format!("http://localhost:{}", port + 2))
            .env("VITE_STREAM_URL", format!("http://localhost:{}", port + 8))
            .env("VITE_IDENTITY_POOL_ENDPOINT", format!("http://localhost:{}", port + 3))
            .env("VITE_IDENTITY_POOL_ID", "us-east-1:6d1e4b6a-0f4c-4c1e-9a53-1f2e3d4c5b6a")
            .env("VITE_USER_POOL_ID", "us-east-1_InferEdge")
            .env("VITE_USER_POOL_CLIENT_ID", "3inferenceedgelocalclient1");
    }
    let output = build.output().expect("vite");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(out)
}

/// A browser at the frontend of a stack of its own.
async fn frontend(arguments: &[&str]) -> Option<(Stack, Browser)> {
    if browser_is_missing() {
        return None;
    }
    let port = free_ports(10);
    let web = built_frontend(Some(port))?;
    let (port, web) = (port.to_string(), web.display().to_string());
    let stack = Stack::start(&[&["--port", &port, "--web", &web], arguments].concat());
    let browser = Browser::start().await;
    browser.open(stack.says("/webUrl")).await;
    Some((stack, browser))
}

async fn sign_in(browser: &Browser, email: &str, password: &str) {
    browser.fill("input[name=username]", email).await;
    browser.fill("input[name=password]", password).await;
    browser.click(ASK).await;
}

#[tokio::test]
async fn a_new_user_signs_up_in_the_authenticator_confirms_and_asks() {
    let Some((stack, browser)) = frontend(&[]).await else { return };
    browser.click("button[role=tab]:nth-of-type(2)").await;
    browser.fill("input[name=email]", "grace@example.edu").await;
    browser.fill("input[name=password]", "Compiler-1952-A0").await;
    browser.fill("input[name=confirm_password]", "Compiler-1952-A0").await;
    browser.click(ASK).await;
    browser.find("input[name=confirmation_code]").await;
    let line = stack.wait_for("for grace@example.edu (SignUp)");
    let code = line.split_whitespace().find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit())).expect("a code");
    browser.fill("input[name=confirmation_code]", code).await;
    browser.click(ASK).await;
    browser.sees("Ask about a company").await;
    browser.click(ASK).await;
    browser.sees("$117,154 million").await;
    browser.sees("edge ").await;
    browser.end().await;
}

#[tokio::test]
async fn a_wrong_password_is_refused_by_the_proof() {
    let Some((stack, browser)) = frontend(&[]).await else { return };
    sign_in(&browser, stack.says("/user/username"), "wrong-password-1").await;
    browser.sees("Incorrect username or password.").await;
    sign_in(&browser, stack.says("/user/username"), stack.says("/user/password")).await;
    browser.sees("Ask about a company").await;
    browser.end().await;
}

#[tokio::test]
async fn an_expired_session_is_renewed_without_a_new_sign_in() {
    let Some((stack, browser)) = frontend(&["--token-life", "3"]).await else { return };
    sign_in(&browser, stack.says("/user/username"), stack.says("/user/password")).await;
    browser.sees("Ask about a company").await;
    // Time is what is tested here.
    tokio::time::sleep(Duration::from_secs(4)).await;
    browser.click(ASK).await;
    browser.sees("$117,154 million").await;
    browser.end().await;
}

#[tokio::test]
async fn a_function_error_of_core_is_shown_with_a_hint_and_nothing_typed_is_lost() {
    let core = scripted_core();
    let Some((stack, browser)) = frontend(&["--core", &core]).await else { return };
    sign_in(&browser, stack.says("/user/username"), stack.says("/user/password")).await;
    browser.fill("input[name=question]", "throw").await;
    browser.click(ASK).await;
    browser.sees("core_error").await;
    browser.sees("The core function failed.").await;
    let question = browser.find("input[name=question]").await.prop("value").await.expect("a value");
    assert_eq!(question.as_deref(), Some("throw"));
    browser.end().await;
}

#[tokio::test]
async fn a_streamed_answer_appears_while_core_still_works() {
    let core = scripted_core();
    let Some((stack, browser)) = frontend(&["--core", &core]).await else { return };
    sign_in(&browser, stack.says("/user/username"), stack.says("/user/password")).await;
    let release = std::env::temp_dir().join(format!("inference-edge-hold-{}", uuid::Uuid::new_v4()));
    browser.click("input[name=streams]").await;
    browser.fill("input[name=question]", &format!("hold:{}", release.display())).await;
    browser.click(ASK).await;
    browser.sees("one").await;
    assert!(!browser.text().await.contains("two"), "core waits for the file: it cannot have said more");
    std::fs::write(&release, "").expect("a file");
    browser.sees("one two").await;
    std::fs::remove_file(release).expect("the file");
    browser.fill("input[name=question]", "throw").await;
    browser.click(ASK).await;
    browser.sees("core_error").await;
    browser.end().await;
}

#[tokio::test]
async fn an_origin_that_is_not_listed_is_blocked_by_the_browser() {
    let Some((stack, browser)) = frontend(&["--env", "ALLOWED_ORIGINS=https://elsewhere.example"]).await else { return };
    sign_in(&browser, stack.says("/user/username"), stack.says("/user/password")).await;
    browser.sees("Ask about a company").await;
    browser.click(ASK).await;
    browser.sees("is not on its list (ALLOWED_ORIGINS)").await;
    browser.end().await;
}

#[tokio::test]
async fn a_build_without_variables_names_them() {
    if browser_is_missing() {
        return;
    }
    let Some(web) = built_frontend(None) else { return };
    let stack = Stack::start(&["--web", &web.display().to_string()]);
    let browser = Browser::start().await;
    browser.open(stack.says("/webUrl")).await;
    browser.sees("VITE_API_URL").await;
    browser.sees("VITE_USER_POOL_CLIENT_ID").await;
    browser.end().await;
}

#[tokio::test]
async fn the_console_shows_every_hop_in_light_and_dark_and_on_a_phone() {
    if browser_is_missing() {
        return;
    }
    let stack = Stack::start(&[]);
    let browser = Browser::start().await;
    browser.open(stack.says("/consoleUrl")).await;
    browser.sees("live").await;
    browser.click("#sign-in").await;
    browser.sees("Signed in as ada@example.edu").await;
    browser.click("#send").await;
    browser.sees("200: In Q1 of fiscal 2023").await;
    for hop in
        ["Browser request", "JWT authorizer", "Event, payload format 2.0", "Edge → core", "Core’s reply", "HTTP response · 200"]
    {
        browser.sees(hop).await;
    }
    browser.sees("OPTIONS /inference").await;
    browser.picture("console-light.png").await;
    browser.click(".hop:nth-child(2) summary").await;
    browser.sees("\"token_use\": \"id\"").await;
    let dark = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
    devtools(&browser, "Emulation.setEmulatedMedia", dark).await;
    browser.picture("console-dark.png").await;
    browser.client.set_window_size(390, 844).await.expect("a size");
    let overflow = "return document.documentElement.scrollWidth <= window.innerWidth";
    assert_eq!(browser.client.execute(overflow, vec![]).await.expect("a width"), true, "the page is wider than a phone");
    browser.picture("console-phone.png").await;
    browser.end().await;
}

#[tokio::test]
async fn the_console_says_what_to_mend_where_a_hop_failed() {
    if browser_is_missing() {
        return;
    }
    let core = scripted_core();
    let stack = Stack::start(&["--core", &core]);
    let browser = Browser::start().await;
    browser.open(stack.says("/consoleUrl")).await;
    browser.sees("live").await;
    browser.click("#send").await;
    browser.sees("There is no token: sign in").await;
    stack.ask_with("nonsense", "{}").await;
    browser.sees("That is no token").await;
    stack.ask(r#"{"partner":"p"}"#).await;
    browser.sees("Give year, period, question a value.").await;
    stack.do_it("throw").await;
    browser.sees("Core threw:").await;
    let page = browser.client.source().await.expect("the page");
    let signature = stack.says("/idToken").rsplit('.').next().expect("a signature").to_owned();
    assert!(!page.contains(&signature), "the page holds a token's signature");
    browser.end().await;
}

async fn devtools(browser: &Browser, command: &str, parameters: Value) {
    let body = json!({ "cmd": command, "params": parameters });
    browser.client.issue_cmd(ChromeCommand(body)).await.expect("an answer");
}

/// Chromium's own addition to WebDriver.
#[derive(Debug)]
struct ChromeCommand(Value);

impl fantoccini::wd::WebDriverCompatibleCommand for ChromeCommand {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (axum::http::Method, Option<String>) {
        (axum::http::Method::POST, Some(self.0.to_string()))
    }
}
