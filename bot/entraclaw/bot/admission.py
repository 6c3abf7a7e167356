"""Decide whether a request at the webhook becomes an entry of the inbox.

Pure: headers, bytes, verified claims in; a `Refused` or an `Arrival` out. The order is
the contract (docs/architecture.md): method and headers before the token, the token
before any byte of the body, the body's shape before what it says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import orjson

from entraclaw.bot.agent_lifecycle import is_lifecycle, lifecycle_key
from entraclaw.bot.inbox import Arrival
from entraclaw.bot.invokes import invoke_key
from entraclaw.bot.principal import BOT
from entraclaw.identity.values import AgentIds

BODY_LIMIT = 262_144  # bytes; Teams' own limit for a message is 100 KB of UTF-16
DEPTH_LIMIT = 64

_TEAMS = "msteams"
_AGENTIC = ("agenticAppBlueprintId", "agenticUserId", "agenticAppId")

_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)

# Printable ASCII without a backslash: parsers disagree about everything else.
_PLAIN_URL = re.compile(r"https://[!-\[\]-~]+", re.IGNORECASE)

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal: the HTTP status, and a word for the log."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent the request, from a verified token.

    Attributes:
        tenant: The token's directory.
        service_url: The token's ``serviceurl`` claim (classic tokens); else empty.
        claims: What later rooms need of the token, JSON.
        expires_at: End of the token, seconds since the epoch.
    """

    tenant: str
    service_url: str
    claims: bytes
    expires_at: float


@dataclass(frozen=True, slots=True)
class Door:
    """What the door knows of us: whose messages it takes, and where answers may go.

    With a bot among its ids, *agent* receives as that bot, and as nobody else.
    """

    agent: AgentIds
    service_hosts: tuple[str, ...]


def check_head(method: str, headers: Mapping[str, str]) -> Refused | None:
    """Refuse by method and headers alone: 405, 413, 415."""
    if method != "POST":
        return Refused(405, "method")
    if _says_too_long(headers.get("Content-Length", "")):
        return Refused(413, "length")
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        return Refused(415, "content type")
    return None


def check_body(body: bytes, caller: Caller, door: Door, now: float) -> Arrival | Refused:
    """Read *body* as an activity meant for us, or refuse it: 413, 400, 403.

    Unknown fields, nulls and empty strings anywhere but in ``type`` and
    ``conversation.id`` are no reason to refuse: Teams stops delivering to an agent that
    answers them with errors.
    """
    activity = _parse(body)
    if isinstance(activity, Refused):
        return activity
    conversation = _text(activity, "conversation", "id")
    if not _text(activity, "type") or not conversation:
        return Refused(400, "shape")
    if _text(activity, "type") == "message" and not _text(activity, "id"):
        return Refused(400, "shape")
    refused = _check_ends(activity, caller, door)
    if refused is not None:
        return refused
    return Arrival(
        tenant=caller.tenant,
        conversation=conversation,
        activity=_text(activity, "id"),
        kind=_text(activity, "type"),
        name=_name(activity),
        sender=_text(activity, "from", "aadObjectId").lower(),
        body=body,
        claims=caller.claims,
        received=now,
    )


def may_send_to(service_url: str, hosts: tuple[str, ...]) -> bool:
    """Tell whether an answer may go to *service_url*: https, an exact allowed host, no tricks."""
    if not _PLAIN_URL.fullmatch(service_url):
        return False
    try:
        return urlsplit(service_url).netloc.lower() in hosts
    except ValueError:
        return False


def _says_too_long(length: str) -> bool:
    # What is no number is the HTTP server's to refuse; the body itself is measured anyway.
    if not (length.isascii() and length.isdigit()):
        return False
    digits = length.lstrip("0")
    return len(digits) > len(str(BODY_LIMIT)) or int(digits or "0") > BODY_LIMIT


def _parse(body: bytes) -> Json | Refused:
    if len(body) > BODY_LIMIT:
        return Refused(413, "length")
    if _is_too_deep(body):
        return Refused(400, "depth")
    try:
        document: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Refused(400, "json")
    return cast("Json", document) if isinstance(document, dict) else Refused(400, "shape")


def _is_too_deep(body: bytes) -> bool:
    # Counting brackets is enough for nearly every body; only a rich one is walked.
    if body.count(b"{") + body.count(b"[") <= DEPTH_LIMIT:
        return False
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(body):
        match token[0][:1]:
            case b"[" | b"{":
                depth += 1
                if depth > DEPTH_LIMIT:
                    return True
            case b"]" | b"}":
                depth -= 1
            case _:
                pass
    return False


def _check_ends(activity: Json, caller: Caller, door: Door) -> Refused | None:
    """Refuse what is not for us, not from the token's tenant, or wants answers elsewhere."""
    if not _is_for_us(activity, door.agent):
        return Refused(403, "recipient")
    if door.agent.bot and _text(activity, "channelId").lower() not in {"", _TEAMS}:
        return Refused(403, "channel")
    tenants = {
        _text(activity, "conversation", "tenantId"),
        _text(activity, "recipient", "tenantId"),
        _text(activity, "channelData", "tenant", "id"),
    }
    if any(tenant and tenant.lower() != caller.tenant for tenant in tenants):
        return Refused(403, "tenant")
    service_url = _text(activity, "serviceUrl")
    if service_url and not may_send_to(service_url, door.service_hosts):
        return Refused(403, "service url")
    if caller.service_url and caller.service_url.rstrip("/") != service_url.rstrip("/"):
        return Refused(403, "service url claim")
    return None


def _is_for_us(activity: Json, agent: AgentIds) -> bool:
    """Compare whatever ids the recipient carries; a recipient that carries none may be ours.

    A door is one principal's: a bot's takes nothing that names an agent.

    What Microsoft 365 tells of another agent of our blueprint is told to us, too: that it
    was made is for our operator to know.
    """
    if agent.bot:
        return _is_for_the_bot(activity, agent.bot)
    ours = {"agenticAppBlueprintId": agent.blueprint}
    if not is_lifecycle(activity):
        ours |= {"agenticUserId": agent.user, "agenticAppId": agent.agent}
    return all(
        _text(activity, "recipient", field).lower() in {"", expected}
        for field, expected in ours.items()
    )


def _is_for_the_bot(activity: Json, bot: str) -> bool:
    told = _text(activity, "recipient", "id").lower().removeprefix(BOT)
    is_agentic = any(_text(activity, "recipient", field) for field in _AGENTIC)
    return told in {"", bot} and not is_agentic


def _name(activity: Json) -> str:
    """Name the activity so that a second delivery of it has the same name.

    Messages keep their id when Teams sends them again, timestamps may differ; an edit or
    a reaction carries the id of the message it is about, so its time is part of its name.
    An invoke is sent again under a new id: its card's own request names it. A notice of
    the agent's life comes in storms, under any id.
    """
    number, kind = _text(activity, "id"), _text(activity, "type")
    if kind == "invoke":
        return invoke_key(activity) or number
    if is_lifecycle(activity):
        return lifecycle_key(activity)
    if not number or kind == "message":
        return number
    return f"{number}@{_text(activity, 'timestamp')}"


def _text(document: Json, *path: str) -> str:
    """Read the string at *path*; anything else that stands there reads as empty."""
    value: object = document
    for name in path:
        if not isinstance(value, dict):
            return ""
        value = cast("Json", value).get(name)
    return value if isinstance(value, str) else ""
