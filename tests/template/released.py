"""The released zips deploy without a Rust toolchain: `sam package` uploads them as they are, for every function.

Makes the two zips of what `sam build` has built, as the release does, runs the command of docs/deploy.md that writes
packaged.yaml, and lets SAM CLI package it against a stand-in of S3 on this machine.

Usage: released.py; needs aws-sam-cli and a finished `sam build`.
"""

import http.server
import os
import re
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = {"edge": "Edge", "core-function": "Core"}
FUNCTIONS = {"Edge": "edge", "EdgeStream": "edge", "Core": "core-function", "CoreStream": "core-function"}


class Bucket(http.server.BaseHTTPRequestHandler):
    """Takes every object, and has none before."""

    objects = {}

    def do_HEAD(self):
        self.send_response(200 if self.path in self.objects else 404)
        self.end_headers()

    def do_GET(self):
        self.send_response(404)
        self.end_headers()

    def do_PUT(self):
        body = b""
        if self.headers.get("Expect") == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        if "chunked" in self.headers.get("Content-Encoding", "") + self.headers.get("Transfer-Encoding", ""):
            raw = self.rfile.read(int(self.headers["Content-Length"])) if "Content-Length" in self.headers else None
            body = unchunk(raw, self.rfile)
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        self.objects[self.path.split("?")[0]] = body
        self.send_response(200)
        self.send_header("ETag", '"tag"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def unchunk(raw, stream):
    """The body of a request in chunks, whose sizes stand on lines of their own."""
    import io

    source, body = io.BytesIO(raw) if raw is not None else stream, b""
    while size := int(source.readline().split(b";")[0], 16):
        body += source.read(size)
        source.readline()
    while source.readline().strip():
        pass
    return body


def main():
    dist = ROOT / "dist"
    dist.mkdir(exist_ok=True)
    zips = {}
    for program, function in PROGRAMS.items():
        bootstrap = ROOT / ".aws-sam" / "build" / function / "bootstrap"
        path = dist / f"{program}-arm64.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(bootstrap, "bootstrap")
        zips[program] = path.read_bytes()

    document = (ROOT / "docs" / "deploy.md").read_text()
    (command,) = re.findall(r"^sed .*> packaged\.yaml$", document, re.MULTILINE)
    subprocess.run(command, shell=True, check=True, cwd=ROOT)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = os.environ | {
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "SAM_CLI_TELEMETRY": "0",
    }
    command = ["sam", "package", "--no-progressbar", "--template-file", "packaged.yaml", "--s3-bucket", "bucket", "--output-template-file", "target/packaged.yaml"]
    subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)

    template = yaml_parse((ROOT / "target" / "packaged.yaml").read_text())
    for function, program in FUNCTIONS.items():
        uri = template["Resources"][function]["Properties"]["CodeUri"]
        assert uri.startswith("s3://bucket/"), f"{function}: {uri}"
        name = uri.removeprefix("s3://bucket")
        uploaded = Bucket.objects.get("/bucket" + name, Bucket.objects.get(name))
        assert uploaded == zips[program], f"{function}: what was uploaded is not the released zip of {program}"
        print(f"ok  {function}: {program}, {len(uploaded)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
