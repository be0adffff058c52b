"""A scripted MCP server: says what its script says and logs every line that it receives.

Usage: server.py SCRIPT.json LOG

The script: {"tools": [...], "results": {tool: result}, "raw": {tool: line with $ID}}. A tool without a
result answers with its own `text` argument, or with all its arguments as JSON.
"""

import json
import os
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    SCRIPT = json.load(file)
LOG = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


class Refused(Exception):
    """Becomes a JSON-RPC error."""


def call(params):
    name, arguments = params["name"], params.get("arguments") or {}
    if name in SCRIPT.get("results", {}):
        return SCRIPT["results"][name]
    if not any(tool["name"] == name for tool in SCRIPT.get("tools", [])):
        raise Refused(-32602, "no such tool")
    text = arguments.get("text")
    return {"content": [{"type": "text", "text": text if text is not None else json.dumps(arguments)}]}


def answer(method, params):
    if method == "initialize":
        return {
            "protocolVersion": params.get("protocolVersion", "2025-11-25"),
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "scripted", "version": "1.0.0"},
        }
    if method == "ping":
        return {}
    if method == "tools/list":
        return {"tools": SCRIPT.get("tools", [])}
    if method == "tools/call":
        return call(params)
    raise Refused(-32601, "no such method")


def main():
    for line in sys.stdin.buffer:
        os.write(LOG, line if line.endswith(b"\n") else line + b"\n")
        message = json.loads(line)
        if "id" not in message or "method" not in message:
            continue
        params = message.get("params") or {}
        raw = SCRIPT.get("raw", {}).get(params.get("name"))
        if raw is not None and message["method"] == "tools/call":
            reply = raw.replace("$ID", json.dumps(message["id"]))
        else:
            reply = {"jsonrpc": "2.0", "id": message["id"]}
            try:
                reply["result"] = answer(message["method"], params)
            except Refused as refused:
                reply["error"] = {"code": refused.args[0], "message": refused.args[1]}
            reply = json.dumps(reply, ensure_ascii=False)
        sys.stdout.buffer.write(reply.encode("utf-8") + b"\n")
        sys.stdout.buffer.flush()


main()
# At once: a busy machine may take longer to tidy up than a shim waits for its server.
os._exit(0)
