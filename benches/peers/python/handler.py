"""The edge's behaviour as one writes it in Python: what the benchmark compares it with."""

import base64
import json
import os

import boto3

client = boto3.client("lambda")
ORIGINS = os.environ["ALLOWED_ORIGINS"].split(",")
REQUIRED = ("partner", "year", "period", "question")


def handler(event, context):
    origin = event["headers"].get("origin")
    cors = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} if origin in ORIGINS else {}
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body)
    fields = json.loads(body)
    missing = [name for name in REQUIRED if fields.get(name) in (None, "")]
    if missing:
        return answer(400, cors, {"error": "Missing fields: " + ", ".join(missing)})
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    identity = {"sub": claims.get("sub"), "email": claims.get("email")}
    payload = {"input": fields, "identity": identity, "requestMeta": {"requestId": context.aws_request_id}}
    reply = client.invoke(FunctionName=os.environ["TARGET_LAMBDA_NAME"], Payload=json.dumps(payload))
    result = json.load(reply["Payload"])
    return answer(502 if "FunctionError" in reply else 200, cors, result)


def answer(status, cors, body):
    return {"statusCode": status, "headers": {"Content-Type": "application/json", **cors}, "body": json.dumps(body)}
