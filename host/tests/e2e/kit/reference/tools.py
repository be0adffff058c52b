"""What the reference server's tools do that neither wait for a retry nor become a task."""

import anyio
import catalogue
import mrtr
import tasks
from mcp import types
from mcp.shared.exceptions import MCPError

# What the suite asks tools to pause between two messages, in seconds.
PAUSE = 0.05


def said(text):
    return {"content": [{"type": "text", "text": text}]}


def embedded(uri, mime, text):
    return {"type": "resource", "resource": {"uri": uri, "mimeType": mime, "text": text}}


IMAGE = {"type": "image", "data": catalogue.PNG, "mimeType": "image/png"}
FIXED = {
    "test_simple_text": said("This is a simple text response for testing."),
    "test_image_content": {"content": [IMAGE]},
    "test_audio_content": {
        "content": [{"type": "audio", "data": catalogue.WAV, "mimeType": "audio/wav"}]
    },
    "test_embedded_resource": {
        "content": [
            embedded(
                "test://embedded-resource", "text/plain", "This is an embedded resource content."
            )
        ]
    },
    "test_multiple_content_types": {
        "content": [
            {"type": "text", "text": "Multiple content types test:"},
            IMAGE,
            embedded(
                "test://mixed-content-resource",
                "application/json",
                '{"test":"data","value":123}',
            ),
        ]
    },
    "test_error_handling": {
        "content": [
            {"type": "text", "text": "This tool intentionally returns an error for testing"}
        ],
        "isError": True,
    },
    "json_schema_2020_12_tool": said("noted"),
    "test_header_mirror": said("mirrored"),
}


async def log(context, *lines):
    for number, line in enumerate(lines):
        if number:
            await anyio.sleep(PAUSE)
        await context.session.send_log_message(
            "info", line, related_request_id=context.request_id
        )
    return said("logged")


async def progress(context):
    for done in (0, 50, 100):
        await context.session.report_progress(done, 100)
        await anyio.sleep(PAUSE)
    return said("done")


async def sample(context, prompt):
    answer = await context.session.create_message(
        [types.SamplingMessage(role="user", content=types.TextContent(type="text", text=prompt))],
        max_tokens=100,
        related_request_id=context.request_id,
    )
    return said(f"LLM response: {answer.content.text}")


async def elicit(context, message, properties, required=()):
    schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    answer = await context.session.elicit_form(message, schema, context.request_id)
    return answer.action, answer.content


DEFAULTS = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {
        "type": "string",
        "enum": ["active", "inactive", "pending"],
        "default": "active",
    },
    "verified": {"type": "boolean", "default": True},
}


def titled(prefix, titles):
    return [{"const": f"value{i}", "title": f"{title} {prefix}"} for i, title in enumerate(titles, 1)]


OPTIONS = ["option1", "option2", "option3"]
CHOICES = {
    "untitledSingle": {"type": "string", "enum": OPTIONS},
    "titledSingle": {"type": "string", "oneOf": titled("Option", ["First", "Second", "Third"])},
    "legacyEnum": {
        "type": "string",
        "enum": ["opt1", "opt2", "opt3"],
        "enumNames": ["Option One", "Option Two", "Option Three"],
    },
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": OPTIONS}},
    "titledMulti": {
        "type": "array",
        "items": {"anyOf": titled("Choice", ["First", "Second", "Third"])},
    },
}


async def reconnect(context):
    if context.close_sse_stream is not None:
        await context.close_sse_stream()
    await anyio.sleep(PAUSE)
    return said("answered after the stream was closed")


async def call(context, params):
    name, given = params.name, params.arguments or {}
    if name in FIXED:
        return FIXED[name]
    if name in mrtr.TOOLS:
        return mrtr.TOOLS[name](context)
    if name in tasks.TOOLS:
        return await tasks.call(context, name, given)
    if name == "test_tool_with_logging":
        return await log(
            context, "Tool execution started", "Tool processing data", "Tool execution completed"
        )
    if name == "test_logging_tool":
        return await log(context, "called")
    if name == "test_tool_with_progress":
        return await progress(context)
    if name == "test_sampling":
        return await sample(context, given["prompt"])
    if name == "test_elicitation":
        who = {"username": catalogue.TEXT, "email": catalogue.TEXT}
        action, content = await elicit(context, given["message"], who, who)
        return said(f"User response: action={action}, content={content}")
    if name in ("test_elicitation_sep1034_defaults", "test_elicitation_sep1330_enums"):
        properties = DEFAULTS if "1034" in name else CHOICES
        action, content = await elicit(context, "Please fill this in", properties)
        return said(f"Elicitation completed: action={action}, content={content}")
    if name == "test_streaming_elicitation":
        return mrtr.TOOLS["test_input_required_result_elicitation"](context)
    if name == "test_missing_capability":
        mrtr.needs(context, {"sampling": {}})
        return said("can sample")
    if name == "test_reconnection":
        return await reconnect(context)
    raise MCPError(catalogue.INVALID_PARAMS, "no such tool")
