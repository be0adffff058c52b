//! The words of the protocol and of JSON Schema, and how to read what stands under each.

use super::super::Role;
use super::texts::Shape;

/// The shape of a member that the protocol knows.
pub fn protocol_member(key: &str) -> Option<Shape> {
    let role = |role| Some(Shape::Data(role));
    match key {
        "name" | "model" | "logger" => role(Role::Name),
        "description" | "title" => role(Role::Description),
        "uri" | "url" | "uriTemplate" | "websiteUrl" | "src" => role(Role::Uri),
        "cursor" | "nextCursor" | "requestState" | "taskId" | "progressToken" | "requestId"
        | "elicitationId" | "toolUseId" | "id" | "subscriptionId" => role(Role::Token),
        "value" => role(Role::Argument),
        "arguments" | "input" => Some(Shape::Arguments),
        "inputSchema" | "outputSchema" | "requestedSchema" => Some(Shape::Schema),
        "content" | "contents" | "resource" => Some(Shape::Block),
        "readOnlyHint" | "destructiveHint" | "idempotentHint" | "openWorldHint" => {
            Some(Shape::Hint)
        }
        // Outside a block of content it is any JSON: what a server logs, what went wrong.
        "structuredContent" | "data" | "blob" | "_meta" | "capabilities" | "metadata" => {
            Some(Shape::Data(Role::Content))
        }
        _ if OBJECTS.contains(&key) => Some(Shape::Protocol),
        _ if CONSTANTS.contains(&key) => role(Role::Other("protocol".to_owned())),
        _ => None,
    }
}

/// The shape of a member that JSON Schema knows.
pub fn schema_member(key: &str) -> Option<Shape> {
    match key {
        "description" | "title" | "$comment" => Some(Shape::Data(Role::Description)),
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
            Some(Shape::Properties)
        }
        "$ref" | "$schema" | "$id" | "$dynamicRef" => Some(Shape::Data(Role::Uri)),
        _ if SUBSCHEMAS.contains(&key) => Some(Shape::Schema),
        _ if SCHEMA_WORDS.contains(&key) => Some(Shape::Data(Role::Schema)),
        _ => None,
    }
}

/// Members of the protocol that hold text or further members of the protocol.
const OBJECTS: &[&str] = &[
    "text",
    "messages",
    "message",
    "systemPrompt",
    "instructions",
    "serverInfo",
    "clientInfo",
    "icons",
    "annotations",
    "execution",
    "tools",
    "prompts",
    "resources",
    "resourceTemplates",
    "roots",
    "ref",
    "argument",
    "context",
    "completion",
    "values",
    "reason",
    "statusMessage",
    "task",
    "tasks",
    "params",
    "modelPreferences",
    "hints",
    "toolChoice",
    "stopSequences",
    "inputRequests",
    "inputResponses",
    "result",
    "error",
    "isError",
    "total",
    "hasMore",
    "progress",
    "ttl",
    "ttlMs",
    "size",
    "priority",
    "maxTokens",
    "temperature",
    "pollInterval",
    "required",
    "costPriority",
    "speedPriority",
    "intelligencePriority",
    "notifications",
];

/// Members of the protocol whose values the protocol fixes. They are seen all the same.
const CONSTANTS: &[&str] = &[
    "type",
    "role",
    "mimeType",
    "resultType",
    "level",
    "action",
    "status",
    "protocolVersion",
    "version",
    "method",
    "theme",
    "sizes",
    "audience",
    "lastModified",
    "lastUpdatedAt",
    "createdAt",
    "includeContext",
    "mode",
    "stopReason",
    "taskSupport",
    "cacheScope",
    "supportedVersions",
];

const SUBSCHEMAS: &[&str] = &[
    "items",
    "prefixItems",
    "additionalItems",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "contentSchema",
];

const SCHEMA_WORDS: &[&str] = &[
    "type",
    "format",
    "pattern",
    "default",
    "enum",
    "enumNames",
    "const",
    "examples",
    "required",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "minContains",
    "maxContains",
    "dependentRequired",
    "readOnly",
    "writeOnly",
    "deprecated",
    "nullable",
    "contentEncoding",
    "contentMediaType",
    "$anchor",
    "$dynamicAnchor",
    "$vocabulary",
];
