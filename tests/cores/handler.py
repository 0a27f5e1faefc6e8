"""A core function in Python: for awslambdaric, or run as it is with the standard library alone."""

import json
import os
import urllib.request


def handler(event, context):
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
