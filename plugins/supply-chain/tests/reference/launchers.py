"""Runs real launchers against a registry on loopback and says what each one fetched.

Its argument is the `node_modules` that holds pnpm, both kinds of yarn, Bun and Deno. Reads a JSON list of {"argv", "env"} from stdin; writes a JSON list of lists of `ecosystem:name@version`.
It must be started in a network namespace of its own (`unshare -rn`): then loopback is the whole
network, and no package of a public registry can be reached. Every package that it serves is made
here and does nothing. For any name there are the versions 1.0.0, 1.0.1 and 2.0.0.
"""

import base64
import concurrent.futures
import fcntl
import glob
import hashlib
import http.server
import io
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading
import urllib.parse
import zipfile

VERSIONS = ("1.0.0", "1.0.1", "2.0.0")
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
PATIENCE_S = 120


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        answer = fcntl.ioctl(any_socket, SIOCGIFFLAGS, request)
        (flags,) = struct.unpack_from("H", answer, 16)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", flags | IFF_UP, b""))


def manifest(name, version):
    return {"name": name, "version": version, "bin": {name.rsplit("/", 1)[-1]: "run.js", "other": "run.js"}}


def tarball(name, version):
    data = io.BytesIO()
    files = {"package.json": json.dumps(manifest(name, version)), "run.js": "#!/usr/bin/env node\n"}
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size, entry.mode = len(text), 0o755
            archive.addfile(entry, io.BytesIO(text.encode()))
    return data.getvalue()


def wheel(name, version):
    module, data = name.replace("-", "_"), io.BytesIO()
    info = f"{module}-{version}.dist-info"
    files = {
        f"{module}.py": "def main():\n    pass\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {module}:main\nother = {module}:main\n",
    }
    with zipfile.ZipFile(data, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in files) + f"{info}/RECORD,,\n")
    return data.getvalue()


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = urllib.parse.unquote(self.path.split("?")[0])
        base = f"http://127.0.0.1:{self.server.server_port}"
        if found := re.fullmatch(r"/files/npm/(.+)/([^/]+)\.tgz", path):
            self.server.fetched.append(f"npm:{found[1]}@{found[2]}")
            self.reply(tarball(found[1], found[2]), "application/octet-stream")
        elif found := re.fullmatch(r"/files/pypi/([^/]+)/([^/]+)/[^/]+\.whl", path):
            self.server.fetched.append(f"pypi:{found[1]}@{found[2]}")
            self.reply(wheel(found[1], found[2]), "application/octet-stream")
        elif found := re.fullmatch(r"/simple/([^/]+)/", path):
            name = re.sub(r"[-_.]+", "-", found[1]).lower()
            file = name.replace("-", "_") + "-{}-py3-none-any.whl"
            links = (f'<a href="/files/pypi/{name}/{v}/{file.format(v)}">{file.format(v)}</a>' for v in VERSIONS)
            self.reply("<!DOCTYPE html><html><body>{}</body></html>".format("\n".join(links)).encode(), "text/html")
        elif path.startswith("/-/"):
            self.send_error(404)
        else:
            self.reply(json.dumps(self.packument(path[1:], base)).encode(), "application/json")

    def do_HEAD(self):
        # uv asks whether parts of a file can be had; they can't, and it takes all of it.
        self.send_error(405)

    def do_POST(self):
        self.send_error(404)

    def packument(self, name, base):
        versions = {}
        for version in VERSIONS:
            digest = base64.b64encode(hashlib.sha512(tarball_once(name, version)).digest()).decode()
            dist = {"tarball": f"{base}/files/npm/{name}/{version}.tgz", "integrity": f"sha512-{digest}"}
            versions[version] = manifest(name, version) | {"dist": dist}
        return {"name": name, "dist-tags": {"latest": "2.0.0", "next": "1.0.1"}, "versions": versions}

    def reply(self, body, kind):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


made = {}


def tarball_once(name, version):
    # A gzip header holds the time, so that the same bytes must be served that were digested.
    return made.setdefault((name, version), original_tarball(name, version))


original_tarball, tarball = tarball, tarball_once


def launchers(modules, folder):
    """Makes the launchers callable by the names that they go by; `yarn@4` is the newer yarn."""
    scripts = {
        "pnpx": "pnpm/bin/pnpx.cjs",
        "yarn": "yarn/bin/yarn.js",
        "yarn@4": "@yarnpkg/cli-dist/bin/yarn.js",
    }
    for name, path in scripts.items():
        with open(f"{folder}/{name}", "w") as file:
            file.write(f"#!/bin/sh\nexec node '{modules}/{path}' \"$@\"\n")
        os.chmod(f"{folder}/{name}", 0o755)
    programs = {"pnpm": "@pnpm/exe.*/pnpm", "bun": "@oven/bun-*/bin/bun", "bunx": "@oven/bun-*/bin/bun", "deno": "@deno/*/deno"}
    for name, path in programs.items():
        (found,) = glob.glob(f"{modules}/{path}")
        os.symlink(found, f"{folder}/{name}")


def run(case, programs):
    # A registry for each command, so that several can run at once.
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    server.fetched = fetched = []
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    port = server.server_port
    with tempfile.TemporaryDirectory() as home:
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": home,
            "LANG": "C.UTF-8",
            "npm_config_registry": f"http://127.0.0.1:{port}/",
            "npm_config_update_notifier": "false",
            "npm_config_audit": "false",
            "npm_config_fund": "false",
            "UV_DEFAULT_INDEX": f"http://127.0.0.1:{port}/simple",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_PYTHON": sys.executable,
            "PIP_INDEX_URL": f"http://127.0.0.1:{port}/simple",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "pnpm_config_registry": f"http://127.0.0.1:{port}/",
            "YARN_NPM_REGISTRY_SERVER": f"http://127.0.0.1:{port}",
            "YARN_UNSAFE_HTTP_WHITELIST": "127.0.0.1",
            "YARN_ENABLE_TELEMETRY": "0",
            "YARN_NPM_MINIMAL_AGE_GATE": "0",
            "YARN_CACHE_FOLDER": f"{home}/cache",
            "YARN_REGISTRY": f"http://127.0.0.1:{port}",
            "BUN_CONFIG_REGISTRY": f"http://127.0.0.1:{port}/",
            "NPM_CONFIG_REGISTRY": f"http://127.0.0.1:{port}/",
            "DENO_NO_UPDATE_CHECK": "1",
        } | case["env"]
        argv = [word.replace("HOME", home) if word.startswith("HOME") else word for word in case["argv"]]
        ended = subprocess.run(
            argv, env=environment, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S
        )
        if not fetched:
            sys.stderr.write(f"{argv}: nothing fetched\n{(ended.stdout + ended.stderr).decode(errors='replace')[-2000:]}\n")
    server.shutdown()
    server.server_close()
    return sorted(set(fetched))


raise_loopback()
with tempfile.TemporaryDirectory() as folder:
    launchers(sys.argv[1], folder)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
        json.dump(list(workers.map(lambda case: run(case, folder), json.load(sys.stdin))), sys.stdout)
