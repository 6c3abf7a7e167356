"""Decide what becomes of a host's question whether it may use a tool.

Pure: no clock, no randomness, no wire; all of them are passed in. The first answer counts
and a later one is told so; what nobody answered ends; an id is used once. docs/approvals.md
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from entraclaw.bot.question import Origin, Question
from entraclaw.errors import ApprovalRefused

EXPIRY_S = 600.0  # what Claude Code gives a hook unless it is told otherwise
PER_SESSION = 16
IN_ALL = 64

_ENDED_KEPT = 1000
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Behavior(StrEnum):
    """What a verdict says, in the host's own words."""

    ALLOW = "allow"
    DENY = "deny"


class Fate(StrEnum):
    """How a request ended."""

    ALLOWED = "allowed"
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class HeldTurn:
    """A turn that the asking session held: its id, its conversation, and whose it is."""

    turn: str
    conversation: str
    sender: str
    name: str


@dataclass(frozen=True, slots=True)
class Request:
    """A question that waits for its answer.

    Attributes:
        id: Five letters, a to z without l; never used twice.
        question: What is asked, as it came first.
        origins: All the ways it came.
        asked: Seconds since the epoch.
        expires: The same.
        turns: What the session held when it asked.
    """

    id: str
    question: Question
    origins: tuple[Origin, ...]
    asked: float
    expires: float
    turns: tuple[HeldTurn, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer: what it says, who gave it, and words for the model (may be empty)."""

    behavior: Behavior
    by: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class _Ended:
    fate: Fate
    by: str


class Ledger:
    """The open requests, oldest first, and how the latest of the others ended."""

    def __init__(self, make_id: Callable[[], str]) -> None:
        """Take ids from *make_id*; one that was used is asked for anew."""
        self._make_id = make_id
        self._open: dict[str, Request] = {}
        self._ended: dict[str, _Ended] = {}
        self._heard: dict[tuple[str, str], None] = {}

    def open(self) -> Sequence[Request]:
        """List what waits, oldest first."""
        return (*self._open.values(),)

    def check(self, question: Question) -> None:
        """See whether *question* can be taken.

        Raises:
            ApprovalRefused: Too many wait, or the host has used its id before.
        """
        if question.host_id and (question.session, question.host_id) in self._heard:
            raise ApprovalRefused("the host has asked with that id before")
        if self._same(question) is not None:
            return
        waiting = [one.question.session for one in self._open.values()]
        if waiting.count(question.session) >= PER_SESSION or len(waiting) >= IN_ALL:
            raise ApprovalRefused("too many requests wait already")

    def ask(self, question: Question, turns: Sequence[HeldTurn], now: float) -> Request:
        """Let *question* wait, or join it to the same one that came by the other way.

        Raises:
            ApprovalRefused: See `check`.
        """
        self.check(question)
        if question.host_id:
            self._heard[question.session, question.host_id] = None
            _keep_latest(self._heard)
        same = self._same(question)
        if same is None:
            name = self._name(question)
            request = Request(name, question, (question.origin,), now, now + EXPIRY_S, tuple(turns))
        else:
            request = replace(same, origins=(*same.origins, question.origin))
        self._open[request.id] = request
        return request

    def answer(self, name: str, verdict: Verdict, now: float) -> Request:
        """End the request *name* with *verdict*.

        Raises:
            ApprovalRefused: It ended already, or there is none; the words say which.
        """
        request = self._open.get(name)
        if request is None:
            raise self._too_late(name)
        if request.expires <= now:
            raise ApprovalRefused(f"request {name} has expired")
        allows = verdict.behavior is Behavior.ALLOW
        self._end(name, Fate.ALLOWED if allows else Fate.DENIED, verdict.by)
        return request

    def withdraw(self, name: str) -> Request | None:
        """End the request *name*, since the host no longer asks; None if it ended already."""
        return self._end(name, Fate.WITHDRAWN) if name in self._open else None

    def expire(self, now: float) -> Sequence[Request]:
        """End what nobody answered in time; gives it."""
        due = [name for name, one in self._open.items() if one.expires <= now]
        return [self._end(name, Fate.EXPIRED) for name in due]

    def next_expiry(self) -> float | None:
        """Tell when the next one expires; None if nothing waits."""
        return min((one.expires for one in self._open.values()), default=None)

    def _same(self, question: Question) -> Request | None:
        """Find what *question* repeats; a second one by the same way is another question."""
        for one in self._open.values():
            asked = one.question
            about = (asked.session, asked.tool, asked.sameness)
            is_same = about == (question.session, question.tool, question.sameness)
            if question.sameness and is_same and question.origin not in one.origins:
                return one
        return None

    def _name(self, question: Question) -> str:
        """Take the host's own id, if no other session has used it; else make one."""
        name = question.host_id or self._make_id()
        while name in self._open or name in self._ended:
            name = self._make_id()
        return name

    def _end(self, name: str, fate: Fate, by: str = "") -> Request:
        self._ended[name] = _Ended(fate, by)
        _keep_latest(self._ended)
        return self._open.pop(name)

    def _too_late(self, name: str) -> ApprovalRefused:
        ended = self._ended.get(name)
        if ended is None:
            return ApprovalRefused(
                f"nothing is asked with the id {name}", hint="see `entraclaw approvals list`"
            )
        if ended.fate is Fate.EXPIRED:
            return ApprovalRefused(f"request {name} has expired")
        if ended.fate is Fate.WITHDRAWN:
            return ApprovalRefused(
                f"request {name} was withdrawn",
                hint="it was answered in the terminal, or the host is gone",
            )
        return ApprovalRefused(f"request {name} was {ended.fate} already, by {ended.by}")


def _keep_latest(kept: dict[_Key, _Value]) -> None:
    while len(kept) > _ENDED_KEPT:
        del kept[next(iter(kept))]
