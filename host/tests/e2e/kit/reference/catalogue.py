"""What the reference server has: tools by name, resources, prompts."""

import mrtr
import tasks
from mcp.shared.exceptions import MCPError

INVALID_PARAMS = -32602
# One red dot, and forty-four bytes that head a WAV file without sound.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="

TEXT = {"type": "string"}


def tool(name, description, properties=None, required=()):
    schema = {"type": "object", "properties": properties or {}}
    if required:
        schema["required"] = list(required)
    return {"name": name, "description": description, "inputSchema": schema}


# Keywords of JSON Schema 2020-12 that a careless intermediary would lose.
DIALECT = {
    "name": "json_schema_2020_12_tool",
    "description": "Takes a contact, by phone or by mail.",
    "inputSchema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": TEXT, "city": TEXT},
            }
        },
        "properties": {
            "name": TEXT,
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": TEXT,
            "email": TEXT,
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {
            "properties": {"contactMethod": {"const": "phone"}},
            "required": ["contactMethod"],
        },
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    },
}

TOOLS = [
    tool("test_simple_text", "Says one sentence."),
    tool("test_image_content", "Shows a dot."),
    tool("test_audio_content", "Plays nothing."),
    tool("test_embedded_resource", "Embeds a resource."),
    tool("test_multiple_content_types", "Says, shows and embeds."),
    tool("test_tool_with_logging", "Logs three times."),
    tool("test_logging_tool", "Logs once."),
    tool("test_error_handling", "Always fails."),
    tool("test_tool_with_progress", "Tells how far it is."),
    tool("test_sampling", "Asks the client's model.", {"prompt": TEXT}, ["prompt"]),
    tool("test_elicitation", "Asks the person.", {"message": TEXT}, ["message"]),
    tool("test_elicitation_sep1034_defaults", "Asks with defaults."),
    tool("test_elicitation_sep1330_enums", "Asks to choose."),
    tool("test_streaming_elicitation", "Asks inside its result."),
    tool("test_missing_capability", "Needs a client that can sample."),
    tool("test_reconnection", "Closes its stream and answers later."),
    tool("test_trigger_tool_change", "Says that the tools changed."),
    tool("test_trigger_prompt_change", "Says that the prompts changed."),
    tool(
        "test_header_mirror",
        "Takes a region, which HTTP clients repeat in a header.",
        {"region": {"type": "string", "x-mcp-header": "Region"}},
        ["region"],
    ),
    DIALECT,
    *(tool(name, "Needs input before it answers.") for name in mrtr.TOOLS),
    *(tool(name, told, properties) for name, (told, properties) in tasks.TOOLS.items()),
]

RESOURCES = [
    {
        "uri": "test://static-text",
        "name": "static-text",
        "description": "A sentence.",
        "mimeType": "text/plain",
    },
    {
        "uri": "test://static-binary",
        "name": "static-binary",
        "description": "A dot.",
        "mimeType": "image/png",
    },
    {
        "uri": "test://watched-resource",
        "name": "watched-resource",
        "description": "A resource to subscribe to.",
        "mimeType": "text/plain",
    },
]
TEMPLATE = {
    "uriTemplate": "test://template/{id}/data",
    "name": "template",
    "description": "Data by id.",
    "mimeType": "application/json",
}

PROMPTS = [
    {"name": "test_simple_prompt", "description": "One sentence."},
    {
        "name": "test_prompt_with_arguments",
        "description": "A sentence with two gaps.",
        "arguments": [
            {"name": "arg1", "description": "The first gap.", "required": True},
            {"name": "arg2", "description": "The second gap.", "required": True},
        ],
    },
    {
        "name": "test_prompt_with_embedded_resource",
        "description": "A resource and a sentence.",
        "arguments": [{"name": "resourceUri", "description": "Which.", "required": True}],
    },
    {"name": "test_prompt_with_image", "description": "A dot and a sentence."},
    {"name": mrtr.PROMPT, "description": "Needs input before it answers."},
]


async def list_tools(context, params):
    return {"tools": TOOLS}


async def list_resources(context, params):
    return {"resources": RESOURCES}


async def list_templates(context, params):
    return {"resourceTemplates": [TEMPLATE]}


async def list_prompts(context, params):
    return {"prompts": PROMPTS}


async def read_resource(context, params):
    uri = str(params.uri)
    if uri == "test://static-text":
        text = "This is the content of the static text resource."
        content = {"mimeType": "text/plain", "text": text}
    elif uri == "test://static-binary":
        content = {"mimeType": "image/png", "blob": PNG}
    elif uri == "test://watched-resource":
        content = {"mimeType": "text/plain", "text": "Nothing has changed."}
    elif uri.startswith("test://template/") and uri.endswith("/data"):
        number = uri.split("/")[3]
        text = f'{{"id":"{number}","templateTest":true,"data":"Data for ID: {number}"}}'
        content = {"mimeType": "application/json", "text": text}
    else:
        raise MCPError(INVALID_PARAMS, "Resource not found", {"uri": uri})
    return {"contents": [{"uri": uri, **content}]}


def turn(content):
    return {"role": "user", "content": content}


def sentence(text):
    return turn({"type": "text", "text": text})


async def get_prompt(context, params):
    given = params.arguments or {}
    if params.name == "test_simple_prompt":
        messages = [sentence("This is a simple prompt for testing.")]
    elif params.name == "test_prompt_with_arguments":
        one, two = given["arg1"], given["arg2"]
        messages = [sentence(f"Prompt with arguments: arg1='{one}', arg2='{two}'")]
    elif params.name == "test_prompt_with_embedded_resource":
        resource = {
            "uri": given["resourceUri"],
            "mimeType": "text/plain",
            "text": "Embedded resource content for testing.",
        }
        messages = [
            turn({"type": "resource", "resource": resource}),
            sentence("Please process the embedded resource above."),
        ]
    elif params.name == "test_prompt_with_image":
        messages = [
            turn({"type": "image", "data": PNG, "mimeType": "image/png"}),
            sentence("Please analyze the image above."),
        ]
    elif params.name == mrtr.PROMPT:
        return mrtr.prompt(context)
    else:
        raise MCPError(INVALID_PARAMS, "Prompt not found")
    return {"messages": messages}


async def complete(context, params):
    names = ["paris", "park", "party"]
    found = [name for name in names if name.startswith(params.argument.value)]
    return {"completion": {"values": found, "total": len(found), "hasMore": False}}
