"""One session of the real Python MCP client, told as JSON on standard output.

Usage: walk.py PLAN.json. The plan: {"server": {"command", "args", "env", "cwd"} or a URL, "stateless",
"roots": [uri], "entered": {field: value}, "steps": [[verb, ...]]}. The verbs are in `Walk`. Everything
that the server lists is listed; listed tools that no step calls are called without arguments, so that
each is called once. `walk.cjs` does the same with the TypeScript client.
"""

import json
import sys
import warnings

import anyio
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp.types import (
    CreateMessageResult,
    ElicitResult,
    ListRootsResult,
    PromptReference,
    ResourceTemplateReference,
    Root,
    TextContent,
)

# The plan walks what the newest revision deprecates, too.
warnings.simplefilter("ignore", MCPDeprecationWarning)


def plain(value):
    return value.model_dump(mode="json", by_alias=True)


async def told(step):
    try:
        return plain(await step)
    except MCPError as error:
        return {"error": [error.code, str(error), error.data]}


class Walk:
    """A connected client and what it heard."""

    def __init__(self, plan):
        self.plan = plan
        self.heard = []
        self.changed = anyio.Event()

    def connect(self):
        server = self.plan["server"]
        if isinstance(server, dict):
            server = StdioServerParameters(**server)
        return Client(
            server,
            mode="auto" if self.plan["stateless"] else "legacy",
            read_timeout_seconds=60,
            sampling_callback=self.sampled,
            elicitation_callback=self.elicited,
            list_roots_callback=self.rooted,
            message_handler=self.hear,
            log_level="debug",
        )

    async def sampled(self, context, params):
        self.note("sampling/createMessage", plain(params))
        return CreateMessageResult(
            role="assistant", content=TextContent(type="text", text="sampled"), model="test-model"
        )

    async def elicited(self, context, params):
        self.note("elicitation/create", plain(params))
        if getattr(params, "requested_schema", None) is None:
            return ElicitResult(action="decline")
        return ElicitResult(action="accept", content=self.plan["entered"])

    async def rooted(self, context):
        return ListRootsResult(roots=[Root(uri=uri, name="root") for uri in self.plan["roots"]])

    async def hear(self, message):
        if hasattr(message, "method") and message.method != "notifications/progress":
            self.note(message.method, plain(message))

    def note(self, method, what):
        self.heard.append([method, what])
        self.changed.set()
        self.changed = anyio.Event()

    async def all(self, page, member):
        """Every page of a list."""
        pages, cursor = [], None
        while True:
            result = plain(await page(cursor=cursor))
            pages.append(result)
            cursor = result.get("nextCursor")
            if cursor is None:
                return {"pages": pages, "names": [item["name"] for p in pages for item in p[member]]}

    async def call(self, tool, arguments):
        progress = []

        async def moved(done, total, message):
            progress.append([done, total, message])

        result = await told(
            self.client.call_tool(tool, arguments, progress_callback=moved)
        )
        return {"result": result, "progress": progress}

    async def cancel(self, tool, arguments):
        """Gives up on a call once it has moved."""
        with anyio.CancelScope() as scope:

            async def moved(done, total, message):
                scope.cancel()

            await self.client.call_tool(tool, arguments, progress_callback=moved)
        return {"cancelled": scope.cancelled_caught}

    async def step(self, verb, *given):
        client = self.client
        if verb == "call":
            return await self.call(*given)
        if verb == "cancel":
            return await self.cancel(*given)
        if verb == "prompt":
            return await told(client.get_prompt(*given))
        if verb == "read":
            return await told(client.read_resource(*given))
        if verb == "complete":
            (kind, of), argument = given[0], {"name": given[1], "value": given[2]}
            of = PromptReference(name=of) if kind == "prompt" else ResourceTemplateReference(uri=of)
            return await told(client.complete(of, argument))
        if verb == "subscribe":
            return await told(client.subscribe_resource(*given))
        if verb == "unsubscribe":
            return await told(client.unsubscribe_resource(*given))
        if verb == "level":
            return await told(client.set_logging_level(*given))
        if verb == "ping":
            return await told(client.send_ping())
        if verb == "roots-changed":
            return await client.send_roots_list_changed()
        if verb == "hear":
            with anyio.fail_after(60):
                while not any(given[0] in json.dumps(one) for one in self.heard):
                    await self.changed.wait()
            return "heard"
        raise ValueError(verb)

    async def walk(self):
        story = {}
        async with self.connect() as self.client:
            client = self.client
            story["revision"] = client.protocol_version
            story["server"] = plain(client.server_info)
            story["instructions"] = client.instructions
            capabilities = client.server_capabilities
            story["capabilities"] = plain(capabilities)
            tools = await self.all(client.list_tools, "tools")
            story["tools"] = tools
            if capabilities.prompts:
                story["prompts"] = await self.all(client.list_prompts, "prompts")
            if capabilities.resources:
                story["resources"] = await self.all(client.list_resources, "resources")
                story["templates"] = await self.all(
                    client.list_resource_templates, "resourceTemplates"
                )
            steps = self.plan["steps"]
            called = {step[1] for step in steps if step[0] in ("call", "cancel")}
            rest = [["call", name, {}] for name in tools["names"] if name not in called]
            story["steps"] = [[step, await self.step(*step)] for step in rest + steps]
        story["heard"] = self.heard
        return story


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        walk = Walk(json.load(file))
    json.dump(anyio.run(walk.walk), sys.stdout)


main()
