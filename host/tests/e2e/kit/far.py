"""An MCP server over HTTP that misbehaves on demand and logs every request that reaches it.

Usage: far.py LOG PORT [CERTIFICATE KEY]. Prints its port. The tool that is called says what happens; GET on
/mcp listens, and with Last-Event-ID takes up the stream of the tool `poll`. /stubborn refuses everything,
/lure is an old server that names another one for its messages.
"""

import gzip
import json
import os
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOG = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
SESSIONS, ANSWERS, POLLED = set(), {}, []
LOCK = threading.Condition()


def result(ident, text):
    content = [{"type": "text", "text": text}]
    return {"jsonrpc": "2.0", "id": ident, "result": {"content": content}}


def notice(text):
    params = {"level": "info", "data": text}
    return {"jsonrpc": "2.0", "method": "notifications/message", "params": params}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def note(self, body):
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.remember({"verb": self.command, "path": self.path, "headers": headers, "body": body})

    def remember(self, entry):
        os.write(LOG, json.dumps(entry).encode() + b"\n")

    def reply(self, status, body=b"", kind="application/json", **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def stream(self):
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()

    def say(self, message, head=""):
        self.wfile.write(f"{head}data: {json.dumps(message)}\n\n".encode())
        self.wfile.flush()

    def wait_for_the_end(self, name):
        """Until the other side closes the connection."""
        self.connection.settimeout(600)
        if not self.connection.recv(1):
            self.remember({"verb": "CLOSED", "path": name, "headers": {}, "body": ""})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.note(body)
        message = json.loads(body)
        if self.path == "/stubborn":
            body = {"jsonrpc": "2.0", "id": message.get("id"), "error": {"code": -32000, "message": "not today"}}
            return self.reply(400, json.dumps(body).encode())
        if self.path != "/mcp":
            return self.reply(404)
        stateless = self.headers.get("MCP-Protocol-Version") == "2026-07-28"
        method, ident = message.get("method"), message.get("id")
        if method == "initialize":
            session = f"session-{len(SESSIONS)}-{os.getpid()}"
            SESSIONS.add(session)
            answer = {
                "protocolVersion": message["params"]["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "web", "version": "1"},
            }
            body = json.dumps({"jsonrpc": "2.0", "id": ident, "result": answer})
            return self.reply(200, body.encode(), Mcp_Session_Id=session)
        if not stateless and self.headers.get("Mcp-Session-Id") not in SESSIONS:
            return self.reply(404, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"no session"}}')
        if "method" not in message:
            with LOCK:
                ANSWERS[ident] = message
                LOCK.notify_all()
            return self.reply(202)
        if ident is None:
            return self.reply(202)
        if method == "tools/list":
            schema = {"type": "object", "properties": {"where": {"type": "string", "x-mcp-header": "Where"}}}
            wrong = {"type": "object", "properties": {"n": {"type": "number", "x-mcp-header": "N"}}}
            tools = [{"name": "odd", "description": "Odd.", "inputSchema": wrong}, {"name": "echo", "description": "Echoes.", "inputSchema": schema}]
            answer = {"tools": tools, "resultType": "complete"}
            return self.reply(200, json.dumps({"jsonrpc": "2.0", "id": ident, "result": answer}).encode())
        if method == "ping":
            return self.reply(200, json.dumps({"jsonrpc": "2.0", "id": ident, "result": {}}).encode())
        params = message["params"]
        getattr(self, "tool_" + params["name"])(ident, params.get("arguments") or {})

    def tool_echo(self, ident, arguments):
        answer = result(ident, arguments.get("text", ""))
        answer["result"]["resultType"] = "complete"
        self.reply(200, json.dumps(answer).encode())

    def tool_pretty(self, ident, arguments):
        self.reply(200, json.dumps(result(ident, "pretty"), indent=2).encode() + b"\n")

    def tool_trickle(self, ident, arguments):
        self.stream()
        events = f": hello\r\n\r\ndata: {json.dumps(notice('half'))}\r\n\r\nevent: message\rdata: {json.dumps(result(ident, 'drop by drop'))}\r\r"
        for byte in events.encode():
            self.wfile.write(bytes([byte]))
            self.wfile.flush()

    def tool_silent(self, ident, arguments):
        self.stream()
        self.wfile.write(b": nothing\n\n")

    def tool_cut(self, ident, arguments):
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"jsonrpc":')

    def tool_poll(self, ident, arguments):
        POLLED.append(ident)
        self.stream()
        self.wfile.write(b"id: at-1\nretry: 50\ndata:\n\n")

    def tool_redirect(self, ident, arguments):
        self.reply(307, Location="/elsewhere")

    def tool_login(self, ident, arguments):
        self.reply(401, WWW_Authenticate='Bearer realm="\xe2\x80\xaeweb", resource_metadata="https://web.example/.well-known/x"')

    def tool_squeeze(self, ident, arguments):
        self.reply(200, gzip.compress(json.dumps(result(ident, "x")).encode()), Content_Encoding="gzip")

    def tool_page(self, ident, arguments):
        self.reply(200, b"<html>", "text/html")

    def tool_broken(self, ident, arguments):
        body = {"jsonrpc": "2.0", "id": ident, "error": {"code": -32020, "message": "as it says"}}
        self.reply(400, json.dumps(body).encode())

    def tool_wrong(self, ident, arguments):
        body = {"jsonrpc": "2.0", "id": None, "error": {"code": -32022, "message": "m", "data": {"supported": ["x"]}}}
        self.reply(400, json.dumps(body).encode())

    def tool_forget(self, ident, arguments):
        SESSIONS.clear()
        self.reply(404)

    def tool_hang(self, ident, arguments):
        self.stream()
        self.say(notice("working"))
        self.wait_for_the_end("hang")

    def tool_ask(self, ident, arguments):
        self.stream()
        params = {"message": "Which?", "requestedSchema": {"type": "object", "properties": {}}}
        self.say({"jsonrpc": "2.0", "id": "ask-1", "method": "elicitation/create", "params": params})
        with LOCK:
            LOCK.wait_for(lambda: "ask-1" in ANSWERS, timeout=60)
        self.say(result(ident, ANSWERS["ask-1"]["result"]["action"]))

    def do_GET(self):
        self.note("")
        last = self.headers.get("Last-Event-ID")
        if self.path == "/stubborn":
            return self.reply(405)
        self.stream()
        if self.path == "/lure":
            self.wfile.write(b"event: endpoint\ndata: http://localhost:9/messages\n\n")
            return self.wait_for_the_end("lure")
        if last == "at-1":
            return self.say(notice("polled"), "id: at-2\nretry: 50\n")
        if last == "at-2":
            return self.say(result(POLLED.pop(), "at last"), "id: at-3\n")
        self.say(notice("on its own"))
        self.wait_for_the_end("listen")

    def do_DELETE(self):
        self.note("")
        SESSIONS.discard(self.headers.get("Mcp-Session-Id"))
        self.reply(200)


ThreadingHTTPServer.request_queue_size = 128
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler)
server.daemon_threads = True
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
