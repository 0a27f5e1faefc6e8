//! The frontend and the console in a real browser: what they do, how they are laid out, and whether
//! they are accessible.
//!
//! Where Chromium and its driver are not installed, the tests say so and how to install them. The
//! frontend's tests also need its packages (npm ci in web).

mod accessibility;
mod asking;
mod configuration;
mod console;
mod console_experiments;
mod console_history;
mod console_load;
mod console_record;
mod console_security;
mod driver;
mod frontend;
mod layout;
mod streaming;
