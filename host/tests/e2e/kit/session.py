"""One session of the real Python MCP client, told as JSON on standard output.

Usage: session.py PLAN.json. The plan: {"command", "args", "env", "cwd", "calls": [[tool, arguments]]}, or
{"http" or "sse": URL, "calls"} for a server over HTTP.
Listed tools that the plan does not call are called with no arguments, so that each is called once,
unless it says "only".
"""

import asyncio
import json
import sys

from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import CreateMessageResult, ElicitResult, ListRootsResult, TextContent


async def sampled(context, params):
    return CreateMessageResult(
        role="assistant", content=TextContent(type="text", text="sampled"), model="test-model"
    )


async def elicited(context, params):
    return ElicitResult(action="decline")


async def rooted(context):
    return ListRootsResult(roots=[])


def plain(value):
    return value.model_dump(mode="json", by_alias=True)


async def told(step):
    try:
        return plain(await step)
    except MCPError as error:
        return {"error": [error.code, str(error)]}


def connect(plan):
    if "http" in plan:
        return streamable_http_client(plan["http"])
    if "sse" in plan:
        return sse_client(plan["sse"])
    return stdio_client(
        StdioServerParameters(
            command=plan["command"], args=plan["args"], env=plan["env"], cwd=plan["cwd"]
        )
    )


async def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    story = {}
    async with connect(plan) as (read, write):
        async with ClientSession(
            read,
            write,
            read_timeout_seconds=60,
            sampling_callback=sampled,
            elicitation_callback=elicited,
            list_roots_callback=rooted,
        ) as session:
            if plan.get("stateless"):
                await session.discover()
            else:
                await session.initialize()
            story["revision"] = session.protocol_version
            story["server"] = plain(session.server_info)
            story["instructions"] = session.instructions
            tools = plain(await session.list_tools())
            story["tools"] = tools
            planned = {tool for tool, _ in plan["calls"]}
            rest = [[tool["name"], {}] for tool in tools["tools"] if tool["name"] not in planned]
            if plan.get("only"):
                rest = []
            story["calls"] = [
                [tool, await told(session.call_tool(tool, arguments))]
                for tool, arguments in plan["calls"] + rest
            ]
            if session.server_capabilities.prompts:
                story["prompts"] = await told(session.list_prompts())
            if session.server_capabilities.resources:
                story["resources"] = await told(session.list_resources())
                story["templates"] = await told(session.list_resource_templates())
    json.dump(story, sys.stdout)


asyncio.run(main())
