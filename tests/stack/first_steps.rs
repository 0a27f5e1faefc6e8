//! What a developer uses first after the start: the printed message, the ready file and the
//! addresses.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use axum::http::Method;
use serde_json::json;

use crate::harness::{Stack, header, program, send, text, value};
use crate::not_run::not_run;
use crate::question::QUESTION;

#[tokio::test]
async fn the_first_of_the_named_users_has_the_token_and_all_are_listed() {
    let users = [
        "--user",
        "grace@example.edu:Compiler-1952-A0:staff,faculty",
        "--user",
        "alan@example.edu:Bombe-1940-Letchworth",
    ];
    let stack = Stack::start(&users);
    assert_eq!(
        stack.ready["user"],
        json!({ "username": "grace@example.edu", "password": "Compiler-1952-A0" })
    );
    assert_eq!(
        stack.ready["users"],
        json!(["grace@example.edu", "alan@example.edu"])
    );
    let answer = stack.ask(QUESTION).await;
    assert!(
        text(&answer).contains("$117,154 million"),
        "{}",
        text(&answer)
    );
    let written = stack.written();
    assert!(
        written.contains("user           grace@example.edu, password Compiler-1952-A0"),
        "{written}"
    );
    assert!(
        written.contains("other users    alan@example.edu"),
        "{written}"
    );
    assert!(!written.contains("<ID token>"), "{written}");
}

#[tokio::test]
async fn a_saved_user_has_a_token_without_a_known_password() {
    let file = std::env::temp_dir().join(format!(
        "inference-edge-users-{}.json",
        uuid::Uuid::new_v4()
    ));
    let path = file.display().to_string();
    drop(
        Stack::start(&[
            "--users",
            &path,
            "--save-users",
            "--user",
            "grace@example.edu:Compiler-1952-A0",
        ])
        .sign_up()
        .await,
    );
    let stack = Stack::start(&["--users", &path]);
    std::fs::remove_file(&file).expect("the file");
    assert_eq!(
        stack.ready["user"],
        json!({ "username": "grace@example.edu", "password": null })
    );
    assert!(text(&stack.ask(QUESTION).await).contains("$117,154 million"));
    assert!(
        stack
            .written()
            .contains("whose password only the user knows"),
        "{}",
        stack.written()
    );
}

impl Stack {
    /// Signs a user up without a confirmation, so that the pool saves its users.
    async fn sign_up(self) -> Self {
        let client = self.ready_value("/userPoolClientId");
        let body = json!({ "ClientId": client, "Username": "mary@example.edu", "Password": "Difference-1833" });
        assert_eq!(self.cognito("SignUp", body).await.status, 200);
        self
    }
}

#[test]
fn only_its_owner_may_read_the_ready_file() {
    let stack = Stack::start(&[]);
    let mode = std::fs::metadata(stack.ready_file())
        .expect("the ready file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn every_port_answers_at_both_loopback_addresses() {
    let stack = Stack::start(&[]);
    let has_ipv6 = TcpListener::bind("[::1]:0").is_ok();
    if !has_ipv6 {
        not_run(
            "the stack at ::1",
            "this machine has no IPv6",
            "enable IPv6 on the loopback interface",
        );
    }
    for pointer in [
        "/consoleUrl",
        "/apiUrl",
        "/userPoolEndpoint",
        "/identityPoolEndpoint",
        "/lambdaEndpoint",
        "/functionUrl",
    ] {
        let port = stack
            .ready_value(pointer)
            .rsplit(':')
            .next()
            .expect("a port");
        let by_ipv4 = send(Method::GET, &format!("http://127.0.0.1:{port}/"), &[], "").await;
        if has_ipv6 {
            let by_ipv6 = send(Method::GET, &format!("http://[::1]:{port}/"), &[], "").await;
            assert_eq!(
                (by_ipv6.status, by_ipv6.body),
                (by_ipv4.status, by_ipv4.body),
                "{pointer}"
            );
        }
    }
}

#[tokio::test]
async fn a_page_that_reaches_the_stack_by_another_name_reads_nothing() {
    let stack = Stack::start(&[]);
    for url in [
        "/consoleUrl",
        "/apiUrl",
        "/userPoolEndpoint",
        "/lambdaEndpoint",
    ] {
        let host = [("host", "evil.example:4000".to_owned())];
        let answer = send(
            Method::GET,
            &format!("{}/configuration.json", stack.ready_value(url)),
            &host,
            "",
        )
        .await;
        assert_eq!(answer.status.as_u16(), 421, "{url}");
        assert!(!text(&answer).contains("password"), "{}", text(&answer));
    }
}

#[tokio::test]
async fn the_credentials_of_the_user_carry_an_identity_to_a_direct_invoke() {
    let stack = Stack::start(&[]);
    let own = stack.invoke("edge", &[], QUESTION).await;
    assert_eq!(
        value(&own)["errorType"],
        "unauthorized",
        "the developer's credentials carry no identity"
    );
    let answer = stack.invoke_as("userCredentials", "edge", QUESTION).await;
    assert_eq!(
        header(&answer, "x-amz-function-error"),
        "",
        "{}",
        text(&answer)
    );
    assert!(
        text(&answer).contains("$117,154 million"),
        "{}",
        text(&answer)
    );
    let identity = stack.ready_value("/userCredentials/identityId");
    assert!(
        identity.starts_with("us-east-1:")
            && stack
                .ready_value("/userCredentials/expiration")
                .ends_with('Z')
    );
}

#[tokio::test]
async fn the_frontends_configuration_is_served_and_names_the_stacks_own_ports() {
    let folder = std::env::temp_dir().join(format!("inference-edge-web-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("index.html"), "<title>a page</title>").expect("a page");
    let stack = Stack::start(&["--web", &folder.display().to_string()]);
    for origin in ["/consoleUrl", "/webUrl"] {
        let answer = send(
            Method::GET,
            &format!("{}/config.json", stack.ready_value(origin)),
            &[],
            "",
        )
        .await;
        assert_eq!(
            (
                header(&answer, "content-type"),
                header(&answer, "cache-control")
            ),
            ("application/json", "no-store")
        );
        let configuration = value(&answer);
        for name in [
            "apiUrl",
            "userPoolEndpoint",
            "identityPoolEndpoint",
            "userPoolId",
            "userPoolClientId",
            "identityPoolId",
            "streamApiUrl",
            "region",
        ] {
            assert_eq!(configuration[name], stack.ready[name], "{origin}: {name}");
        }
        assert_eq!(
            configuration["streamUrl"],
            format!("{}/", stack.ready_value("/streamFunctionUrl"))
        );
        assert!(
            !text(&answer).contains("Token")
                && configuration
                    .as_object()
                    .is_some_and(|members| members.len() == 9)
        );
    }
    let page = send(
        Method::GET,
        &format!("{}/", stack.ready_value("/webUrl")),
        &[],
        "",
    )
    .await;
    assert!(text(&page).contains("a page"));
    std::fs::remove_dir_all(folder).expect("the folder");
}

#[test]
fn a_file_of_users_with_an_error_names_the_entry_and_the_field() {
    let file = std::env::temp_dir().join(format!(
        "inference-edge-users-{}.json",
        uuid::Uuid::new_v4()
    ));
    std::fs::write(
        &file,
        r#"[{"email":"a@example.edu","password":"x"},{"email":"b@example.edu","pasword":"y"}]"#,
    )
    .expect("a file");
    let output = program(&["--port", "0", "--users", &file.display().to_string()])
        .output()
        .expect("the program");
    std::fs::remove_file(&file).expect("the file");
    let written = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && written.contains("entry 2: pasword: unknown field `pasword`"),
        "{written}"
    );
}
