//! The users of the pool: in memory and, where a file is given, stored between runs.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;

use super::{User, UserStatus};

#[derive(Debug)]
pub(crate) struct UserDirectory {
    users: Mutex<Vec<User>>,
    save_to: Option<PathBuf>,
}

/// A user that a file of users lists.
#[derive(Debug)]
pub(crate) struct UserFileEntry {
    pub user: User,
    /// The password, if the file has it. A file that the stack has saved has SRP verifiers only.
    pub password: Option<String>,
}

/// An entry that a person wrote, in contrast to one that the stack has saved.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnsavedUser {
    email: String,
    password: String,
    #[serde(default)]
    groups: Vec<String>,
}

impl UserDirectory {
    /// Creates the directory. Every change is written to `save_to`, if it is given.
    pub(crate) fn new(users: Vec<User>, save_to: Option<PathBuf>) -> Self {
        Self {
            users: Mutex::new(users),
            save_to,
        }
    }

    /// Finds a user by id or e-mail address.
    pub(crate) fn find(&self, username: &str) -> Option<User> {
        self.users
            .lock()
            .iter()
            .find(|user| matches_username(user, username))
            .cloned()
    }

    /// Adds a user; returns `false` if there is already one with this e-mail address.
    pub(crate) fn add(&self, user: User) -> bool {
        let mut users = self.users.lock();
        if users
            .iter()
            .any(|known| matches_username(known, &user.email) || known.sub == user.sub)
        {
            return false;
        }
        users.push(user);
        self.save(&users);
        true
    }

    /// Changes a user; returns `None` if there is no such user.
    pub(crate) fn change<T>(
        &self,
        username: &str,
        change: impl FnOnce(&mut User) -> T,
    ) -> Option<T> {
        let mut users = self.users.lock();
        let changed = users
            .iter_mut()
            .find(|user| matches_username(user, username))
            .map(change);
        self.save(&users);
        changed
    }

    fn save(&self, users: &[User]) {
        let Some(path) = &self.save_to else { return };
        if let Err(error) = write(path, users) {
            eprintln!(
                "error: the users cannot be saved to {}: {error}",
                path.display()
            );
        }
    }
}

fn matches_username(user: &User, username: &str) -> bool {
    user.sub == username || user.email.eq_ignore_ascii_case(username)
}

/// Reads a file of users: a JSON array of `{"email", "password", "groups"}`, or what was saved
/// before. An error names the file, the entry and the field.
pub(crate) fn read(path: &Path) -> Result<Vec<UserFileEntry>, String> {
    let failed = |why: String| format!("{}: {why}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let form = r#"write a JSON array of {"email": "…", "password": "…", "groups": ["…"]}"#;
    let entries: Vec<Value> =
        serde_json::from_str(&text).map_err(|error| failed(format!("{error}: {form}")))?;
    let mut users: Vec<UserFileEntry> = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let name = format!("entry {}", index + 1);
        let user = read_entry(entry).map_err(|why| failed(format!("{name}: {why}: {form}")))?;
        if users.iter().any(|known| known.user.sub == user.user.sub) {
            return Err(failed(format!(
                "{name}: email: {} is there twice: give each user once",
                user.user.email
            )));
        }
        users.push(user);
    }
    Ok(users)
}

/// Reads one entry: one with a `verifier` was saved by the stack, any other was written by a
/// person.
fn read_entry(entry: Value) -> Result<UserFileEntry, String> {
    if entry.get("verifier").is_some() {
        let user = serde_path_to_error::deserialize(entry).map_err(|error| field_error(&error))?;
        return Ok(UserFileEntry {
            user,
            password: None,
        });
    }
    let UnsavedUser {
        email,
        password,
        groups,
    } = serde_path_to_error::deserialize(entry).map_err(|error| field_error(&error))?;
    if !email.contains('@') {
        return Err(format!("email: `{email}` is not an e-mail address"));
    }
    if password.is_empty() {
        return Err("password: it is empty".to_owned());
    }
    let mut user = User::new(&email, &password, UserStatus::Confirmed);
    user.groups = groups;
    Ok(UserFileEntry {
        user,
        password: Some(password),
    })
}

/// The field and its error. Where a field is missing or unknown, the error itself names it.
fn field_error(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    match error.path().to_string().as_str() {
        "." => error.inner().to_string(),
        path => format!("{path}: {}", error.inner()),
    }
}

/// Writes a temporary file and renames it, so that a stack that is killed loses nothing.
fn write(path: &Path, users: &[User]) -> std::io::Result<()> {
    let partial = path.with_extension("partial");
    std::fs::write(&partial, serde_json::to_string_pretty(users)?)?;
    std::fs::rename(&partial, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let path = std::env::temp_dir().join(format!(
            "inference-edge-users-{}.json",
            uuid::Uuid::new_v4()
        ));
        std::fs::write(&path, text).expect("a file");
        let error = read(&path).expect_err(text);
        std::fs::remove_file(&path).expect("the file");
        let (_, error) = error.split_once(".json: ").expect("the file's name");
        error.to_owned()
    }

    #[test]
    fn an_error_names_the_entry_and_the_field() {
        for (text, start) in [
            (
                r#"[{"email":"a@b","password":"p"},{"email":"c@d"}]"#,
                "entry 2: missing field `password`: write a JSON array of",
            ),
            (
                r#"[{"email":"a@b","password":7}]"#,
                "entry 1: password: invalid type: integer `7`, expected a string",
            ),
            (
                r#"[{"email":"a@b","password":"p","group":["x"]}]"#,
                "entry 1: group: unknown field `group`, expected one of",
            ),
            (
                r#"[{"email":"a@b","password":"p","groups":["x",1]}]"#,
                "entry 1: groups[1]: invalid type: integer `1`",
            ),
            (
                r#"[{"email":"ab","password":"p"}]"#,
                "entry 1: email: `ab` is not an e-mail address",
            ),
            (
                r#"[{"email":"a@b","password":""}]"#,
                "entry 1: password: it is empty",
            ),
            (
                r#"[{"email":"a@b","password":"p"},{"email":"A@b","password":"q"}]"#,
                "entry 2: email: A@b is there twice",
            ),
            (
                r#"{"email":"a@b"}"#,
                "invalid type: map, expected a sequence at line 1 column 0: write a JSON array of",
            ),
        ] {
            let error = error(text);
            assert!(error.starts_with(start), "{text}: {error}");
        }
    }
}
