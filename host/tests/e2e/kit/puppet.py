"""A server that does with its streams what it is asked to.

Usage: puppet.py LOG [anything]. Every line that it receives goes to LOG. Methods begin with `x/`; what
they do is said beside them. Anything else is answered with an empty result.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time

LOG = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
OUT = sys.stdout.buffer


def write(data):
    OUT.write(data)
    OUT.flush()


def line(message):
    return json.dumps(message).encode() + b"\n"


def result(id, value):
    return line({"jsonrpc": "2.0", "id": id, "result": value})


def long(id, size, place):
    """An answer of at least `size` bytes with its id at the head, at the tail, or unreadable."""
    mark = json.dumps(id).encode()
    head = b'"id":%s,' % mark if place == "head" else b'"id":{},' if place == "none" else b""
    tail = b',"id":%s' % mark if place == "tail" else b""
    OUT.write(b'{"jsonrpc":"2.0",%s"result":{"text":"' % head)
    piece = b"x" * 65536
    for _ in range(size // len(piece) + 1):
        OUT.write(piece)
    write(b'"}%s}\n' % tail)


def grandchild():
    """A process that ignores what one asks of it; its id."""
    code = "import signal,time\nfor s in (1, 2, 15): signal.signal(s, signal.SIG_IGN)\nprint('ready', flush=True)\ntime.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    child.stdout.readline()
    return child.pid


def handle(message):
    if not isinstance(message, dict):
        return
    method, id, p = message.get("method"), message.get("id"), message.get("params") or {}
    if method is None or id is None:
        return
    if "x/line" in (p.get("_meta") or {}):
        return write(p["_meta"]["x/line"].replace("$ID", json.dumps(id)).encode() + b"\n")
    match method:
        case "initialize":
            write(result(id, {"protocolVersion": p["protocolVersion"], "capabilities": {}, "serverInfo": {"name": "puppet", "version": "1"}}))
        case "x/echo":
            write(result(id, {"text": p.get("text"), "ids": json.dumps(id)}))
        case "x/drip":
            for byte in result(id, {"text": p["text"]}):
                write(bytes([byte]))
        case "x/many":
            # Many messages in one write: notifications, then the answer.
            notes = [line({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": n, "message": "x" * p.get("size", 1)}}) for n in range(p["count"])]
            write(b"".join(notes) + result(id, {"count": p["count"]}))
        case "x/raw":
            write(p["line"].replace("$ID", json.dumps(id)).encode() + b"\n")
        case "x/hold":
            pass
        case "x/long":
            long(id, p["size"], p["place"])
        case "x/about":
            write(result(id, {"argv": sys.argv[2:], "cwd": os.getcwd(), "env": dict(os.environ), "pid": os.getpid()}))
        case "x/complain":
            os.write(2, p["text"].encode("latin-1"))
            write(result(id, {}))
        case "x/stay":
            # From now on neither the end of input nor a signal ends it.
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            globals()["stays"] = True
            write(result(id, {"pid": os.getpid(), "grandchild": grandchild()}))
        case "x/trap":
            # Ends with the signal's number as its code, if one of these arrives. It is waited for:
            # a handler in Python is not run when the signal comes just before a blocking read.
            awaited = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
            signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
            threading.Thread(target=lambda: os._exit(signal.sigwait(awaited))).start()
            write(result(id, {"pid": os.getpid()}))
        case "x/die":
            write(p.get("half", "").encode())
            if "signal" in p:
                os.kill(os.getpid(), p["signal"])
            os._exit(p["code"])
        case "x/sleep":
            # Reads nothing until the file appears.
            write(result(id, {}))
            while not os.path.exists(p["until"]):
                time.sleep(0.01)
        case _:
            write(result(id, {}))


stays = False
for received in sys.stdin.buffer:
    os.write(LOG, received[:4096].rstrip(b"\n") + b"\n")
    if received.endswith(b"\n"):
        handle(json.loads(received))
while stays:
    time.sleep(1)
# At once: a busy machine may take longer to tidy up than a shim waits for its server.
os._exit(0)
