# pyright: reportUnknownMemberType=false
# The SDK leaves the results of its callbacks untyped.
"""Run activities through the Microsoft 365 Agents SDK, behind the inbox.

The SDK gives us its types, its turn pipeline and its routing; HTTP, tokens and sending
are ours (docs/architecture.md). Every activity that is handled passes the adapter once,
every answer leaves through it, and both are counted here. SDK types stop in this module
and in `entraclaw.bot.connector`.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from microsoft_agents.activity import Activity, ActivityTypes, ResourceResponse
from microsoft_agents.hosting.aiohttp import CloudAdapter
from microsoft_agents.hosting.core import (
    AgentApplication,
    ApplicationOptions,
    ClaimsIdentity,
    Connections,
    MemoryStorage,
    TurnContext,
    TurnState,
)

from entraclaw.bot.activity import normalise, parse
from entraclaw.bot.connector import Connectors, Line
from entraclaw.bot.inbox import Entry

_OPENING = "entraclaw.opening"  # where a turn's own values ride through the SDK


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the SDK's pipeline understood it.

    Attributes:
        text: Plain text, the mention of the agent taken out.
        sender_name: As Teams shows it; not yet safe to print.
        conversation_kind: ``personal``, ``groupChat`` or ``channel``.
        sent_at: ISO 8601 in UTC, empty when Teams gave no time.
        relation: What the gate found the sender to be, such as ``sponsor``.
    """

    text: str
    sender_name: str
    conversation_kind: str
    sent_at: str
    relation: str


OpenTurn = Callable[[Entry, Message], Awaitable[None]]
_Opening = tuple[OpenTurn, Entry, str]


@dataclass(slots=True)
class Counts:
    """What went through the adapter since the daemon started."""

    turns: Counter[str] = field(default_factory=Counter[str])
    sends: int = 0


class Pipeline:
    """The SDK's adapter and application, fed from the inbox."""

    def __init__(self, line: Line) -> None:
        """Send over *line*."""
        self.counts = Counts()
        self._adapter = CloudAdapter(channel_service_client_factory=Connectors(line))
        self._adapter.on_turn_error = _raise
        self._adapter.use(_Counting(self.counts))
        self._application = AgentApplication[TurnState](
            ApplicationOptions(storage=MemoryStorage(), start_typing_timer=False),
            connection_manager=cast("Connections", _NoConnections()),
        )
        self._application.activity(ActivityTypes.message)(_open)
        for kind in ActivityTypes:
            if kind not in {ActivityTypes.message, ActivityTypes.invoke}:
                self._application.activity(kind)(_nothing_to_answer)

    async def dispatch(self, open_turn: OpenTurn, entry: Entry, relation: str) -> None:
        """Run *entry*, from a *relation* of the agent, through the adapter and the routes.

        A message ends in *open_turn*, which must not wait for an answer.

        Raises:
            Exception: Whatever the SDK raises on an activity it cannot read.
        """
        activity = _typed(entry)

        async def turn(context: TurnContext) -> None:
            self.counts.turns[entry.arrival.kind] += 1
            context.turn_state[_OPENING] = (open_turn, entry, relation)
            await self._application.on_turn(context)

        await self._adapter.process_activity(_claims(entry), activity, turn)

    async def answer(self, entry: Entry, text: str) -> str:
        """Send *text* as the answer to *entry*; returns the id Teams gave it.

        Raises:
            CallRefused: Teams said no.
            Unreachable: Teams did not answer.
            HopRefused: There is no token to answer with.
        """
        sent: list[ResourceResponse] = []

        async def send(context: TurnContext) -> None:
            answer = Activity(type=ActivityTypes.message, text=text, text_format="markdown")
            sent.append(await context.send_activity(answer))

        claims = _claims(entry)
        await self._adapter.process_proactive(
            claims, _typed(entry), claims.get_token_audience(), send
        )
        return sent[0].id or ""


class _Counting:
    """Adapter middleware: counts each activity on its way out."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    async def on_turn(
        self, context: TurnContext, logic: Callable[[TurnContext], Awaitable[None]]
    ) -> None:
        async def sending(
            _: TurnContext, activities: list[Activity], go: Callable[[], Awaitable[Any]]
        ) -> Any:  # noqa: ANN401 - the SDK's signature
            self._counts.sends += len(activities)
            return await go()

        context.on_send_activities(sending)
        await logic(context)


class _NoConnections:
    """The SDK will not start without a connection manager; nothing here may ask one for tokens."""


def _typed(entry: Entry) -> Activity:
    document = normalise(parse(entry.arrival.body))
    document.setdefault("channelId", "msteams")
    # Answers are sent when the agent has one, never in the response to this request.
    document.pop("deliveryMode", None)
    return Activity.model_validate(document)


def _claims(entry: Entry) -> ClaimsIdentity:
    return ClaimsIdentity(orjson.loads(entry.arrival.claims), "Bearer")


async def _open(context: TurnContext, _: TurnState) -> None:
    open_turn, entry, relation = cast("_Opening", context.turn_state[_OPENING])
    activity = context.activity
    speaker, conversation = activity.from_property, activity.conversation
    await open_turn(
        entry,
        Message(
            text=activity.text or "",
            sender_name=(speaker.name if speaker else None) or "",
            conversation_kind=(conversation.conversation_type if conversation else None) or "",
            sent_at=activity.timestamp.isoformat() if activity.timestamp else "",
            relation=relation,
        ),
    )


async def _nothing_to_answer(context: TurnContext, state: TurnState) -> None:
    del context, state


async def _raise(context: TurnContext, error: Exception) -> None:
    del context
    raise error
