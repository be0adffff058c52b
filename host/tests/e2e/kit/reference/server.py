"""A server with everything that the official conformance suite asks a server for, in both eras.

Usage: server.py. Listens on a free loopback port and prints its URL as one line.

Made with the real `mcp` package: framing, sessions, headers and versions are the package's; only
what is listed, said and asked is written here.
"""

import socket
import warnings

import uvicorn
from mcp import types
from mcp.server.caching import CacheHint
from mcp.server.lowlevel import Server
from mcp.server.streamable_http import EventMessage, EventStore
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    PromptsListChanged,
    ToolsListChanged,
)
from mcp.shared.exceptions import MCPDeprecationWarning
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

import catalogue
import tasks
import tools

# The suite asks for what the newest revision deprecates.
warnings.simplefilter("ignore", MCPDeprecationWarning)

# How long a client waits before it reads a stream on that we closed. Chosen: short, so that the
# suite's reconnecting scenario does not wait.
RETRY_MS = 200


class Events(EventStore):
    """Every event of every stream, so that a client can go on where it was cut off."""

    def __init__(self):
        self.kept = []

    async def store_event(self, stream_id, message):
        self.kept.append((stream_id, message))
        return str(len(self.kept))

    async def replay_events_after(self, last_event_id, send_callback):
        last = int(last_event_id)
        stream = self.kept[last - 1][0]
        for number, (of, message) in enumerate(self.kept[last:], last + 1):
            if of == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


async def empty(context, params):
    return {}


def complete(handler):
    """Says of a result that it is complete when it says nothing else; earlier eras have no word for it."""

    async def answer(context, params):
        result = await handler(context, params)
        if context.protocol_version in MODERN_PROTOCOL_VERSIONS:
            result = {"resultType": "complete", **result}
        return result

    return answer


def reference():
    bus = InMemorySubscriptionBus()
    changes = {
        "test_trigger_tool_change": ToolsListChanged(),
        "test_trigger_prompt_change": PromptsListChanged(),
    }

    async def call(context, params):
        if params.name in changes:
            await bus.publish(changes[params.name])
            return tools.said("published")
        return await tools.call(context, params)

    server = Server(
        "reference",
        version="1.0.0",
        instructions="Answers what a conformance suite asks.",
        cache_hints={
            method: CacheHint(ttl_ms=1000, scope="private")
            for method in (
                "tools/list",
                "prompts/list",
                "resources/list",
                "resources/templates/list",
                "resources/read",
            )
        },
        on_list_tools=complete(catalogue.list_tools),
        on_call_tool=complete(call),
        on_list_resources=complete(catalogue.list_resources),
        on_list_resource_templates=complete(catalogue.list_templates),
        on_read_resource=complete(catalogue.read_resource),
        on_list_prompts=complete(catalogue.list_prompts),
        on_get_prompt=complete(catalogue.get_prompt),
        on_completion=complete(catalogue.complete),
        on_subscribe_resource=empty,
        on_unsubscribe_resource=empty,
        on_subscriptions_listen=ListenHandler(bus),
        on_set_logging_level=empty,
    )
    server.extensions = {tasks.EXTENSION: {}}
    for method, handler in tasks.METHODS.items():
        server.add_request_handler(method, types.RequestParams, handler)
    return server


def main():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    app = reference().streamable_http_app(event_store=Events(), retry_interval=RETRY_MS)
    listener.listen(128)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])


main()
