"""Posts one MCP message and prints the answer's body.

Usage: post.py URL BODY
"""

import sys
import urllib.request

HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
request = urllib.request.Request(sys.argv[1], sys.argv[2].encode(), HEADERS, method="POST")
with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
    sys.stdout.buffer.write(answer.read())
