//! The frontend and the console in a real browser: what they do, how they are laid out, and whether
//! they are accessible.
//!
//! Where Chromium and its driver are not installed, the tests say so and how to install them. The
//! frontend's tests also need its packages (npm ci in web).

mod driver;
mod streaming;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use serde_json::json;
use tower_http::services::{ServeDir, ServeFile};

use crate::harness::{Stack, scripted_core};
use crate::not_run::not_run;
use driver::{Browser, SIZES, browser_is_missing};

const ASK: &str = "button[type=submit]";
const SIGN_UP_TAB: &str = "button[role=tab]:nth-of-type(2)";

/// The first of `count` free ports in a row. No port is given twice, so that tests that run at the
/// same time get different ones.
fn free_ports(count: u16) -> u16 {
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
fn web() -> Option<PathBuf> {
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
fn vite(web: &Path, variables: &[(&str, &str)]) -> Command {
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
fn build(web: &Path, name: &str, variables: &[(&str, &str)]) -> PathBuf {
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
fn built_frontend() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT
        .get_or_init(|| web().map(|web| build(&web, "plain", &[])))
        .as_deref()
}

/// A browser at the built frontend of a stack of its own.
async fn frontend(arguments: &[&str]) -> Option<(Stack, Browser)> {
    if browser_is_missing() {
        return None;
    }
    let web = built_frontend()?.display().to_string();
    let stack = Stack::start(&[&["--web", &web], arguments].concat());
    let browser = Browser::start().await;
    browser.open(stack.ready_value("/webUrl")).await;
    Some((stack, browser))
}

/// A host for single-page applications: every unknown path answers index.html.
struct Host {
    listener: tokio::net::TcpListener,
    url: String,
}

impl Host {
    async fn bind() -> Self {
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        Self { listener, url }
    }

    /// Serves a folder, and a config.json where one is given, until the test ends.
    fn serve(self, folder: &Path, configuration: Option<&'static str>) -> String {
        let files = ServeDir::new(folder).fallback(ServeFile::new(folder.join("index.html")));
        let mut router = Router::new().fallback_service(files);
        if let Some(configuration) = configuration {
            router = router.route("/config.json", get(move || async move { configuration }));
        }
        tokio::spawn(async move { axum::serve(self.listener, router).await });
        self.url
    }
}

async fn sign_in(browser: &Browser, email: &str, password: &str) {
    browser.fill("input[name=username]", email).await;
    browser.fill("input[name=password]", password).await;
    browser.click(ASK).await;
}

/// Signs the stack's user in and waits for the form.
async fn signed_in(stack: &Stack, browser: &Browser) {
    let user = stack.ready_value("/user/username");
    sign_in(browser, user, stack.ready_value("/user/password")).await;
    browser.sees(&format!("Signed in as {user}")).await;
}

/// Signs a new user up, as far as the question for the code.
async fn sign_up(browser: &Browser, email: &str) {
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

#[tokio::test]
async fn a_new_user_signs_up_in_the_authenticator_confirms_and_asks() {
    let Some((stack, browser)) = frontend(&[]).await else {
        return;
    };
    sign_up(&browser, "grace@example.edu").await;
    let line = stack.wait_for("for grace@example.edu (SignUp)");
    let code = line
        .split_whitespace()
        .find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit()))
        .expect("a code");
    browser.fill("input[name=confirmation_code]", code).await;
    browser.click(ASK).await;
    browser.sees("Signed in as grace@example.edu").await;
    browser.click(ASK).await;
    browser.sees("$117,154 million").await;
    browser.sees("edge ").await;
    browser.end().await;
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_the_right_one_accepted() {
    let Some((stack, browser)) = frontend(&[]).await else {
        return;
    };
    sign_in(
        &browser,
        stack.ready_value("/user/username"),
        "wrong-password-1",
    )
    .await;
    browser.sees("Incorrect username or password.").await;
    signed_in(&stack, &browser).await;
    browser.end().await;
}

#[tokio::test]
async fn an_expired_session_is_renewed_without_a_new_sign_in() {
    let Some((stack, browser)) = frontend(&["--token-life", "3"]).await else {
        return;
    };
    signed_in(&stack, &browser).await;
    // Time is what is tested here.
    tokio::time::sleep(Duration::from_secs(4)).await;
    browser.click(ASK).await;
    browser.sees("$117,154 million").await;
    browser.end().await;
}

#[tokio::test]
async fn a_function_error_of_core_is_shown_with_a_hint_and_nothing_typed_is_lost() {
    let core = scripted_core();
    let Some((stack, browser)) = frontend(&["--core", &core]).await else {
        return;
    };
    signed_in(&stack, &browser).await;
    browser.fill("input[name=question]", "throw").await;
    browser.click(ASK).await;
    browser.sees("core_error").await;
    browser.sees("The core function failed.").await;
    let question = browser
        .find("input[name=question]")
        .await
        .prop("value")
        .await
        .expect("a value");
    assert_eq!(question.as_deref(), Some("throw"));
    browser.end().await;
}

#[tokio::test]
async fn a_streamed_answer_appears_while_core_still_works() {
    let core = scripted_core();
    let Some((stack, browser)) = frontend(&["--core", &core]).await else {
        return;
    };
    signed_in(&stack, &browser).await;
    let release =
        std::env::temp_dir().join(format!("inference-edge-hold-{}", uuid::Uuid::new_v4()));
    browser.click("input[name=streams]").await;
    browser
        .fill(
            "input[name=question]",
            &format!("hold:{}", release.display()),
        )
        .await;
    browser.click(ASK).await;
    browser.sees("one").await;
    assert!(
        !browser.text().await.contains("two"),
        "core waits for the file: it cannot have said more"
    );
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
    let Some((stack, browser)) =
        frontend(&["--env", "ALLOWED_ORIGINS=https://elsewhere.example"]).await
    else {
        return;
    };
    signed_in(&stack, &browser).await;
    browser.click(ASK).await;
    browser
        .sees("add the origin of this page to ALLOWED_ORIGINS")
        .await;
    browser.end().await;
}

#[tokio::test]
async fn the_sign_in_page_is_a_centred_card_under_a_title_whose_fields_fill_it() {
    let Some((_stack, browser)) = frontend(&[]).await else {
        return;
    };
    for (size, tab) in SIZES.into_iter().flat_map(|size| [(size, 1), (size, 2)]) {
        browser.resize(size).await;
        browser
            .click(&format!("button[role=tab]:nth-of-type({tab})"))
            .await;
        browser
            .find(if tab == 1 {
                "input[name=username]"
            } else {
                "input[name=confirm_password]"
            })
            .await;
        let layout = browser.value(LAYOUT).await;
        let where_it_is = format!("tab {tab}, {} wide: {layout}", size.0);
        let number = |name: &str| {
            layout[name]
                .as_f64()
                .unwrap_or_else(|| panic!("no {name}, {where_it_is}"))
        };
        assert_eq!(layout["title"], "Ask about a company", "{where_it_is}");
        assert!(
            number("titleTop") >= 0.0 && number("titleBottom") < number("cardTop"),
            "the title is above the card, {where_it_is}"
        );
        assert!(
            (number("left") - number("right")).abs() <= 1.0,
            "the card is centred, {where_it_is}"
        );
        assert!(
            number("cardWidth") >= f64::min(380.0, 0.9 * f64::from(size.0)),
            "the card is wide enough, {where_it_is}"
        );
        assert!(
            number("narrowest") >= 0.8,
            "every field fills the card, {where_it_is}"
        );
        assert_eq!(
            layout["cut"],
            json!([]),
            "every placeholder is whole, {where_it_is}"
        );
    }
    browser.end().await;
}

/// Where the sign-in card and its title are, how much of the card its fields take, and which
/// placeholders do not fit.
const LAYOUT: &str = "
    const card = document.querySelector('[data-amplify-router]').getBoundingClientRect();
    const title = document.querySelector('h1');
    const inputs = [...document.querySelectorAll('[data-amplify-form] input')].filter((input) => input.offsetWidth > 1);
    const fields = inputs.map((input) => input.closest('.amplify-field').getBoundingClientRect().width / card.width);
    const pen = document.createElement('canvas').getContext('2d');
    const isCut = (input) => {
        const style = getComputedStyle(input);
        pen.font = style.font;
        return pen.measureText(input.placeholder).width > input.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    };
    return {
        title: title.textContent, titleTop: title.getBoundingClientRect().top, titleBottom: title.getBoundingClientRect().bottom,
        cardTop: card.top, cardWidth: card.width, left: card.left, right: document.documentElement.clientWidth - card.right,
        narrowest: Math.min(...fields), cut: inputs.filter(isCut).map((input) => input.name),
    };";

#[tokio::test]
async fn the_pages_of_a_signed_out_user_are_accessible() {
    let Some((stack, browser)) = frontend(&[]).await else {
        return;
    };
    browser.find("input[name=username]").await;
    browser.passes("sign-in").await;
    sign_in(
        &browser,
        stack.ready_value("/user/username"),
        "wrong-password-1",
    )
    .await;
    browser.sees("Incorrect username or password.").await;
    browser.passes("sign-in-refused").await;
    browser.click(SIGN_UP_TAB).await;
    browser.find("input[name=confirm_password]").await;
    browser.passes("sign-up").await;
    browser.fill("input[name=password]", "short").await;
    browser.fill("input[name=confirm_password]", "other").await;
    browser.sees("at least 8 characters").await;
    browser.passes("sign-up-weak-password").await;
    browser.open(stack.ready_value("/webUrl")).await;
    sign_up(&browser, "grace@example.edu").await;
    browser.passes("confirm-code").await;
    browser.open(stack.ready_value("/webUrl")).await;
    browser.press("Forgot your password?").await;
    browser.sees("Reset your password").await;
    browser.passes("reset-password").await;
    browser
        .fill("input[name=username]", stack.ready_value("/user/username"))
        .await;
    browser.click(ASK).await;
    browser.find("input[name=confirm_password]").await;
    browser.passes("reset-password-code").await;
    browser.end().await;
}

#[tokio::test]
async fn the_pages_of_a_signed_in_user_are_accessible() {
    let Some((stack, browser)) = frontend(&["--env", "REQUIRED_FIELDS=partner,segment"]).await
    else {
        return;
    };
    assert_eq!(
        browser.client.title().await.expect("a title"),
        "Sign in · Ask about a company"
    );
    signed_in(&stack, &browser).await;
    assert_eq!(
        browser.client.title().await.expect("a title"),
        "Ask about a company"
    );
    browser.passes("form").await;
    browser.click(ASK).await;
    browser.sees("Missing fields: segment").await;
    browser.passes("failure").await;
    browser.end().await;
    let Some((stack, browser)) = frontend(&[]).await else {
        return;
    };
    signed_in(&stack, &browser).await;
    browser.click(ASK).await;
    browser.sees("$117,154 million").await;
    browser.find(".outcome a").await;
    browser.passes("answer").await;
    browser.end().await;
}

#[tokio::test]
async fn a_frontend_without_a_configuration_explains_both_ways_to_give_it_one() {
    if browser_is_missing() {
        return;
    }
    let Some(web) = built_frontend() else { return };
    let url = Host::bind().await.serve(web, None);
    let browser = Browser::start().await;
    browser.open(&url).await;
    browser.sees("This page is not configured").await;
    for text in [
        "config.json",
        "VITE_API_URL",
        "VITE_USER_POOL_ID",
        "VITE_USER_POOL_CLIENT_ID",
    ] {
        browser.sees(text).await;
    }
    browser.passes("not-configured").await;
    browser.end().await;
}

#[tokio::test]
async fn a_wrong_config_json_is_reported_member_by_member() {
    if browser_is_missing() {
        return;
    }
    let Some(web) = built_frontend() else { return };
    let browser = Browser::start().await;
    let wrong = r#"{ "apiUrl": "localhost:4001", "userPoolId": "us-east-1_InferEdge", "userPoolClientId": 3 }"#;
    browser
        .open(&Host::bind().await.serve(web, Some(wrong)))
        .await;
    browser
        .sees("The configuration of this page is not valid")
        .await;
    browser
        .sees("apiUrl must be a URL that begins with https://")
        .await;
    browser
        .sees("userPoolClientId must be a string, but it is the number 3.")
        .await;
    assert!(
        !browser.text().await.contains("userPoolId"),
        "this member is right"
    );
    browser.passes("wrong-configuration").await;
    browser
        .open(&Host::bind().await.serve(web, Some("{,}")))
        .await;
    browser.sees("config.json is not valid JSON").await;
    browser.end().await;
}

#[tokio::test]
async fn a_build_without_variables_works_on_any_port_of_the_stack() {
    if browser_is_missing() {
        return;
    }
    let Some(web) = built_frontend() else { return };
    let port = free_ports(10).to_string();
    let stack = Stack::start(&["--port", &port, "--web", &web.display().to_string()]);
    assert!(
        stack
            .ready_value("/apiUrl")
            .ends_with(&format!(":{}", port.parse::<u16>().expect("a port") + 1)),
        "{}",
        stack.ready
    );
    let browser = Browser::start().await;
    browser.open(stack.ready_value("/webUrl")).await;
    signed_in(&stack, &browser).await;
    browser.click(ASK).await;
    browser.sees("$117,154 million").await;
    browser.end().await;
}

#[tokio::test]
async fn a_build_with_variables_works_on_a_host_that_has_no_config_json() {
    if browser_is_missing() {
        return;
    }
    let Some(web) = web() else { return };
    let host = Host::bind().await;
    let stack = Stack::start(&["--env", &format!("ALLOWED_ORIGINS={}", host.url)]);
    let variables = [
        ("VITE_API_URL", stack.ready_value("/apiUrl")),
        ("VITE_USER_POOL_ID", stack.ready_value("/userPoolId")),
        (
            "VITE_USER_POOL_CLIENT_ID",
            stack.ready_value("/userPoolClientId"),
        ),
        (
            "VITE_USER_POOL_ENDPOINT",
            stack.ready_value("/userPoolEndpoint"),
        ),
    ];
    let browser = Browser::start().await;
    browser
        .open(&host.serve(&build(&web, "variables", &variables), None))
        .await;
    signed_in(&stack, &browser).await;
    assert!(
        browser
            .client
            .find(fantoccini::Locator::Css("input[name=streams]"))
            .await
            .is_err(),
        "streaming is not configured"
    );
    browser.click(ASK).await;
    browser.sees("$117,154 million").await;
    browser.end().await;
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_development_server_says_when_no_stack_runs_and_works_when_one_does() {
    if browser_is_missing() {
        return;
    }
    let Some(web) = web() else { return };
    let stack_port = free_ports(10);
    let port = free_ports(1).to_string();
    let stack_url = format!("http://localhost:{stack_port}");
    let mut server = vite(&web, &[("INFERENCE_EDGE_URL", &stack_url)]);
    let server = server
        .args(["--port", &port, "--strictPort", "--host", "127.0.0.1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _server = Running(server.spawn().expect("vite"));
    let url = format!("http://127.0.0.1:{port}/");
    while std::net::TcpStream::connect(("127.0.0.1", port.parse().expect("a port"))).is_err() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let browser = Browser::start().await;
    browser.open(&url).await;
    browser
        .sees(&format!(
            "The local stack does not answer at {stack_url}. Start it with \"cargo run\""
        ))
        .await;
    browser.passes("no-stack").await;
    let stack = Stack::start(&[
        "--port",
        &stack_port.to_string(),
        "--env",
        &format!("ALLOWED_ORIGINS=http://127.0.0.1:{port}"),
    ]);
    browser.press("Try again").await;
    signed_in(&stack, &browser).await;
    browser.click(ASK).await;
    browser.sees("$117,154 million").await;
    browser.end().await;
}

#[test]
fn a_build_without_variables_has_no_address_of_a_developers_machine() {
    let Some(web) = built_frontend() else { return };
    let mut folders = vec![web.to_owned()];
    let mut scripts = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned();
            scripts += usize::from(text.contains("config.json"));
            for address in ["//localhost", "//127.0.0.1", "//[::1]", "localhost:4"] {
                assert!(!text.contains(address), "{} has {address}", path.display());
            }
        }
    }
    assert!(scripts > 0, "the page's own script is not there");
}

#[tokio::test]
async fn the_console_shows_every_hop_and_is_accessible() {
    if browser_is_missing() {
        return;
    }
    let stack = Stack::start(&[]);
    let browser = Browser::start().await;
    browser.open(stack.ready_value("/consoleUrl")).await;
    browser.sees("live").await;
    let code = browser.find("#code").await;
    assert!(
        !code.is_displayed().await.expect("a state"),
        "the field for a code is hidden until a code is asked for"
    );
    browser.passes("console").await;
    browser.click("#sign-in").await;
    browser.sees("Signed in as ada@example.edu").await;
    browser.click("#send").await;
    browser.sees("200: In Q1 of fiscal 2023").await;
    for hop in [
        "Browser request",
        "JWT authorizer",
        "Event, payload format 2.0",
        "Edge → core",
        "Core’s reply",
        "HTTP response · 200",
    ] {
        browser.sees(hop).await;
    }
    browser.sees("OPTIONS /inference").await;
    browser.click(".hop:nth-child(2) summary").await;
    browser.sees("\"token_use\": \"id\"").await;
    browser.passes("console-answer").await;
    browser.end().await;
}

#[tokio::test]
async fn the_console_says_how_to_correct_a_failed_hop() {
    if browser_is_missing() {
        return;
    }
    let core = scripted_core();
    let stack = Stack::start(&["--core", &core]);
    let browser = Browser::start().await;
    browser.open(stack.ready_value("/consoleUrl")).await;
    browser.sees("live").await;
    browser.click("#send").await;
    browser.sees("There is no token: sign in").await;
    stack.ask_with("nonsense", "{}").await;
    browser.sees("That is no token").await;
    stack.ask(r#"{"partner":"p"}"#).await;
    browser.sees("Give year, period, question a value.").await;
    stack.ask_core("throw").await;
    browser.sees("Core threw:").await;
    browser.passes("console-failure").await;
    let page = browser.client.source().await.expect("the page");
    let signature = stack
        .ready_value("/idToken")
        .rsplit('.')
        .next()
        .expect("a signature")
        .to_owned();
    assert!(
        !page.contains(&signature),
        "the page holds a token's signature"
    );
    browser.end().await;
}
