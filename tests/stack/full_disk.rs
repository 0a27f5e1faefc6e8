//! A disk that is full: a change that cannot be saved is refused, and is not made.
//!
//! The disk is a file system of 64 KiB in a mount namespace of the stack's own, which ends with it.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Stack, program, text, value};
use crate::not_run::not_run;
use crate::srp;

const USER: &str = "ada@example.edu";
const PASSWORD: &str = "the first password";

/// Mounts the file system, writes a file of users to it, and becomes the program in `$@`.
const SCRIPT: &str =
    r#"mount -t tmpfs -o size=64k tmpfs "$0" && echo "[]" >"$0/users.json" && exec "$@""#;

/// How a process gets a mount namespace here: by root, or by whom the system lets have namespaces.
fn new_namespace() -> Option<Vec<&'static str>> {
    [
        vec!["--mount"],
        vec!["--user", "--map-root-user", "--mount"],
    ]
    .into_iter()
    .find(|options| {
        let mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/mnt"];
        let tried = Command::new("unshare").args(options).args(mount).output();
        tried.is_ok_and(|output| output.status.success())
    })
}

/// Fills the file system of a folder, and returns the file that fills it.
fn fill(folder: &Path) -> PathBuf {
    let path = folder.join("filler");
    let mut file = std::fs::File::create(&path).expect("a file");
    let error = loop {
        if let Err(error) = file.write_all(&[b'x'; 1024]) {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    path
}

#[tokio::test]
async fn what_cannot_be_saved_on_a_full_disk_is_refused_and_not_changed() {
    let Some(namespace) = new_namespace() else {
        not_run(
            "the test of a full disk",
            "this user may not mount a file system",
            "run the tests as root, or on Linux with user namespaces",
        );
        return;
    };
    let mount = std::env::temp_dir().join(format!("inference-edge-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&mount).expect("a folder");
    let (user, state) = (format!("{USER}:{PASSWORD}"), mount.display().to_string());
    let users = mount.join("users.json").display().to_string();
    let options = [
        "--port",
        "0",
        "--log",
        "text",
        "--user",
        &user,
        "--users",
        &users,
        "--save-users",
        "--state",
        &state,
    ];
    let stack = program(&options);
    let mut command = Command::new("unshare");
    command
        .args(namespace)
        .args(["sh", "-c", SCRIPT, &state])
        .arg(stack.get_program())
        .args(stack.get_args());
    let stack = Stack::start_command(command);
    let folder = PathBuf::from(format!("/proc/{}/root{state}", stack.pid()));

    let sign_in = async |password: &str| srp::sign_in(&stack, USER, password).await;
    let tokens = value(&sign_in(PASSWORD).await)["AuthenticationResult"].clone();
    let read = |name: &str| std::fs::read(folder.join(name)).expect("a file");
    let names = ["keys.json", "sessions.json", "users.json"];
    let filler = fill(&folder);
    let before = names.map(read);
    let change = |proposed: &str| {
        let (token, previous) = (&tokens["AccessToken"], PASSWORD);
        json!({ "AccessToken": token, "PreviousPassword": previous, "ProposedPassword": proposed })
    };
    let client = stack.ready_value("/userPoolClientId");
    let sign_up =
        json!({ "ClientId": client, "Username": "new@example.edu", "Password": "a new password" });
    let revoke = json!({ "ClientId": client, "Token": tokens["RefreshToken"] });
    for (operation, body, what) in [
        ("ChangePassword", change("another password"), "users"),
        ("SignUp", sign_up, "users"),
        ("RevokeToken", revoke, "sessions"),
    ] {
        let answer = stack.cognito(operation, body).await;
        check_refused(&value(&answer), answer.status.as_u16(), operation, what);
    }
    let answer = sign_in(PASSWORD).await;
    check_refused(
        &value(&answer),
        answer.status.as_u16(),
        "a sign-in",
        "sessions",
    );
    assert!(names.map(read) == before, "the files have changed");

    std::fs::remove_file(filler).expect("the file");
    let answer = sign_in(PASSWORD).await;
    assert_eq!(
        answer.status,
        200,
        "the password is the first: {}",
        text(&answer)
    );
    let refresh = json!({ "ClientId": client, "RefreshToken": tokens["RefreshToken"] });
    let answer = stack.cognito("GetTokensFromRefreshToken", refresh).await;
    assert_eq!(answer.status, 200, "it is not revoked: {}", text(&answer));
    let answer = stack
        .cognito("ChangePassword", change("another password"))
        .await;
    assert_eq!(answer.status, 200, "{}", text(&answer));
    assert_eq!(sign_in("another password").await.status, 200);
    drop(stack);
    std::fs::remove_dir(&mount).expect("the folder");
}

fn check_refused(body: &Value, status: u16, name: &str, what: &str) {
    let message = format!("The {what} cannot be saved: see the terminal of the stack");
    let expected = json!({ "__type": "InternalErrorException", "message": message });
    assert_eq!((status, body), (500, &expected), "{name}");
}
