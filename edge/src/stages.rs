//! The stages of a request, in their order. Each takes the type that the stage before it gives, so
//! that a stage that is left out, or comes too early, does not compile.
//!
//! | stage | takes | gives |
//! |---|---|---|
//! | [`event`] | the event's JSON | [`event::Request`] |
//! | [`route`] | `Request` | [`route::RoutedRequest`], or 404, or 405 |
//! | [`token`] | `RoutedRequest` | [`token::VerifiedToken`] where no platform has authorized the caller, or 401, or 503 |
//! | [`authorize`] | `RoutedRequest` | [`authorize::Authorized`], or 401, or 403 |
//! | [`validate`] | `Authorized` | [`validate::Validated`], or 400 |
//! | [`enrich`] | `Validated` | [`enrich::Enriched`], or 413 |
//! | [`invoke`] | `Enriched` | [`invoke::CoreReply`] or [`invoke::CoreStream`], or an error of the call |
//! | [`respond`] | core's reply, or a failure | [`respond::Response`] |

pub mod authorize;
pub mod enrich;
pub mod event;
pub mod invoke;
pub mod respond;
pub mod route;
pub mod token;
pub mod validate;
