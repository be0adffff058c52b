"""The real Python client as the conformance suite starts it: uses whatever the server offers.

Usage: suite_client.py URL. Lists everything, calls every tool with arguments made from its schema,
gets every prompt and reads every resource. What a server refuses is not an error here: the suite
judges what was sent.
"""

import os
import sys
import warnings

import anyio
from mcp import Client
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp.types import CreateMessageResult, ElicitResult, ListRootsResult, TextContent

warnings.simplefilter("ignore", MCPDeprecationWarning)
EXAMPLES = {"string": "text", "integer": 3, "number": 2.5, "boolean": True, "array": [], "object": {}}


def example(schema):
    if "default" in schema:
        return schema["default"]
    if "enum" in schema:
        return schema["enum"][0]
    return EXAMPLES.get(schema.get("type"), "text")


def examples(schema):
    return {name: example(of) for name, of in schema.get("properties", {}).items()}


async def sampled(context, params):
    text = TextContent(type="text", text="sampled")
    return CreateMessageResult(role="assistant", content=text, model="test-model")


async def elicited(context, params):
    return ElicitResult(action="accept", content=examples(params.requested_schema))


async def rooted(context):
    return ListRootsResult(roots=[])


async def tried(step):
    try:
        return await step
    except (MCPError, ValueError) as error:
        print(f"refused: {error}", file=sys.stderr)
        return None


async def main():
    revision = os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION", "2025-11-25")
    client = Client(
        sys.argv[1],
        mode="auto" if revision >= "2026" else "legacy",
        read_timeout_seconds=20,
        sampling_callback=sampled,
        elicitation_callback=elicited,
        list_roots_callback=rooted,
    )
    async with client:
        tools = await tried(client.list_tools())
        for tool in tools.tools if tools else []:
            await tried(client.call_tool(tool.name, examples(tool.input_schema)))
        prompts = await tried(client.list_prompts())
        for prompt in prompts.prompts if prompts else []:
            given = {argument.name: "text" for argument in prompt.arguments or []}
            await tried(client.get_prompt(prompt.name, given))
        resources = await tried(client.list_resources())
        for resource in resources.resources if resources else []:
            await tried(client.read_resource(str(resource.uri)))


anyio.run(main)
