"""Answer an invoke: a button of a card, a form, a file's consent, a sign-in.

Teams waits a few seconds for the answer to the request itself, so none of these waits for
the model, and none fails: the HTTP status is 200 and the body tells. To answer one for
real, write a `Handler` and put it into `HANDLERS` under the invoke's name.

https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model#response-format
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from entraclaw.bot.fields import Json, first, mapping, text

_MESSAGE = "application/vnd.microsoft.activity.message"
_ERROR = "application/vnd.microsoft.error"
_OK, _NOT_IMPLEMENTED = 200, 501


@dataclass(frozen=True, slots=True)
class InvokeAnswer:
    """What the request is answered with: the HTTP status, and a JSON body."""

    status: int = _OK
    body: Mapping[str, object] = field(default_factory=dict[str, object])


Handler: TypeAlias = Callable[[Json], InvokeAnswer]


def _stale_card(_document: Json) -> InvokeAnswer:
    return say("This card takes no answers any more.")


HANDLERS: Mapping[str, Handler] = {
    "adaptiveCard/action": _stale_card,
}


def answer(name: str, document: Json, handlers: Mapping[str, Handler] = HANDLERS) -> InvokeAnswer:
    """Answer the invoke *name*; one without a handler is told so, with HTTP status 200."""
    handler = handlers.get(name)
    return handler(document) if handler else _refuse("This agent does not offer that.")


def say(words: str) -> InvokeAnswer:
    """Make an answer that Teams shows as *words* to the one who clicked."""
    return InvokeAnswer(body={"statusCode": _OK, "type": _MESSAGE, "value": words})


def invoke_name(document: Json) -> str:
    """Read which invoke *document* is, such as ``adaptiveCard/action``."""
    return text(document, "name")


def invoke_key(document: Json) -> str:
    """Name the click, so that Teams' repetition of it has the same name; empty if it has none.

    After some 30 seconds without an answer Teams sends the invoke again under a new activity
    id. What stays is the request id our cards carry (``data.request``), or else the action's
    own id or verb on that message; who clicked, and what was filled in, are part of the name:
    a second person's click, or a second answer, is no repetition.
    """
    value = mapping(document, "value")
    action = mapping(value, "action")
    request = _request(value, action)
    button = first(action, "id", "verb") or text(value, "action")
    if not (request or button):
        return ""
    parts = (
        invoke_name(document),
        text(document, "conversation", "id"),
        first(mapping(document, "from"), "aadObjectId", "id").lower(),
        request or text(document, "replyToId"),
        button,
        action.get("data", value.get("data", value.get("context"))),
    )
    told = json.dumps(parts, sort_keys=True, default=str).encode()
    return f"invoke:{hashlib.sha256(told).hexdigest()}"


def _request(value: Json, action: Json) -> str:
    places = (mapping(action, "data"), mapping(value, "data"), mapping(value, "context"))
    return next((found for place in places if (found := text(place, "request"))), "")


def _refuse(words: str) -> InvokeAnswer:
    return InvokeAnswer(
        body={
            "statusCode": _NOT_IMPLEMENTED,
            "type": _ERROR,
            "value": {"code": "NotImplemented", "message": words},
        }
    )
