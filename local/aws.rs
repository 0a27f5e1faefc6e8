//! The constants of AWS that more than one service needs: the account and the region that the stack
//! emulates, the ids of its resources, and the limits of API Gateway and Lambda.
//!
//! This module imports no other module of the stack, so that no service has to import another one
//! for a constant.

use std::time::Duration;

/// The id of the account that owns every resource of the stack.
pub(crate) const ACCOUNT_ID: &str = "123456789012";
/// The region that the stack emulates.
pub(crate) const REGION: &str = "us-east-1";

/// The id of the user pool. Clients read the region from the part before `_`.
pub(crate) const USER_POOL_ID: &str = "us-east-1_InferEdge";
/// The id of the user pool's one app client.
pub(crate) const USER_POOL_CLIENT_ID: &str = "3inferenceedgelocalclient1";
/// The id of the identity pool.
pub(crate) const IDENTITY_POOL_ID: &str = "us-east-1:6d1e4b6a-0f4c-4c1e-9a53-1f2e3d4c5b6a";

/// The largest request body that API Gateway accepts, in bytes, for HTTP APIs and REST APIs.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
pub(crate) const API_GATEWAY_MAX_BODY: usize = 10 * 1024 * 1024;
/// The largest request line and headers that API Gateway accepts, in bytes together, for HTTP APIs
/// and REST APIs. <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
pub(crate) const API_GATEWAY_MAX_HEADERS: usize = 10_240;
/// The time that an HTTP API waits for its integration.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
pub(crate) const HTTP_API_INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);
/// The time that a REST API waits for its integration.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html>
pub(crate) const REST_API_INTEGRATION_TIMEOUT: Duration = Duration::from_secs(29);
/// The longest that a REST API streams a response.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html>
pub(crate) const REST_API_STREAM_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// The longest that a function may be silent while a regional REST API streams its response.
pub(crate) const REST_API_STREAM_IDLE_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// How much of a streamed response a REST API passes on without a limit, in bytes, and the bytes a
/// second after that. AWS writes 10 MB and 2 MB/s.
pub(crate) const REST_API_STREAM_BURST: u32 = 10 * 1024 * 1024;
pub(crate) const REST_API_STREAM_RATE: u32 = 2 * 1024 * 1024;

/// The largest payload of a synchronous invocation that Lambda accepts, in bytes.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub(crate) const LAMBDA_MAX_REQUEST: usize = 6 * 1024 * 1024;
/// The largest payload of an asynchronous invocation (`Event`) that Lambda accepts, in bytes.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub(crate) const LAMBDA_MAX_EVENT: usize = 1024 * 1024;
/// The largest response that Lambda accepts from a function, in bytes.
pub(crate) const LAMBDA_MAX_RESPONSE: usize = 6_291_556;
/// How much of a streamed response Lambda takes from a function without a limit, in bytes, and the
/// bytes a second after that.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html>
pub(crate) const LAMBDA_STREAM_BURST: u32 = 6 * 1024 * 1024;
pub(crate) const LAMBDA_STREAM_RATE: u32 = 2 * 1024 * 1024;
/// The longest `X-Amz-Client-Context` that Lambda accepts, in bytes of base64.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>
pub(crate) const LAMBDA_MAX_CLIENT_CONTEXT: usize = 3583;
/// The most that `X-Amz-Log-Result` holds before its encoding as base64, in bytes.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>
pub(crate) const LAMBDA_MAX_LOG_TAIL: usize = 4096;
/// The longest line of a function's log, in bytes; a longer one becomes several, because an event of
/// CloudWatch Logs holds no more.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html>
pub(crate) const LAMBDA_MAX_LOG_LINE: usize = 256 * 1024;
/// The time that a function has before it asks for its first invocation.
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib>
pub(crate) const LAMBDA_INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// The unqualified ARN of a function in the stack's account and region.
pub(crate) fn function_arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}")
}
