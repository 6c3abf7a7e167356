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
from microsoft_agents.activity import Activity, ActivityTypes, InvokeResponse, ResourceResponse
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

_THEN = "entraclaw.then"  # where a turn's own work rides through the SDK

Then = Callable[[], Awaitable[None]]
Ask = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Origin:
    """What an answer needs of the activity it answers: its document and its token's claims."""

    document: bytes
    claims: bytes


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
        for kind in ActivityTypes:
            if kind != ActivityTypes.invoke:
                self._application.activity(kind)(_go_on)
        self._application.activity(ActivityTypes.invoke)(_respond)

    async def dispatch(self, entry: Entry, then: Then) -> None:
        """Run *entry* through the adapter and the routes, which end in *then*.

        Kinds the SDK has no route for pass the adapter, and end in *then* too. It must not
        wait for an answer of the model.

        Raises:
            Exception: Whatever the SDK raises on an activity it cannot read.
        """
        activity = _typed(origin(entry))

        async def turn(context: TurnContext) -> None:
            self.counts.turns[entry.arrival.kind] += 1
            if activity.type not in set(ActivityTypes):
                await then()
                return
            context.turn_state[_THEN] = then
            await self._application.on_turn(context)

        await self._adapter.process_activity(_claims(entry.arrival.claims), activity, turn)

    async def invoke(self, entry: Entry, ask: Ask) -> object:
        """Run an invoke through the adapter and its route; gives the body that *ask* gave.

        Raises:
            Exception: Whatever the SDK raises on an activity it cannot read.
        """

        async def turn(context: TurnContext) -> None:
            self.counts.turns[entry.arrival.kind] += 1
            context.turn_state[_THEN] = ask
            await self._application.on_turn(context)

        response = await self._adapter.process_activity(
            _claims(entry.arrival.claims), _typed(origin(entry)), turn
        )
        return response.body if response is not None else None

    async def send(self, to: Origin, text: str) -> str:
        """Send *text* as the answer to the activity *to*; returns the id Teams gave it.

        Raises:
            CallRefused: Teams said no.
            Unreachable: Teams could not be reached; nothing was sent.
            Uncertain: It was sent, and there was no answer.
            HopRefused: There is no token to answer with.
        """
        sent: list[ResourceResponse] = []

        async def send(context: TurnContext) -> None:
            answer = Activity(type=ActivityTypes.message, text=text, text_format="markdown")
            sent.append(await context.send_activity(answer))

        claims = _claims(to.claims)
        await self._adapter.process_proactive(claims, _typed(to), claims.get_token_audience(), send)
        return sent[0].id or ""


def origin(entry: Entry) -> Origin:
    """Take what an answer needs from an entry."""
    return Origin(entry.arrival.body, entry.arrival.claims)


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
            self._counts.sends += sum(one.type != _RESPONSE for one in activities)
            return await go()

        context.on_send_activities(sending)
        await logic(context)


_RESPONSE = ActivityTypes.invoke_response  # goes back in the request, not out


class _NoConnections:
    """The SDK will not start without a connection manager; nothing here may ask one for tokens."""


def _typed(to: Origin) -> Activity:
    document = normalise(parse(to.document))
    document.setdefault("channelId", "msteams")
    # Answers are sent when the agent has one, never in the response to this request.
    document.pop("deliveryMode", None)
    return Activity.model_validate(document)


def _claims(claims: bytes) -> ClaimsIdentity:
    return ClaimsIdentity(orjson.loads(claims), "Bearer")


async def _go_on(context: TurnContext, _: TurnState) -> None:
    await cast("Then", context.turn_state[_THEN])()


async def _respond(context: TurnContext, _: TurnState) -> None:
    body = await cast("Ask", context.turn_state[_THEN])()
    response = InvokeResponse(status=200, body=body)
    await context.send_activity(Activity(type=_RESPONSE, value=response))


async def _raise(context: TurnContext, error: Exception) -> None:
    del context
    raise error
