"""Publishes a folder on loopback, well or badly: over HTTP, or over TLS with a certificate.
Usage: publisher.py FOLDER LOG [CERTIFICATE KEY].

How it behaves stands in FOLDER.behaviour and is read for every request: one word a line, each of
which may be followed by the beginning of the paths that it is for. Requests are written to LOG.
Prints its port.
"""

import http.server
import os
import ssl
import sys
import time

folder, log, *certificate = sys.argv[1:]


def behaviour(path):
    try:
        lines = open(folder + ".behaviour").read().splitlines()
    except FileNotFoundError:
        return set()
    words = (line.partition(" ") for line in lines)
    return {word for word, _, of in words if path.lstrip("/").startswith(of)}


class Publisher(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        how = behaviour(self.path)
        with open(log, "a") as lines:
            lines.write(f"{self.path} {self.headers.get('range', '-')}\n")
        if "gone" in how:
            return self.answer(503, b"")
        if "redirect" in how:
            return self.answer(302, b"", {"location": "http://169.254.169.254" + self.path})
        if "unchanged" in how:
            return self.answer(304, b"")
        if "endless" in how:
            self.answer(200, b"", length=None)
            while True:
                self.wfile.write(b"x" * 65536)
        try:
            body = open(os.path.join(folder, self.path.lstrip("/")), "rb").read()
        except FileNotFoundError:
            return self.answer(404, b"")
        if "bomb" in how:
            return self.answer(200, body, {"content-encoding": "gzip"})
        if "drip" in how:
            self.answer(200, b"", length=len(body))
            for byte in body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(1)
            return
        if "cut" in how:
            return self.answer(200, body[: len(body) // 2], length=len(body))
        if "long" in how:
            return self.answer(200, body + b"x")
        if "flipped" in how:
            return self.answer(200, bytes([body[0] ^ 1]) + body[1:])
        start = self.headers.get("range", "")
        if start.startswith("bytes=") and start.endswith("-"):
            begin = int(start[6:-1])
            rest = {"content-range": f"bytes {begin}-{len(body) - 1}/{len(body)}"}
            return self.answer(206, body[begin:], rest)
        tag = f'"{hash(body)}"'
        if self.headers.get("if-none-match") == tag:
            return self.answer(304, b"")
        self.answer(200, body, {"etag": tag})

    def answer(self, status, body, headers=None, length=0):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("content-length", str(length or len(body)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer.request_queue_size = 128
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
if certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
