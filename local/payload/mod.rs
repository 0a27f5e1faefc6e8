//! Payload format 2.0, which HTTP APIs and function URLs share: the event of a request, and the
//! members of a result. <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

mod event;
pub(crate) mod response;

pub(crate) use event::{ApiDescription, ProxyRequest, body_text, header_text};
