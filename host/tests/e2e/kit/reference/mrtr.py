"""Tools and a prompt that ask the client inside their results and answer when they are called again
with what they asked for (2026-07-28, `input_required`)."""

import hashlib
import hmac
import secrets

from mcp import types
from mcp.shared.exceptions import MCPError

INVALID_PARAMS = -32602
MISSING_CAPABILITY = -32021
KEY = secrets.token_bytes(32)


def needs(context, capabilities):
    """Refuses a client that did not declare `capabilities`."""
    declared = types.ClientCapabilities.model_validate(capabilities)
    if not context.session.check_client_capability(declared):
        raise MCPError(
            MISSING_CAPABILITY,
            "Missing required client capability",
            {"requiredCapabilities": capabilities},
        )


def form(message, name, kind="string"):
    schema = {"type": "object", "properties": {name: {"type": kind}}, "required": [name]}
    return {"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}}


def sampling(prompt, tokens):
    message = {"role": "user", "content": {"type": "text", "text": prompt}}
    return {
        "method": "sampling/createMessage",
        "params": {"messages": [message], "maxTokens": tokens},
    }


ROOTS = {"method": "roots/list", "params": {}}


def ask(requests, state=None):
    result = {"resultType": "input_required", "inputRequests": requests}
    if state is not None:
        result["requestState"] = sealed(state)
    return result


def sealed(state):
    return f"{state}.{hmac.new(KEY, state.encode(), hashlib.sha256).hexdigest()}"


def opened(context):
    """The state that came back; `None` when none did, an error when it is not ours."""
    given = context.params.get("requestState")
    if given is None:
        return None
    state = given.rpartition(".")[0]
    if not hmac.compare_digest(sealed(state), given):
        raise MCPError(INVALID_PARAMS, "requestState was not issued by this server")
    return state


def answers(context):
    given = context.params.get("inputResponses")
    return given if isinstance(given, dict) else {}


def filled(context, key, name, kind=str):
    """What the person entered under `name`, when it is what was asked for."""
    answer = answers(context).get(key)
    if not isinstance(answer, dict) or answer.get("action") != "accept":
        return None
    value = (answer.get("content") or {}).get(name)
    return value if isinstance(value, kind) else None


def said(text):
    return {"content": [{"type": "text", "text": text}]}


def elicitation(context):
    name = filled(context, "user_name", "name")
    if name is None:
        return ask({"user_name": form("What is your name?", "name")})
    return said(f"Hello, {name}!")


def sampled(context):
    answer = answers(context).get("capital_question")
    if answer is None:
        return ask({"capital_question": sampling("What is the capital of France?", 100)})
    return said(answer["content"]["text"])


def roots(context):
    answer = answers(context).get("client_roots")
    if answer is None:
        return ask({"client_roots": ROOTS})
    return said(f"roots: {[root['uri'] for root in answer['roots']]}")


def request_state(context):
    if opened(context) == "confirm" and filled(context, "confirm", "ok", bool) is not None:
        return said("state-ok")
    return ask({"confirm": form("Please confirm", "ok", "boolean")}, "confirm")


def multiple(context):
    requests = {
        "user_name": form("What is your name?", "name"),
        "greeting": sampling("Generate a greeting", 50),
        "client_roots": ROOTS,
    }
    if opened(context) == "multiple" and requests.keys() <= answers(context).keys():
        return said("everything was answered")
    return ask(requests, "multiple")


def rounds(context):
    state = opened(context)
    if state == "second" and filled(context, "step2", "color") is not None:
        return said("both steps were answered")
    if state == "first" and filled(context, "step1", "name") is not None:
        return ask({"step2": form("Step 2: What is your favorite color?", "color")}, "second")
    return ask({"step1": form("Step 1: What is your name?", "name")}, "first")


def capabilities(context):
    if answers(context):
        return said("answered")
    declared = context.session.client_capabilities
    requests = {}
    if declared is not None and declared.elicitation is not None:
        requests["name"] = form("What is your name?", "name")
    if declared is not None and declared.sampling is not None:
        requests["greeting"] = sampling("Generate a greeting", 50)
    if declared is not None and declared.roots is not None:
        requests["client_roots"] = ROOTS
    return ask(requests) if requests else said("nothing to ask this client")


def prompt(context):
    text = filled(context, "user_context", "context")
    if text is None:
        return ask({"user_context": form("What context should the prompt use?", "context")})
    return {"messages": [{"role": "user", "content": {"type": "text", "text": f"Context: {text}"}}]}


PROMPT = "test_input_required_result_prompt"
TOOLS = {
    "test_input_required_result_elicitation": elicitation,
    "test_input_required_result_sampling": sampled,
    "test_input_required_result_list_roots": roots,
    "test_input_required_result_request_state": request_state,
    "test_input_required_result_multiple_inputs": multiple,
    "test_input_required_result_multi_round": rounds,
    "test_input_required_result_tampered_state": request_state,
    "test_input_required_result_capabilities": capabilities,
}
