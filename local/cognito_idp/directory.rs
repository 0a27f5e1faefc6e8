//! The users of the pool: in memory, and in a file between runs where that is asked for.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::Deserialize;

use super::{Account, Status};

/// All users.
#[derive(Debug)]
pub struct Directory {
    accounts: Mutex<Vec<Account>>,
    save_to: Option<PathBuf>,
}

/// A line of the file: a user as the stack saved it, or as a person writes one.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Entry {
    Saved(Account),
    Written(Written),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    email: String,
    password: String,
    #[serde(default)]
    groups: Vec<String>,
}

impl Directory {
    /// Takes users; every change is saved to a file where one is given.
    pub fn new(accounts: Vec<Account>, save_to: Option<PathBuf>) -> Self {
        Self { accounts: Mutex::new(accounts), save_to }
    }

    /// A user by id or e-mail address.
    pub fn find(&self, username: &str) -> Option<Account> {
        self.accounts.lock().iter().find(|account| is(account, username)).cloned()
    }

    /// Adds a user; `false` when there is one of that address.
    pub fn add(&self, account: Account) -> bool {
        let mut accounts = self.accounts.lock();
        if accounts.iter().any(|known| is(known, &account.email) || known.sub == account.sub) {
            return false;
        }
        accounts.push(account);
        self.save(&accounts);
        true
    }

    /// Changes a user, if there is one.
    pub fn change<T>(&self, username: &str, change: impl FnOnce(&mut Account) -> T) -> Option<T> {
        let mut accounts = self.accounts.lock();
        let changed = accounts.iter_mut().find(|account| is(account, username)).map(change);
        self.save(&accounts);
        changed
    }

    fn save(&self, accounts: &[Account]) {
        let Some(path) = &self.save_to else { return };
        if let Err(error) = write(path, accounts) {
            eprintln!("error: the users cannot be saved to {}: {error}", path.display());
        }
    }
}

fn is(account: &Account, username: &str) -> bool {
    account.sub == username || account.email.eq_ignore_ascii_case(username)
}

/// Reads a file of users: a JSON array of `{"email", "password", "groups"}`, or what was saved before.
pub fn read(path: &Path) -> Result<Vec<Account>, String> {
    let failed = |why: String| format!("{}: {why}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let form = r#"write a JSON array of {"email", "password", "groups": []}"#;
    let entries: Vec<Entry> = serde_json::from_str(&text).map_err(|error| failed(format!("{error}: {form}")))?;
    Ok(entries.into_iter().map(Entry::account).collect())
}

impl Entry {
    fn account(self) -> Account {
        match self {
            Self::Saved(account) => account,
            Self::Written(written) => {
                let mut account = Account::new(&written.email, &written.password, Status::Confirmed);
                account.groups = written.groups;
                account
            }
        }
    }
}

/// Writes to a file beside it first: a stack that is killed loses nothing.
fn write(path: &Path, accounts: &[Account]) -> std::io::Result<()> {
    let partial = path.with_extension("partial");
    std::fs::write(&partial, serde_json::to_string_pretty(accounts)?)?;
    std::fs::rename(&partial, path)
}
