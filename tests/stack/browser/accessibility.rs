//! Whether a page can be used by everybody: at each size, in light and in dark, by the rules of axe.

use std::path::Path;

use serde_json::{Value, json};

use super::driver::Browser;
use crate::not_run::not_run;

/// Widths and heights of a desktop's window and of a phone's.
pub const SIZES: [(u32, u32); 2] = [(1400, 900), (390, 844)];

impl Browser {
    /// Gives the page the size of a window or of a phone. Chromium's windows cannot be as narrow as
    /// a phone.
    pub async fn resize(&self, (width, height): (u32, u32)) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
            .await;
    }

    /// Makes the page `light` or `dark`, and waits until its colours have changed.
    pub async fn prefer(&self, scheme: &str) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", features).await;
        let settled = "
            const [done] = [...arguments].slice(-1);
            const frame = () => new Promise(requestAnimationFrame);
            const ends = (animation) => animation.effect.getComputedTiming().endTime !== Infinity;
            frame().then(frame)
                .then(() => Promise.allSettled(document.getAnimations().filter(ends).map((animation) => animation.finished)))
                .then(() => done(true));";
        self.client
            .execute_async(settled, vec![])
            .await
            .expect("a page at rest");
    }

    /// The page fits its window at every size, in light and in dark, and axe finds nothing wrong
    /// with it.
    pub async fn passes(&self, page: &str) {
        for size in SIZES {
            self.resize(size).await;
            let width = self
                .value("return document.documentElement.scrollWidth")
                .await;
            assert!(
                width
                    .as_u64()
                    .is_some_and(|width| width <= u64::from(size.0)),
                "{page} is {width} wide at {}",
                size.0
            );
            for scheme in ["light", "dark"] {
                self.prefer(scheme).await;
                self.screenshot(&format!("{page}-{scheme}-{}.png", size.0))
                    .await;
                let found = self.violations().await;
                assert!(
                    found.is_empty(),
                    "{page}, {scheme}, {} wide:\n{}",
                    size.0,
                    found.join("\n")
                );
            }
        }
        self.prefer("light").await;
        self.resize(SIZES[0]).await;
    }

    /// What axe finds: for each element the rule, where it is, and how to correct it.
    async fn violations(&self) -> Vec<String> {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("web/node_modules/axe-core/axe.min.js");
        let Ok(axe) = std::fs::read_to_string(file) else {
            not_run(
                "the accessibility of the pages",
                "axe-core is not installed",
                "cd web && npm ci",
            );
            return Vec::new();
        };
        self.client
            .execute(&format!("if (!window.axe) {{ {axe} }}"), vec![])
            .await
            .expect("axe");
        let run = "
            const [done] = [...arguments].slice(-1);
            const lines = ({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}\n  ${node.target.join(' ')}\n  ${node.failureSummary}`);
            axe.run().then(({ violations, passes }) => done({ violations: violations.flatMap(lines), passes: passes.length }))
                .catch((error) => done({ violations: [String(error)], passes: 0 }));";
        let results = self
            .client
            .execute_async(run, vec![])
            .await
            .expect("results");
        assert!(
            results["passes"].as_u64().is_some_and(|passes| passes > 10),
            "axe has looked at nothing: {results}"
        );
        let violations = results["violations"].as_array().expect("violations");
        violations
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }

    /// The result of a command of the Chrome DevTools Protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.client
            .issue_cmd(ChromeCommand(body))
            .await
            .expect("an answer")
    }

    /// Saves a screenshot in the tests' folder, target/tmp.
    async fn screenshot(&self, name: &str) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let png = self.client.screenshot().await.expect("a screenshot");
        std::fs::write(folder.join(name), png).expect("a file");
    }
}

/// Chromium's own addition to WebDriver.
#[derive(Debug)]
struct ChromeCommand(Value);

impl fantoccini::wd::WebDriverCompatibleCommand for ChromeCommand {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!(
            "session/{}/goog/cdp/execute",
            session.unwrap_or_default()
        ))
    }

    fn method_and_body(&self, _: &url::Url) -> (axum::http::Method, Option<String>) {
        (axum::http::Method::POST, Some(self.0.to_string()))
    }
}
