"""A core function in Python: for awslambdaric, or run as it is with the standard library alone."""

import base64
import hmac
import json
import os
import time
import urllib.request


class UntrustedIdentity(Exception):
    """Somebody other than the edge has invoked this function."""


def verify_identity(event, key):
    head, _, signature = event.get("identitySignature", "").rpartition(".")
    expected = base64.urlsafe_b64encode(hmac.digest(key.encode(), head.encode(), "sha256")).rstrip(b"=")
    if not hmac.compare_digest(expected, signature.encode()):
        raise UntrustedIdentity("identitySignature is absent, or not of this key")
    claims = json.loads(base64.urlsafe_b64decode(head.split(".")[1] + "=="))
    if claims["identity"] != event["identity"] or claims["requestId"] != event["requestMeta"]["requestId"]:
        raise UntrustedIdentity("identitySignature is for another identity or another request")
    if abs(time.time() - claims["iat"]) > 300:
        raise UntrustedIdentity("identitySignature is more than 5 minutes old, or from the future")


def handler(event, context):
    if os.environ.get("IDENTITY_SIGNING_KEY"):
        verify_identity(event, os.environ["IDENTITY_SIGNING_KEY"])
    question = event["input"]["question"]
    if question == "throw":
        raise ValueError("asked to")
    return {"answer": f"Python heard: {question}", "sub": event["identity"]["sub"]}


def serve(api):
    while True:
        with urllib.request.urlopen(f"{api}/invocation/next") as response:
            request_id = response.headers["Lambda-Runtime-Aws-Request-Id"]
            event = json.load(response)
        try:
            path, result = "response", handler(event, None)
        except Exception as error:
            path, result = "error", {"errorType": type(error).__name__, "errorMessage": str(error)}
        body = json.dumps(result).encode()
        urllib.request.urlopen(f"{api}/invocation/{request_id}/{path}", data=body).close()


if __name__ == "__main__":
    serve(f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime")
