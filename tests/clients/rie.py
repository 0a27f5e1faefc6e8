#!/usr/bin/env python3
"""Replays the events of events/ through AWS's Runtime Interface Emulator, the program that stands for Lambda under `sam local`.

    python3 tests/clients/rie.py [--rie PROGRAM] [--edge PROGRAM] [--verbose]

The emulator is part of the pip package aws-sam-cli and is found there when this runs with that package's Python. The edge is
target/debug/edge unless it is named. Core is a Lambda endpoint within this program, which does what the member `core` of an
`.expected.json` says and keeps what it was sent. The file format is described in edge/tests/integration/events.rs.

The emulator is started anew for each environment that a file asks for. It gives back the raw bytes of a streamed answer: the
prelude, eight zero bytes, the body. Where one piece ends and the next begins does not come through it; only the whole is compared.
"""

import argparse
import http.client
import importlib.util
import json
import os
import platform
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {"TARGET_LAMBDA_NAME": "core", "ALLOWED_ORIGINS": "http://localhost:5173,https://*.amplifyapp.com"}
COMMON_HEADERS = ["Cache-Control", "X-Content-Type-Options", "X-Request-Id", "Server-Timing", "Content-Type"]
REQUEST_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Lambda's answers that are errors of the Invoke API: status, name, further headers.
INVOKE_ERRORS = {
    "not_found": (404, "ResourceNotFoundException", {}),
    "access_denied": (403, "AccessDeniedException", {}),
    "failure": (502, "KMSDisabledException", {}),
    "throttled": (429, "TooManyRequestsException", {"Retry-After": "7"}),
}
START_SECONDS = 20
ANSWER_SECONDS = 20


def main():
    options = arguments()
    events = sorted(path for path in (ROOT / "events").glob("*/*.json") if not path.name.endswith(".expected.json"))
    assert len(events) > 50, f"only {len(events)} events were found"
    groups, not_replayed = {}, []
    for path in events:
        expected = json.loads(path.with_suffix(".expected.json").read_text())
        name = str(path.relative_to(ROOT / "events"))
        reason = cannot_pass(expected)
        if reason:
            not_replayed.append((name, reason))
        else:
            groups.setdefault(json.dumps(environment_of(expected), sort_keys=True), []).append((name, path, expected))
    failures, core = [], Core()
    for environment, cases in groups.items():
        with Emulator(options, json.loads(environment), core) as emulator:
            failed_before = len(failures)
            for name, path, expected in cases:
                problem = replay(emulator, core, path, expected)
                if problem:
                    failures.append(f"{name}: {problem}")
                elif options.verbose:
                    print(f"ok  {name}")
            if len(failures) > failed_before:
                print(emulator.log(), file=sys.stderr)
    for name, reason in not_replayed:
        print(f"NOT REPLAYED  {name}: {reason}")
    for failure in failures:
        print(f"FAILED  {failure}")
    replayed = sum(len(cases) for cases in groups.values())
    print(f"Runtime Interface Emulator: {replayed - len(failures)} of {replayed} events answered as expected, {len(not_replayed)} not replayed")
    sys.exit(bool(failures))


def arguments():
    parser = argparse.ArgumentParser(description="Replays events/ through AWS's Runtime Interface Emulator")
    parser.add_argument("--rie", default=emulator_of_sam(), help="the emulator; default: the one in the package aws-sam-cli")
    parser.add_argument("--edge", default=str(ROOT / "target/debug/edge"), help="the edge's binary")
    parser.add_argument("--verbose", action="store_true", help="name every event")
    options = parser.parse_args()
    if not options.rie:
        parser.error("no emulator: name one by --rie, or run this with a Python that has aws-sam-cli (pip install aws-sam-cli)")
    if not os.access(options.edge, os.X_OK):
        parser.error(f"{options.edge} is not there: run `cargo build -p edge`")
    return options


def emulator_of_sam():
    package = importlib.util.find_spec("samcli")
    machine = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
    return package and f"{package.submodule_search_locations[0]}/local/rapid/aws-lambda-rie-{machine}"


def cannot_pass(expected):
    """Why an event cannot pass through the emulator; nothing when it can."""
    if expected.get("answer", {}).get("cut"):
        return "the emulator ends the environment when a streamed answer is cut, and drops what came before the cut"
    return None


def environment_of(expected):
    """The environment that the file asks for. A core that does not answer must not hold up the run."""
    environment = dict(expected.get("environment", {}))
    if expected.get("core") and expected["core"].get("invokeFails") == "timed_out":
        environment["CORE_TIMEOUT_MS"] = "300"
    return environment


def replay(emulator, core, path, expected):
    """Invokes the edge with one event; gives what is wrong, or nothing."""
    pad = "x" * expected.get("pad", 0)
    core.behave(expected.get("core") or {}, pad)
    event = path.read_text().replace("<pad>", pad)
    try:
        body = emulator.invoke(event.encode(), expected.get("cognitoIdentity"))
        check(body, core.received, expected)
    except (AssertionError, LookupError, ValueError, OSError, http.client.HTTPException) as error:
        return str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
    finally:
        core.release()
    return None


def check(body, received, expected):
    # What Lambda throttled did not reach core: the edge tries three times.
    attempts = 0 if not expected.get("core") else 3 if expected["core"].get("invokeFails") == "throttled" else 1
    same("number of Invoke calls", len(received), attempts)
    if "error" in expected:
        same("error", value(body.decode()), expected["error"])
        request_id = core_request_id(received)
    elif "result" in expected:
        request_id = core_request_id(received)
        same("result", value(body.decode()), with_id(expected["result"], request_id))
    else:
        request_id = check_answer(body, expected)
    if "coreReceives" in expected:
        same("coreReceives", value(received[0][0]), with_id(expected["coreReceives"], request_id))
    if "coreReceivesText" in expected:
        same("coreReceivesText", received[0][0], with_id(expected["coreReceivesText"], request_id))
    same("tenant", received[0][1] if received else None, expected.get("tenant"))


def check_answer(body, expected):
    wanted = expected["answer"]
    prelude, separator, streamed = body.partition(b"\0" * 8)
    assert separator or "pieces" not in wanted, f"the answer is not a stream: {body[:200]}"
    answer = json.loads(prelude if separator else body)
    text = streamed.decode() if separator else answer.get("body", "")
    headers = answer["headers"]
    request_id = headers.get("X-Request-Id", "")
    assert REQUEST_ID.fullmatch(request_id), f"X-Request-Id is {request_id!r}"
    same("statusCode", answer["statusCode"], wanted["statusCode"])
    for name, wanted_value in wanted.get("headers", {}).items():
        same(name, headers.get(name), with_id(wanted_value, request_id))
    for name in wanted.get("absentHeaders", []):
        same(name, headers.get(name), None)
    for name in COMMON_HEADERS:
        assert name in headers, f"{name} is missing"
    if "body" in wanted:
        same("body", value(text), with_id(wanted["body"], request_id))
    if "bodyText" in wanted:
        same("bodyText", text, with_id(wanted["bodyText"], request_id))
    if "pieces" in wanted:
        same("pieces", text, with_id("".join(wanted["pieces"]), request_id))
    return request_id


def core_request_id(received):
    """A direct invocation's answer does not hold the request id; the payload for core does."""
    payload = value(received[0][0]) if received else None
    meta = payload.get("requestMeta", {}) if isinstance(payload, dict) else {}
    assert not meta or REQUEST_ID.fullmatch(meta["requestId"]), f"requestId is {meta['requestId']!r}"
    return meta.get("requestId", "")


def with_id(expected, request_id):
    return json.loads(json.dumps(expected).replace("<request id>", request_id))


def value(text):
    """JSON where it is JSON, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def same(what, got, wanted):
    assert got == wanted, f"{what} is {str(got)[:500]!r}, not {str(wanted)[:500]!r}"


class Core:
    """A Lambda endpoint on a free local port, whose one function does as it was last ordered."""

    def __init__(self):
        self.orders, self.pad, self.received, self.may_end = {}, "", [], threading.Event()
        core = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                core.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def behave(self, orders, pad):
        self.orders, self.pad, self.received = orders, pad, []
        self.may_end = threading.Event()

    def release(self):
        """Ends a request that was left without an answer."""
        self.may_end.set()

    def answer(self, request):
        payload = request.rfile.read(int(request.headers["Content-Length"])).decode()
        self.received.append((payload, request.headers.get("X-Amz-Tenant-Id")))
        parts = unquote(request.path).split("/")
        is_streamed = parts[-1] == "response-streaming-invocations"
        if parts[-2] != "core" or not (is_streamed or parts[-1] == "invocations"):
            return reply(request, 404, b'{"Message":"no such path"}', {"X-Amzn-ErrorType": "ResourceNotFoundException"})
        failure = self.orders.get("invokeFails")
        if failure in INVOKE_ERRORS:
            status, name, headers = INVOKE_ERRORS[failure]
            return reply(request, status, b'{"Message":"no"}', {"X-Amzn-ErrorType": name, **headers})
        if failure == "timed_out":
            self.may_end.wait(ANSWER_SECONDS)
        if failure in ("timed_out", "unreachable"):
            return disconnect(request)
        if is_streamed:
            return self.stream(request)
        failed = self.orders.get("fails")
        payload = self.orders["returns"] if failed is None else failed
        headers = {} if failed is None else {"X-Amz-Function-Error": "Unhandled"}
        return reply(request, 200, payload.replace("<pad>", self.pad).encode(), headers)

    def stream(self, request):
        """Answers InvokeWithResponseStream: a chunk for each piece, then how it ended, or a cut connection."""
        pieces = self.orders.get("streams")
        if pieces is None:
            pieces = [self.orders["returns"]] if "returns" in self.orders else []
        request.send_response(200)
        request.send_header("Content-Type", "application/vnd.amazon.eventstream")
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        for piece in pieces:
            send_chunk(request, event_frame("PayloadChunk", "application/octet-stream", piece.encode()))
        if "invokeFails" in self.orders:
            return disconnect(request)
        end = {}
        if "fails" in self.orders:
            end = {"ErrorCode": json.loads(self.orders["fails"])["errorType"], "ErrorDetails": self.orders["fails"]}
        send_chunk(request, event_frame("InvokeComplete", "application/json", json.dumps(end).encode()))
        send_chunk(request, b"")


def reply(request, status, payload, headers):
    request.send_response(status)
    for name, text in {"Content-Type": "application/json", "Content-Length": str(len(payload)), **headers}.items():
        request.send_header(name, text)
    request.end_headers()
    request.wfile.write(payload)


def disconnect(request):
    request.close_connection = True


def send_chunk(request, chunk):
    """One chunk of HTTP/1.1's chunked coding; an empty one ends the body."""
    request.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
    request.wfile.flush()


def event_frame(kind, content_type, payload):
    """One message of application/vnd.amazon.eventstream: lengths, their checksum, headers, payload, checksum of it all.
    https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream"""
    headers = b""
    for name, text in ((":message-type", "event"), (":event-type", kind), (":content-type", content_type)):
        # 7 is the type of a string.
        headers += struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(text)) + text.encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack("!I", zlib.crc32(message))


class Emulator:
    """One run of the emulator, with the edge in it."""

    def __init__(self, options, environment, core):
        (self.port, runtime_api_port), self.connection = free_ports(2), None
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [
                options.rie,
                "--runtime-interface-emulator-address", f"127.0.0.1:{self.port}",
                "--runtime-api-address", f"127.0.0.1:{runtime_api_port}",
                options.edge,
            ],
            # Nothing of the caller's own environment: the edge reads AWS_… variables.
            env={
                "PATH": os.environ["PATH"],
                "AWS_ENDPOINT_URL_LAMBDA": core.url,
                "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
                "AWS_SECRET_ACCESS_KEY": "example",
                **SETTINGS,
                **environment,
            },
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self):
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self.connection.connect()
                return self
            except ConnectionRefusedError:
                if time.monotonic() > end or self.process.poll() is not None:
                    self.__exit__()
                    raise SystemExit(f"the emulator did not start:\n{self.log()}") from None
                time.sleep(0.01)

    def __exit__(self, *_):
        self.connection.close()
        # The emulator's process group: it starts the edge in it.
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def log(self):
        self.output.seek(0)
        return self.output.read().decode(errors="replace")

    def invoke(self, event, cognito_identity):
        """The bytes of the answer."""
        headers = {"Content-Type": "application/json"}
        if cognito_identity:
            headers["X-Amz-Cognito-Identity"] = json.dumps(cognito_identity)
        self.connection.request("POST", "/2015-03-31/functions/function/invocations", event, headers)
        response = self.connection.getresponse()
        body = response.read()
        assert response.status == 200, f"the emulator answered {response.status}: {body[:500]}"
        return body


def free_ports(count):
    """Ports that nothing listens on at the moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


if __name__ == "__main__":
    main()
