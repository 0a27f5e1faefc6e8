//! Codes that prove an e-mail address. There is no mail here: the stack prints them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::User;
use crate::json_protocol::ServiceError;
use crate::terminal::print_line;

/// For how long a code holds.
const CODE_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// How often a code may be guessed.
const MAX_ATTEMPTS: u8 = 5;

/// A code that was sent.
#[derive(Debug, Clone)]
pub struct ConfirmationCode {
    digits: String,
    purpose: Purpose,
    sent: Instant,
    attempts: u8,
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
pub fn send(user: &mut User, purpose: Purpose) -> Value {
    let mut random = [0; 4];
    // As with keys: without random numbers there is no stack.
    let _ = aws_lc_rs::rand::fill(&mut random);
    let digits = format!("{:06}", u32::from_be_bytes(random) % 1_000_000);
    print_line(format_args!("mail │ code {digits} for {} ({purpose:?})", user.email));
    user.confirmation_code = Some(ConfirmationCode { digits, purpose, sent: Instant::now(), attempts: 0 });
    delivery(&user.email)
}

/// The member `CodeDeliveryDetails` for an address.
pub fn delivery(email: &str) -> Value {
    let masked = |part: &str| part.chars().next().map(|first| format!("{first}***")).unwrap_or_default();
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    let destination = format!("{}@{}", masked(local), masked(domain));
    json!({ "AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": destination })
}

/// Takes a code, once.
pub fn redeem(user: &mut User, purpose: Purpose, digits: &str) -> Result<(), ServiceError> {
    let expired = || ServiceError::new("ExpiredCodeException", "Invalid code provided, please request a code again.");
    let confirmation_code =
        user.confirmation_code.as_mut().filter(|confirmation_code| confirmation_code.purpose == purpose).ok_or_else(expired)?;
    confirmation_code.attempts += 1;
    if confirmation_code.sent.elapsed() > CODE_LIFETIME || confirmation_code.attempts > MAX_ATTEMPTS {
        return Err(expired());
    }
    if confirmation_code.digits != digits {
        let text = "Invalid verification code provided, please try again.";
        return Err(ServiceError::new("CodeMismatchException", text));
    }
    user.confirmation_code = None;
    Ok(())
}
