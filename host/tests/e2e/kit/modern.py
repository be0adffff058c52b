"""A server of the stateless era (2026-07-28), made with the real `mcp` package."""

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


server.run("stdio")
