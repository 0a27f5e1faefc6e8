//! The users of the user pool: those of the options and of the users' file, or else a default one.

use super::StartError;
use super::description::KnownUser;
use crate::arguments::{NewUser, StackArguments};
use crate::cognito_idp::{User, UserDirectory, UserFileEntry, UserStatus, read_users};

/// The e-mail address and the password of the user who exists if no option names others.
const DEFAULT_USER: (&str, &str) = ("ada@example.edu", "Analytical-Engine-1843");

/// The users of the user pool, from the options or else the default user, and what is known of
/// those who can sign in.
pub(super) fn users(
    arguments: &StackArguments,
) -> Result<(UserDirectory, Vec<KnownUser>), StartError> {
    let mut users: Vec<User> = Vec::new();
    let mut passwords: Vec<(String, String)> = Vec::new();
    if let Some(path) = arguments
        .users_file
        .as_deref()
        .filter(|path| path.exists() || !arguments.save_users)
    {
        for UserFileEntry { user, password } in read_users(path).map_err(StartError::Other)? {
            passwords.extend(password.map(|password| (user.email.clone(), password)));
            users.push(user);
        }
    }
    for new_user in &arguments.users {
        passwords.push((new_user.email.clone(), new_user.password.clone()));
        // A user who was saved may have changed the password that the command line names.
        let user = confirmed(new_user);
        if !users.iter().any(|known| known.sub == user.sub) {
            users.push(user);
        }
    }
    let (email, password) = DEFAULT_USER;
    passwords.push((email.to_owned(), password.to_owned()));
    if users.is_empty() {
        let mut default_user = User::new(email, password, UserStatus::Confirmed);
        default_user.groups.push("students".to_owned());
        users.push(default_user);
    }
    let known_password = |user: &User| {
        let mut candidates = passwords
            .iter()
            .filter(|(email, _)| email.eq_ignore_ascii_case(&user.email));
        candidates
            .find(|(_, password)| user.has_password(password))
            .map(|(_, password)| password.clone())
    };
    let known_users = users
        .iter()
        .filter(|user| user.status == UserStatus::Confirmed)
        .map(|user| KnownUser {
            username: user.email.clone(),
            sub: user.sub.clone(),
            password: known_password(user),
        });
    let known_users = known_users.collect();
    let save_to = arguments
        .users_file
        .clone()
        .filter(|_| arguments.save_users);
    Ok((UserDirectory::new(users, save_to), known_users))
}

/// A user of the command line as the user pool holds it: confirmed, so that the user can sign in at
/// once.
fn confirmed(new_user: &NewUser) -> User {
    let mut user = User::new(&new_user.email, &new_user.password, UserStatus::Confirmed);
    user.groups.clone_from(&new_user.groups);
    user
}
