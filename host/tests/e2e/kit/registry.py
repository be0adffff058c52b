"""A package registry on loopback with one harmless package: packuments and tarballs.

Usage: registry.py LOG. Prints its port. Every request's path is logged. The package's program writes
its version into the file that GREETER_MARK names, then answers MCP requests.
"""

import base64
import hashlib
import http.server
import io
import json
import sys
import tarfile

NAME = "clawdefender-e2e-greeter"
VERSIONS = ("1.0.0", "1.0.1")

PROGRAM = """#!/usr/bin/env node
const fs = require('fs');
const { version } = require('./package.json');
fs.appendFileSync(process.env.GREETER_MARK, version + '\\n');
const capabilities = { tools: {} };
const serverInfo = { name: 'greeter', version };
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const greeting = { protocolVersion: params?.protocolVersion, capabilities, serverInfo };
  const result = method === 'initialize' ? greeting : { content: [{ type: 'text', text: 'hello' }] };
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
});
"""


def manifest(version):
    return {"name": NAME, "version": version, "bin": {NAME: "greeter.js"}}


def tarball(version):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, text in (("package.json", json.dumps(manifest(version))), ("greeter.js", PROGRAM)):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size, entry.mode = len(text), 0o755
            archive.addfile(entry, io.BytesIO(text.encode()))
    return data.getvalue()


TARBALLS = {version: tarball(version) for version in VERSIONS}


def packument(base):
    versions = {}
    for version, data in TARBALLS.items():
        digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
        dist = {"tarball": f"{base}/{NAME}/-/{version}.tgz", "integrity": f"sha512-{digest}"}
        versions[version] = manifest(version) | {"dist": dist}
    return {"name": NAME, "dist-tags": {"latest": VERSIONS[-1]}, "versions": versions}


class Registry(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(sys.argv[1], "a", encoding="utf-8") as log:
            log.write(self.path + "\n")
        if self.path == f"/{NAME}":
            base = f"http://127.0.0.1:{self.server.server_port}"
            self.reply(json.dumps(packument(base)).encode(), "application/json")
        elif self.path.startswith(f"/{NAME}/-/") and self.path[:-4].rsplit("/", 1)[1] in TARBALLS:
            self.reply(TARBALLS[self.path[:-4].rsplit("/", 1)[1]], "application/octet-stream")
        else:
            self.send_error(404)

    def reply(self, body, kind):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer.request_queue_size = 128
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
print(server.server_port, flush=True)
server.serve_forever()
