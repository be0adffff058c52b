"""Checks answers against the published schemas, through the official SDK's own wire types.

Usage: replies.py FILE. Each line: {"to": "client"|"server", "method", "version", "line"}: what was sent to whom
as the answer to which request of which revision. Prints how many answers were checked; fails at the first
that a schema does not know.
"""

import json
import sys

from mcp_types.jsonrpc import JSONRPCError, JSONRPCResponse
from mcp_types.methods import parse_client_result, parse_server_result

results = errors = 0
with open(sys.argv[1], encoding="utf-8") as file:
    for row in map(json.loads, file):
        answer = json.loads(row["line"])
        try:
            if "error" in answer:
                JSONRPCError.model_validate(answer, strict=True)
                assert set(answer) == {"jsonrpc", "id", "error"}, "no other members"
                code = answer["error"]["code"]
                assert code in (-1, -32602) or not -32768 <= code <= -32000, code
                errors += 1
                continue
            JSONRPCResponse.model_validate(answer, strict=True)
            assert set(answer) == {"jsonrpc", "id", "result"}, "no other members"
            parse = parse_server_result if row["to"] == "client" else parse_client_result
            parse(row["method"], row["version"], answer["result"])
            results += 1
        except Exception as error:
            sys.exit(f"{row}: {error}")
print(json.dumps({"results": results, "errors": errors}))
