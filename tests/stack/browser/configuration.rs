//! The ways in which the frontend is built, served and configured.

use std::process::{Child, Stdio};
use std::time::Duration;

use super::driver::{Browser, browser_is_missing};
use super::frontend::{ASK, Host, build, built_frontend, free_ports, signed_in, vite, web};
use crate::harness::Stack;

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
