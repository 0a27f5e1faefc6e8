//! The codes that prove that a user owns an e-mail address. The stack sends no e-mail: it prints
//! the codes.

use std::time::{Duration, Instant};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde_json::{Value, json};

use super::User;
use crate::json_protocol::ServiceError;
use crate::recorder::Recorder;
use crate::terminal::print_from;

/// How long a code is valid.
const CODE_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// How many attempts a user has to enter a code.
const MAX_ATTEMPTS: u8 = 5;

#[derive(Debug, Clone)]
pub(crate) struct ConfirmationCode {
    digits: String,
    purpose: Purpose,
    sent: Instant,
    attempts: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    SignUp,
    ForgotPassword,
}

/// Creates a code for a user, prints it, keeps it for the console, and returns the member
/// `CodeDeliveryDetails`.
pub(super) fn send(recorder: &Recorder, user: &mut User, purpose: Purpose) -> Value {
    let mut random = [0; 4];
    // The system's random numbers cannot fail here: the pool's keys were made of them.
    let _ = aws_lc_rs::rand::fill(&mut random);
    let digits = format!("{:06}", u32::from_be_bytes(random) % 1_000_000);
    print_from(
        "mail",
        format_args!("code {digits} for {} ({purpose:?})", user.email),
    );
    recorder.mail(&user.email, &format!("{purpose:?}"), &digits);
    user.confirmation_code = Some(ConfirmationCode {
        digits,
        purpose,
        sent: Instant::now(),
        attempts: 0,
    });
    delivery(&user.email)
}

/// The member `CodeDeliveryDetails`, with the e-mail address masked as Cognito masks it.
pub(super) fn delivery(email: &str) -> Value {
    let masked = |part: &str| {
        part.chars()
            .next()
            .map(|first| format!("{first}***"))
            .unwrap_or_default()
    };
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    let destination = format!("{}@{}", masked(local), masked(domain));
    json!({ "AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": destination })
}

/// The error for a code that was not sent or is not valid any more.
pub(super) fn expired() -> ServiceError {
    ServiceError::new(
        "ExpiredCodeException",
        "Invalid code provided, please request a code again.",
    )
}

/// The error for a wrong code.
pub(super) fn mismatch() -> ServiceError {
    let text = "Invalid verification code provided, please try again.";
    ServiceError::new("CodeMismatchException", text)
}

/// Checks a code and removes it, so that it is valid once.
pub(super) fn redeem(user: &mut User, purpose: Purpose, digits: &str) -> Result<(), ServiceError> {
    let confirmation_code = user
        .confirmation_code
        .as_mut()
        .filter(|confirmation_code| confirmation_code.purpose == purpose)
        .ok_or_else(expired)?;
    confirmation_code.attempts += 1;
    if confirmation_code.sent.elapsed() > CODE_LIFETIME || confirmation_code.attempts > MAX_ATTEMPTS
    {
        return Err(expired());
    }
    let is_right = verify_slices_are_equal(confirmation_code.digits.as_bytes(), digits.as_bytes());
    if is_right.is_err() {
        return Err(mismatch());
    }
    user.confirmation_code = None;
    Ok(())
}
