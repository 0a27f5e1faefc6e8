//! Chromium, headless, driven over WebDriver: what the tests do on a page, and what they read of it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};

use crate::not_run::not_run;

const BROWSER_TIMEOUT: Duration = Duration::from_secs(20);
/// A browser that ends with the test.
pub struct Browser {
    driver: Child,
    /// The session.
    pub client: Client,
    profile: PathBuf,
}

/// Whether Chromium or its driver is not installed; each test that is not run for that reason says
/// so.
pub fn browser_is_missing() -> bool {
    let missing: Vec<_> = ["chromium", "chromedriver"]
        .into_iter()
        .filter(|program| !is_installed(program))
        .collect();
    if missing.is_empty() {
        return false;
    }
    let why = format!("{} is not installed", missing.join(" and "));
    not_run(
        "the pages in a browser",
        &why,
        "install Chromium and its driver (Debian: apt-get install chromium chromium-driver)",
    );
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
    pub async fn start() -> Self {
        let profile =
            std::env::temp_dir().join(format!("inference-edge-browser-{}", uuid::Uuid::new_v4()));
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
        let Value::Object(options) = options else {
            unreachable!()
        };
        let connector = hyper_util::client::legacy::connect::HttpConnector::new();
        let url = format!("http://127.0.0.1:{port}");
        let client = ClientBuilder::new(connector)
            .capabilities(options)
            .connect(&url)
            .await
            .expect("a session");
        Self {
            driver,
            client,
            profile,
        }
    }

    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.expect("the page");
    }

    pub async fn find(&self, selector: &str) -> Element {
        let found = self
            .client
            .wait()
            .at_most(BROWSER_TIMEOUT)
            .for_element(Locator::Css(selector))
            .await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("no {selector} ({error}) in: {}", self.text().await),
        }
    }

    pub async fn fill(&self, selector: &str, text: &str) {
        let field = self.find(selector).await;
        // React keeps the field's value and learns of a change from key presses alone.
        field
            .send_keys("\u{e009}a\u{e000}")
            .await
            .expect("select all");
        field.send_keys(text).await.expect("keys");
    }

    pub async fn click(&self, selector: &str) {
        self.click_at(Locator::Css(selector)).await;
    }

    /// Clicks, again if the page has replaced the element after it was found.
    async fn click_at(&self, locator: Locator<'_>) {
        let deadline = tokio::time::Instant::now() + BROWSER_TIMEOUT;
        loop {
            let found = self
                .client
                .wait()
                .at_most(BROWSER_TIMEOUT)
                .for_element(locator);
            let element = match found.await {
                Ok(element) => element,
                Err(error) => panic!("no {locator:?} ({error}) in: {}", self.text().await),
            };
            match element.click().await {
                Ok(()) => return,
                Err(error) => assert!(
                    error.is_stale_element_reference() && tokio::time::Instant::now() < deadline,
                    "{locator:?}: {error}"
                ),
            }
        }
    }

    pub async fn text(&self) -> String {
        let body = self
            .client
            .find(Locator::Css("body"))
            .await
            .expect("a body");
        body.text().await.unwrap_or_default()
    }

    /// The text of the element, which the page may draw again at any time.
    pub async fn text_of(&self, selector: &str) -> String {
        let deadline = tokio::time::Instant::now() + BROWSER_TIMEOUT;
        loop {
            match self.find(selector).await.text().await {
                Ok(text) => return text,
                Err(error) if tokio::time::Instant::now() >= deadline => {
                    panic!("{selector} has no text: {error}")
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Waits until the page shows a text.
    pub async fn sees(&self, text: &str) {
        let script = "return document.body.innerText.includes(arguments[0])";
        let deadline = tokio::time::Instant::now() + BROWSER_TIMEOUT;
        while tokio::time::Instant::now() < deadline {
            if self
                .client
                .execute(script, vec![json!(text)])
                .await
                .is_ok_and(|found| found == true)
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the page never showed {text:?}:\n{}", self.text().await);
    }

    /// Waits until the title of a record shows a text, for a step with a name.
    pub async fn sees_after(&self, status: &str, name: &str) {
        let script = "return [document.getElementById('send').disabled, document.getElementById('send-status').textContent]";
        let deadline = tokio::time::Instant::now() + BROWSER_TIMEOUT;
        let mut last = Value::Null;
        while tokio::time::Instant::now() < deadline {
            last = self.value(script).await;
            let is_done = last[0] == false
                && last[1]
                    .as_str()
                    .is_some_and(|text| text.starts_with(status));
            if is_done {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{name}: {last}");
    }

    /// Waits until the console lists so many requests.
    pub async fn sees_rows(&self, count: usize) {
        let script = "return document.querySelectorAll('#requests li').length";
        let deadline = tokio::time::Instant::now() + BROWSER_TIMEOUT;
        while self.value(script).await != json!(count) {
            assert!(
                tokio::time::Instant::now() < deadline,
                "not {count} rows: {}",
                self.text().await
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Keeps what the page copies from now on: a headless browser has no clipboard.
    pub async fn catch_copies(&self) {
        self.value(
            "Object.defineProperty(navigator, 'clipboard', { configurable: true, value: { writeText: async (text) => { window.copied = text; } } }); return true;",
        )
        .await;
    }

    /// Waits until the page has copied a text with a part.
    pub async fn copied(&self, part: &str) -> String {
        let deadline = tokio::time::Instant::now() + BROWSER_TIMEOUT;
        loop {
            let copied = self.value("return window.copied ?? ''").await;
            let copied = copied.as_str().unwrap_or_default();
            if copied.contains(part) {
                return copied.to_owned();
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "{part} is not in the copied text: {copied}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Keeps the files that the page saves from now on.
    pub async fn catch_downloads(&self) {
        self.value(
            "const make = URL.createObjectURL; URL.createObjectURL = (blob) => { blob.text().then((text) => { window.saved = text; }); return make(blob); }; return true;",
        )
        .await;
    }

    /// The file that the page has saved last.
    pub async fn downloaded(&self) -> String {
        let deadline = tokio::time::Instant::now() + BROWSER_TIMEOUT;
        loop {
            let saved = self.value("return window.saved ?? null").await;
            if let Some(saved) = saved.as_str() {
                return saved.to_owned();
            }
            assert!(tokio::time::Instant::now() < deadline, "nothing was saved");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Clicks a button by its text.
    pub async fn press(&self, text: &str) {
        let xpath = format!("//button[contains(., '{text}')]");
        self.click_at(Locator::XPath(&xpath)).await;
    }

    /// The result of a script.
    pub async fn value(&self, script: &str) -> Value {
        self.client.execute(script, vec![]).await.expect("a result")
    }

    pub async fn end(self) {
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

/// The port that the driver chose, which is at the end of the line that it prints when it has
/// started.
fn port_of(output: std::process::ChildStdout) -> u16 {
    let lines = BufReader::new(output).lines().map_while(Result::ok);
    let started = lines
        .into_iter()
        .find(|line| line.contains("was started successfully on port"))
        .expect("a started driver");
    let digits: String = started.chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("a port")
}
