//! Payload format 2.0, which HTTP APIs and function URLs have in common: a request as an event, a result as a response.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

mod event;
pub(crate) mod response;

pub(crate) use event::{ApiDescription, ProxyRequest, body_text, header_text};
