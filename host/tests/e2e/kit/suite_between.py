"""A client of the conformance suite with ClawDefender between: what the suite starts in its place.

Usage: suite_between.py PROGRAM HOME CLIENT... URL. Runs a daemon of its own in a copy of HOME with the
suite's URL as its only upstream, and the client with the daemon's URL instead.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

# How long a daemon may take until it listens, in seconds. Generous: the machine may be busy.
PATIENCE = 60

program, home, *client, url = sys.argv[1:]
with tempfile.TemporaryDirectory(prefix="cd-", dir="/tmp") as root:
    root = pathlib.Path(root)
    shutil.copytree(pathlib.Path(home) / "cache", root / "cache")
    config = f'api_listen = "127.0.0.1:0"\nmcp_listen = "127.0.0.1:0"\n[upstreams.suite]\nurl = "{url}"\n'
    (root / "config.toml").write_text(config)
    env = {**os.environ, "CLAWDEFENDER_HOME": str(root)}
    daemon = subprocess.Popen([program, "daemon", "run"], env=env, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + PATIENCE
        told = root / "run" / "mcp.json"
        while not told.exists():
            if daemon.poll() is not None or time.monotonic() > until:
                sys.exit("no daemon listens")
            time.sleep(0.01)
        address = json.loads(told.read_text())["address"]
        code = subprocess.call([*client, f"http://{address}/mcp/suite"])
    finally:
        daemon.kill()
        daemon.wait()
sys.exit(code)
