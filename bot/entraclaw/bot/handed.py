"""The shapes of what a host session is handed, and how they go over the wire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from entraclaw.bot.inbox import Entry

View = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Handed:
    """A message as a host is given it.

    Attributes:
        turn: What answers it.
        conversation: What `read_conversation` needs.
        attempt: 1 the first time it is handed over.
        amends: It adds to a turn that is open already.
        view: What it says and who says it; docs/messages.md lists the fields.
        context: What was said in a group since the agent was last addressed.
        unseen: How many more messages there were: old, or from people who may not speak.
        entry: Where it is kept.
    """

    turn: str
    conversation: str
    attempt: int
    amends: bool
    view: View
    context: tuple[View, ...]
    unseen: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at the inbox gives.

    Attributes:
        messages: Leased now, oldest first.
        stopped: Turns of this session whose requester said stop.
        waiting: How many more turns wait for this session.
        is_attached: Whether it gets any conversation at all.
    """

    messages: tuple[Handed, ...]
    stopped: tuple[str, ...]
    waiting: int
    is_attached: bool


@dataclass(frozen=True, slots=True)
class Said:
    """One turn of a conversation: what was said, and the answer if there is one."""

    sender: str
    sent_at: str
    text: str
    answer: str


def to_json(handed: Handed) -> dict[str, object]:
    """Shape a message for the wire: `read_messages` lists these; what is empty is left out."""
    view = dict(handed.view)
    sender = {"name": view.pop("sender", ""), "relation": view.pop("relation", "")}
    document: dict[str, object] = {
        "turn": handed.turn,
        "conversation": handed.conversation,
        "attempt": handed.attempt,
        "from": sender,
        **view,
    }
    if handed.amends:
        document["amends"] = True
    if handed.context:
        document["context"] = [dict(one) for one in handed.context]
    if handed.unseen:
        document["unseen"] = handed.unseen
    return document


def said(entry: Entry, answer: str) -> Said:
    """Shape one turn of a conversation, and the answer it got."""
    view: dict[str, str] = orjson.loads(entry.view) if entry.view else {}
    return Said(
        view.get("sender", ""), view.get("sent_at", ""), view.get("text", "(erased)"), answer
    )


def waiting_lanes(queues: Sequence[tuple[str, int]]) -> list[dict[str, object]]:
    """Shape the longest lanes for `status`."""
    return [{"conversation": lane, "queued": number} for lane, number in queues]
