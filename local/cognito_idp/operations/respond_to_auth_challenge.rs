//! The operation `RespondToAuthChallenge`: checks the SRP proof of a password, or sets the first
//! password of a user whom an administrator has created.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_RespondToAuthChallenge.html>

use std::collections::HashMap;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{check_client, incorrect_credentials, required};
use crate::cognito_idp::srp::{Exchange, Verifier};
use crate::cognito_idp::user::sub_of;
use crate::cognito_idp::{Inner, POOL_NAME, User, UserStatus};
use crate::json_protocol::ServiceError;

/// How long a challenge is valid.
const CHALLENGE_LIFETIME: Duration = Duration::from_secs(180);
/// The largest difference between the client's clock and the pool's, in seconds.
const CLOCK_SKEW: i64 = 300;

/// The challenges that clients have not responded to yet, by their secret block or session.
#[derive(Debug, Default)]
pub(crate) struct Challenges(HashMap<String, Challenge>);

#[derive(Debug)]
struct Challenge {
    made: Instant,
    username: String,
    kind: ChallengeKind,
}

#[derive(Debug)]
enum ChallengeKind {
    Password(Box<Exchange>),
    NewPassword,
}

impl Challenges {
    fn add(&mut self, key: String, username: &str, kind: ChallengeKind) {
        self.0
            .retain(|_, challenge| challenge.made.elapsed() < CHALLENGE_LIFETIME);
        self.0.insert(
            key,
            Challenge {
                made: Instant::now(),
                username: username.to_owned(),
                kind,
            },
        );
    }

    /// Removes a challenge: a client can respond to it once.
    fn take(&mut self, key: &str) -> Option<Challenge> {
        self.0
            .remove(key)
            .filter(|challenge| challenge.made.elapsed() < CHALLENGE_LIFETIME)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RespondToAuthChallenge {
    client_id: String,
    challenge_name: String,
    #[serde(default)]
    session: String,
    #[serde(default)]
    challenge_responses: HashMap<String, String>,
}

pub(crate) fn run(pool: &Inner, request: RespondToAuthChallenge) -> Result<Value, ServiceError> {
    check_client(&request.client_id)?;
    let response = |name| required(&request.challenge_responses, name);
    match request.challenge_name.as_str() {
        "PASSWORD_VERIFIER" => {
            let claim = PasswordClaim {
                secret_block: response("PASSWORD_CLAIM_SECRET_BLOCK")?,
                signature: response("PASSWORD_CLAIM_SIGNATURE")?,
                timestamp: response("TIMESTAMP")?,
            };
            let user = claim.check(pool, response("USERNAME")?)?;
            next_step(pool, user)
        }
        "NEW_PASSWORD_REQUIRED" => {
            let (username, password) = (response("USERNAME")?, response("NEW_PASSWORD")?);
            choose_password(pool, &request.session, username, password)
        }
        name => Err(ServiceError::invalid_parameter(format!(
            "ChallengeName {name} is not supported here"
        ))),
    }
}

/// Starts an SRP sign-in. An unknown user gets a challenge too, for which no password is right.
pub(crate) fn start_srp(pool: &Inner, username: &str, a_hex: &str) -> Result<Value, ServiceError> {
    let user = pool.user_directory.find(username);
    let sub = user
        .as_ref()
        .map_or_else(|| sub_of(username), |user| user.sub.clone());
    let sub = sub.as_str();
    let verifier = user.as_ref().map_or_else(
        || Verifier::decoy(&pool.decoy_seed, POOL_NAME, sub),
        |a| a.verifier().clone(),
    );
    let exchange = Exchange::begin(a_hex, &verifier)
        .map_err(|_| ServiceError::invalid_parameter("SRP_A is invalid"))?;
    let secret_block =
        STANDARD.encode([Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat());
    let parameters = json!({
        "SALT": verifier.salt(),
        "SRP_B": exchange.b_hex(),
        "SECRET_BLOCK": secret_block,
        "USERNAME": sub,
        "USER_ID_FOR_SRP": sub,
    });
    pool.challenges.lock().add(
        secret_block,
        sub,
        ChallengeKind::Password(Box::new(exchange)),
    );
    Ok(json!({ "ChallengeName": "PASSWORD_VERIFIER", "ChallengeParameters": parameters }))
}

/// The response to a right password: tokens, an error or a further challenge, by the user's status.
pub(crate) fn next_step(pool: &Inner, user: User) -> Result<Value, ServiceError> {
    match user.status {
        UserStatus::Confirmed => Ok(
            json!({ "AuthenticationResult": pool.sign_in(&user)?.authentication_result(), "ChallengeParameters": {} }),
        ),
        UserStatus::Unconfirmed => Err(ServiceError::new(
            "UserNotConfirmedException",
            "User is not confirmed.",
        )),
        UserStatus::ForceChangePassword => {
            let session = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
            pool.challenges
                .lock()
                .add(session.clone(), &user.sub, ChallengeKind::NewPassword);
            let attributes =
                json!({ "email": user.email, "email_verified": user.email_verified.to_string() });
            let parameters = json!({ "USER_ID_FOR_SRP": user.sub, "requiredAttributes": "[]", "userAttributes": attributes.to_string() });
            Ok(
                json!({ "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": session, "ChallengeParameters": parameters }),
            )
        }
    }
}

fn choose_password(
    pool: &Inner,
    session: &str,
    username: &str,
    password: &str,
) -> Result<Value, ServiceError> {
    let invalid = || ServiceError::not_authorized("Invalid session for the user.");
    // Checked first, so that the session stays valid after a password that the policy refuses.
    crate::cognito_idp::user::check_password(password)?;
    let challenge = pool
        .challenges
        .lock()
        .take(session)
        .filter(|challenge| matches!(challenge.kind, ChallengeKind::NewPassword));
    let named = pool.user_directory.find(username).map(|user| user.sub);
    let challenge = challenge
        .filter(|challenge| named.as_ref() == Some(&challenge.username))
        .ok_or_else(invalid)?;
    let changed = pool.user_directory.change(&challenge.username, |user| {
        user.status = UserStatus::Confirmed;
        user.set_password(password).map(|()| user.clone())
    })?;
    next_step(pool, changed.ok_or_else(invalid)??)
}

struct PasswordClaim<'a> {
    secret_block: &'a str,
    signature: &'a str,
    timestamp: &'a str,
}

impl PasswordClaim<'_> {
    fn check(&self, pool: &Inner, username: &str) -> Result<User, ServiceError> {
        check_timestamp(self.timestamp)?;
        let challenge = pool
            .challenges
            .lock()
            .take(self.secret_block)
            .ok_or_else(incorrect_credentials)?;
        let ChallengeKind::Password(exchange) = challenge.kind else {
            return Err(incorrect_credentials());
        };
        pool.sign_in_attempts.check(&challenge.username)?;
        let user = pool.user_directory.find(&challenge.username);
        let secret = STANDARD
            .decode(self.secret_block)
            .map_err(|_| incorrect_credentials())?;
        let signature = STANDARD
            .decode(self.signature)
            .map_err(|_| incorrect_credentials())?;
        let sub = challenge.username.as_bytes();
        let message = [
            POOL_NAME.as_bytes(),
            sub,
            &secret,
            self.timestamp.as_bytes(),
        ]
        .concat();
        let is_proved = exchange.verifies(&message, &signature);
        let is_same_user = user
            .as_ref()
            .is_some_and(|user| user.sub == username || user.email.eq_ignore_ascii_case(username));
        let Some(user) = user.filter(|_| is_proved && is_same_user) else {
            pool.sign_in_attempts.failed(&challenge.username);
            return Err(incorrect_credentials());
        };
        pool.sign_in_attempts.succeeded(&user.sub);
        Ok(user)
    }
}

/// Checks the form of a timestamp (`Sat Aug 1 09:05:03 UTC 2026`) and its difference from now.
fn check_timestamp(timestamp: &str) -> Result<(), ServiceError> {
    let wrong = || {
        ServiceError::invalid_parameter(
            "TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.",
        )
    };
    let time = DateTime::strptime("%a %b %d %H:%M:%S UTC %Y", timestamp).map_err(|_| wrong())?;
    let time = time.to_zoned(TimeZone::UTC).map_err(|_| wrong())?;
    let off = time.timestamp().as_second() - jiff::Timestamp::now().as_second();
    if off.abs() > CLOCK_SKEW {
        Err(incorrect_credentials())
    } else {
        Ok(())
    }
}
