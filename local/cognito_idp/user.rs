//! The users of the pool, in memory.

use uuid::Uuid;

/// A user who has confirmed the e-mail address.
#[derive(Debug, Clone)]
pub struct User {
    /// The e-mail address, by which the user signs in.
    pub email: String,
    /// The password.
    pub password: String,
    /// The groups.
    pub groups: Vec<String>,
}

impl User {
    /// The user's id, the same in every run: made of the address.
    pub fn sub(&self) -> String {
        Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("mailto:{}", self.email).as_bytes()).to_string()
    }
}

/// All users.
#[derive(Debug)]
pub struct Users(Vec<User>);

impl Users {
    /// Takes users.
    pub fn new(users: Vec<User>) -> Self {
        Self(users)
    }

    /// A user by e-mail address or id.
    pub fn find(&self, username: &str) -> Option<User> {
        self.0.iter().find(|user| user.email.eq_ignore_ascii_case(username) || user.sub() == username).cloned()
    }
}
