//! The users of the pool: in memory and, where a file is given, stored between runs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;

use super::{User, UserStatus};
use crate::atomic_file;
use crate::json_protocol::ServiceError;

#[derive(Debug)]
pub(crate) struct UserDirectory {
    users: Mutex<Vec<User>>,
    /// The groups that exist: those of the first users, and those that were created.
    groups: Mutex<BTreeSet<String>>,
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
        let groups = users.iter().flat_map(|user| user.groups.clone()).collect();
        Self {
            users: Mutex::new(users),
            groups: Mutex::new(groups),
            save_to,
        }
    }

    /// Whether there is the group.
    pub(crate) fn has_group(&self, name: &str) -> bool {
        self.groups.lock().contains(name)
    }

    /// Adds a group; returns `false` if it is there already.
    pub(crate) fn add_group(&self, name: &str) -> bool {
        self.groups.lock().insert(name.to_owned())
    }

    /// Finds a user by id or e-mail address.
    pub(crate) fn find(&self, username: &str) -> Option<User> {
        self.users
            .lock()
            .iter()
            .find(|user| matches_username(user, username))
            .cloned()
    }

    /// Adds a user; returns `false` if there is already one with this e-mail address. Fails if the
    /// users cannot be saved, and changes nothing then.
    pub(crate) fn add(&self, user: User) -> Result<bool, ServiceError> {
        let mut users = self.users.lock();
        if users
            .iter()
            .any(|known| matches_username(known, &user.email) || known.sub == user.sub)
        {
            return Ok(false);
        }
        users.push(user);
        let saved = self.save(&users);
        if saved.is_err() {
            users.pop();
        }
        saved.map(|()| true)
    }

    /// Changes a user; returns `None` if there is no such user. Fails if the users cannot be saved,
    /// and changes nothing then.
    pub(crate) fn change<T>(
        &self,
        username: &str,
        change: impl FnOnce(&mut User) -> T,
    ) -> Result<Option<T>, ServiceError> {
        let mut users = self.users.lock();
        let index = users
            .iter()
            .position(|user| matches_username(user, username));
        let Some(index) = index else {
            return Ok(None);
        };
        let before = users[index].clone();
        let changed = change(&mut users[index]);
        let saved = self.save(&users);
        if saved.is_err() {
            users[index] = before;
        }
        saved.map(|()| Some(changed))
    }

    fn save(&self, users: &[User]) -> Result<(), ServiceError> {
        let Some(path) = &self.save_to else {
            return Ok(());
        };
        let written = serde_json::to_vec_pretty(users)
            .map_err(std::io::Error::from)
            .and_then(|content| atomic_file::write(path, &content));
        written.map_err(|error| {
            let path = path.display();
            eprintln!("error: the users cannot be saved to {path}: {error}");
            ServiceError::internal("The users cannot be saved: see the terminal of the stack")
        })
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
    fn what_cannot_be_saved_is_refused_and_is_not_there() {
        let folder = std::env::temp_dir().join(format!("inference-edge-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).expect("a folder");
        let user = |email: &str| User::new(email, "a-long-password", UserStatus::Confirmed);
        let directory = UserDirectory::new(Vec::new(), Some(folder.join("users.json")));
        assert_eq!(directory.add(user("ada@example.edu")), Ok(true));
        std::fs::remove_dir_all(&folder).expect("the folder");
        assert!(directory.add(user("grace@example.edu")).is_err());
        assert!(directory.find("grace@example.edu").is_none());
        let changed = directory.change("ada@example.edu", |user| user.email_verified = false);
        assert!(changed.is_err());
        let ada = directory.find("ada@example.edu").expect("the user");
        assert!(ada.email_verified, "the change stayed");
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
