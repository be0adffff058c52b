"""The extension `io.modelcontextprotocol/tasks`: calls that outlive their request."""

import asyncio
import secrets
from datetime import datetime, timezone

import mrtr
from mcp.shared.exceptions import MCPError

EXTENSION = "io.modelcontextprotocol/tasks"
INVALID_PARAMS = -32602
HEADER_MISMATCH = -32020
REQUIRED = {"extensions": {EXTENSION: {}}}
TEXT = {"type": "string"}

# Each with its description and arguments.
TOOLS = {
    "greet": ("Greets at once.", {"name": TEXT}),
    "slow_compute": (
        "Takes as long as it is told.",
        {"seconds": {"type": "number"}, "label": TEXT},
    ),
    "failing_job": ("Fails after a second.", {}),
    "protocol_error_job": ("Ends in a protocol error.", {}),
    "confirm_delete": ("Asks before it ends.", {"filename": TEXT}),
    "multi_input": ("Asks twice at once.", {}),
    "test_tool_with_task": ("Asks for a name, then works on.", {}),
}
# Those that can't be served to a client without the extension.
ONLY_AS_TASK = {
    "failing_job",
    "protocol_error_job",
    "confirm_delete",
    "multi_input",
    "test_tool_with_task",
}
KEPT = {}


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Task:
    """One call that goes on after its request was answered."""

    def __init__(self, work):
        self.id = secrets.token_hex(16)
        self.created = self.updated = now()
        self.status = "working"
        self.more = {}
        self.answered = {}
        self.woken = asyncio.Event()
        KEPT[self.id] = self
        self.running = asyncio.create_task(self.run(work))

    async def run(self, work):
        try:
            self.settle("completed", result=await work(self))
        except MCPError as error:
            self.settle("failed", error=error.error.model_dump(mode="json", exclude_none=True))

    def settle(self, status, **more):
        self.status, self.more, self.updated = status, more, now()

    def told(self):
        return {
            "taskId": self.id,
            "status": self.status,
            "createdAt": self.created,
            "lastUpdatedAt": self.updated,
            "ttlMs": 60_000,
            "pollIntervalMs": 100,
        }

    async def ask(self, requests):
        """Waits until every one of `requests` was answered."""
        self.settle("input_required", inputRequests=dict(requests))
        while self.status == "input_required":
            self.woken.clear()
            await self.woken.wait()
        return self.answered

    def answer(self, responses):
        pending = self.more.get("inputRequests", {})
        for key in pending.keys() & responses.keys():
            self.answered[key] = responses[key]
            del pending[key]
        if self.status == "input_required" and not pending:
            self.settle("working")
        self.woken.set()

    def cancel(self):
        if self.status in ("working", "input_required"):
            self.running.cancel()
            self.settle("cancelled")


def said(text, **more):
    return {"content": [{"type": "text", "text": text}], **more}


def accepts(context):
    declared = context.session.client_capabilities
    return declared is not None and EXTENSION in (declared.extensions or {})


async def call(context, name, given):
    if name == "greet":
        return said(f"Hello, {given['name']}!")
    if not accepts(context):
        if name in ONLY_AS_TASK:
            mrtr.needs(context, REQUIRED)
        return await compute(given)
    user = None
    if name == "test_tool_with_task":
        user = mrtr.filled(context, "user_name", "name") or mrtr.filled(context, "user_name", "user_name")
        if user is None:
            return mrtr.ask({"user_name": mrtr.form("What is your name?", "name")})

    async def work(task):
        if name == "slow_compute":
            return await compute(given)
        if name == "failing_job":
            await asyncio.sleep(1)
            return said("the job failed", isError=True)
        if name == "protocol_error_job":
            raise MCPError(-32603, "the job ended in a protocol error")
        if name == "confirm_delete":
            question = f"Delete {given.get('filename')}?"
            await task.ask({"confirm": mrtr.form(question, "confirm", "boolean")})
            return said("confirmed")
        if name == "multi_input":
            asked = {key: mrtr.form(f"The {key}?", "value") for key in ("first", "second")}
            return said(f"answered: {sorted(await task.ask(asked))}")
        return said(f"worked for {user}")

    return {"resultType": "task", **Task(work).told()}


async def compute(given):
    await asyncio.sleep(given.get("seconds", 0))
    return said(f"computed {given.get('label', '')}")


def task(context):
    mrtr.needs(context, REQUIRED)
    # The package checks this header for the methods that it knows, and tasks are not among them.
    if context.request.headers.get("mcp-name") != context.params.get("taskId"):
        raise MCPError(HEADER_MISMATCH, "mcp-name does not match the request body's 'taskId'")
    found = KEPT.get(context.params.get("taskId"))
    if found is None:
        raise MCPError(INVALID_PARAMS, "unknown task")
    return found


async def get(context, params):
    found = task(context)
    return {**found.told(), **found.more}


async def update(context, params):
    task(context).answer(context.params.get("inputResponses") or {})
    return {}


async def cancel(context, params):
    task(context).cancel()
    return {}


METHODS = {"tasks/get": get, "tasks/update": update, "tasks/cancel": cancel}
