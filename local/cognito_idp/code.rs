//! Codes that prove an e-mail address. There is no mail here: the stack prints them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Account;
use crate::json_protocol::ServiceError;
use crate::terminal::say;

/// For how long a code holds.
const LIFE: Duration = Duration::from_secs(24 * 3600);
/// How often a code may be guessed.
const GUESSES: u8 = 5;

/// A code that was sent.
#[derive(Debug, Clone)]
pub struct Code {
    digits: String,
    purpose: Purpose,
    sent: Instant,
    guesses: u8,
}

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Confirming a sign-up.
    SignUp,
    /// Choosing a new password.
    ForgotPassword,
}

/// Sends a user a code; gives the member `CodeDeliveryDetails`.
pub fn send(account: &mut Account, purpose: Purpose) -> Value {
    let mut random = [0; 4];
    // As with keys: without random numbers there is no stack.
    let _ = aws_lc_rs::rand::fill(&mut random);
    let digits = format!("{:06}", u32::from_be_bytes(random) % 1_000_000);
    say(format_args!("mail │ code {digits} for {} ({purpose:?})", account.email));
    account.code = Some(Code { digits, purpose, sent: Instant::now(), guesses: 0 });
    delivery(&account.email)
}

/// The member `CodeDeliveryDetails` for an address.
pub fn delivery(email: &str) -> Value {
    let masked = |part: &str| part.chars().next().map(|first| format!("{first}***")).unwrap_or_default();
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    let destination = format!("{}@{}", masked(local), masked(domain));
    json!({ "AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": destination })
}

/// Takes a code, once.
pub fn redeem(account: &mut Account, purpose: Purpose, digits: &str) -> Result<(), ServiceError> {
    let expired = || ServiceError::new("ExpiredCodeException", "Invalid code provided, please request a code again.");
    let code = account.code.as_mut().filter(|code| code.purpose == purpose).ok_or_else(expired)?;
    code.guesses += 1;
    if code.sent.elapsed() > LIFE || code.guesses > GUESSES {
        return Err(expired());
    }
    if code.digits != digits {
        let text = "Invalid verification code provided, please try again.";
        return Err(ServiceError::new("CodeMismatchException", text));
    }
    account.code = None;
    Ok(())
}
