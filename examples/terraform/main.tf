# The edge with Terraform: an HTTP API with a JWT authorizer, the route, the function from the released zip, and the permissions.
# User pool, app client and core exist already.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.31"
    }
  }
}

variable "zip" {
  type        = string
  default     = "edge-arm64.zip"
  description = "The released zip of the edge"
}

variable "core_function" {
  type        = string
  description = "The name of the core function, in this account and region"
}

variable "user_pool_id" {
  type = string
}

variable "user_pool_client_id" {
  type = string
}

variable "origin" {
  type        = string
  description = "The origin of the frontend, without a slash at the end"
}

data "aws_region" "current" {}

data "aws_lambda_function" "core" {
  function_name = var.core_function
}

data "aws_partition" "current" {}

resource "aws_iam_role" "edge" {
  name_prefix = "inference-edge-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "log" {
  role       = aws_iam_role.edge.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

# The function, its versions and its aliases: nothing whose name merely begins like it.
resource "aws_iam_role_policy" "invoke_core" {
  role = aws_iam_role.edge.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = [data.aws_lambda_function.core.arn, "${data.aws_lambda_function.core.arn}:*"]
    }]
  })
}

resource "aws_cloudwatch_log_group" "edge" {
  name_prefix       = "/aws/lambda/inference-edge-"
  retention_in_days = 30
}

resource "aws_lambda_function" "edge" {
  function_name    = "inference-edge"
  role             = aws_iam_role.edge.arn
  filename         = var.zip
  source_code_hash = filebase64sha256(var.zip)
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = ["arm64"]
  memory_size      = 256
  timeout          = 29 # longer than core's, shorter than the API's 30 s

  environment {
    variables = {
      TARGET_LAMBDA_NAME = var.core_function
      ALLOWED_ORIGINS    = var.origin
      REQUIRED_FIELDS    = "question"
    }
  }

  logging_config {
    log_group             = aws_cloudwatch_log_group.edge.name
    log_format            = "JSON"
    application_log_level = "INFO"
    system_log_level      = "INFO"
  }
}

# Lambda would run a failed asynchronous invocation, and core with it, three times.
resource "aws_lambda_function_event_invoke_config" "edge" {
  function_name          = aws_lambda_function.edge.function_name
  maximum_retry_attempts = 0
}

resource "aws_apigatewayv2_api" "edge" {
  name          = "inference-edge"
  protocol_type = "HTTP"

  cors_configuration {
    allow_origins  = [var.origin]
    allow_methods  = ["POST"]
    allow_headers  = ["content-type", "authorization"]
    expose_headers = ["retry-after", "server-timing", "x-request-id"]
    max_age        = 600
  }
}

resource "aws_apigatewayv2_authorizer" "user_pool" {
  api_id           = aws_apigatewayv2_api.edge.id
  name             = "UserPoolTokens"
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]

  jwt_configuration {
    issuer   = "https://cognito-idp.${data.aws_region.current.name}.${data.aws_partition.current.dns_suffix}/${var.user_pool_id}"
    audience = [var.user_pool_client_id]
  }
}

resource "aws_apigatewayv2_integration" "edge" {
  api_id                 = aws_apigatewayv2_api.edge.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.edge.invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 30000
}

resource "aws_apigatewayv2_route" "inference" {
  api_id             = aws_apigatewayv2_api.edge.id
  route_key          = "POST /inference"
  target             = "integrations/${aws_apigatewayv2_integration.edge.id}"
  authorization_type = "JWT"
  authorizer_id      = aws_apigatewayv2_authorizer.user_pool.id
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.edge.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = 50
    throttling_burst_limit = 100
  }
}

resource "aws_lambda_permission" "api" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.edge.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.edge.execution_arn}/*/POST/inference"
}

output "api_url" {
  value = aws_apigatewayv2_api.edge.api_endpoint
}
