"""A server of both eras, made with the real `mcp` package. Usage: modern.py [PORT], else stdio."""

import sys

from mcp.server import MCPServer

server = MCPServer("modern", version="1.0.0", instructions="Adds and greets.")


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
def greet(name: str) -> str:
    """Greets somebody."""
    return f"hello, {name}"


@server.tool()
def fail() -> str:
    """Always fails."""
    raise ValueError("as announced")


if len(sys.argv) > 1:
    server.run("streamable-http", port=int(sys.argv[1]))
else:
    server.run("stdio")
