"""Play the model: a scripted Messages API on loopback, for a real host to talk to.

It never thinks. What it does follows from the newest user message alone: a doorbell makes
it call `read_messages`, messages in a tool's result make it call `reply` for each, and
anything else ends its turn. In the manner `WAITS` it never ends its turn: it reads again,
and has the tool wait.

It takes a moment for each answer, less than any model that hosts use takes today.

Contract: https://docs.claude.com/en/api/messages and .../messages-streaming
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import Any, cast

from aiohttp import web

Json = Mapping[str, Any]

WAIT_S = 110  # a host leaves a call that takes 120 s to its background
_DOORBELL = re.compile(r"\d+ Teams messages? waits?\b")
_TURN = re.compile(r'"turn": ?"([0-9a-f]{32})"')
_WORD = re.compile(r"\bword-\d+\b")
_LARGEST = 64 * 1024 * 1024  # bytes of a request: hosts send their whole history each time
_USAGE = {
    "input_tokens": 10,
    "output_tokens": 5,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
}


class Manner(StrEnum):
    """How the model comes to its messages."""

    RUNG = "rung"  # it reads when a doorbell tells it to
    WAITS = "waits"  # it reads again and again, and has the tool wait


class Cause(StrEnum):
    """What made the host ask."""

    ASIDE = "aside"  # titles, classifiers: nothing of the conversation
    PROMPT = "prompt"
    DOORBELL = "doorbell"
    RESULT = "result"


@dataclass(frozen=True, slots=True)
class Say:
    """End the turn with these words."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """Use *tool*, by the name the host gave it."""

    tool: str
    arguments: Json


@dataclass(frozen=True, slots=True)
class Decision:
    """What the model does next, and what made it do so."""

    cause: Cause
    does: Say | tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request the host made; times are monotonic nanoseconds.

    Attributes:
        cause: What made the host ask.
        calls: How many tools it was told to use; 0 where the turn ended.
        came_at: When the request had arrived.
        answered_at: When the last byte of the answer was given away.
    """

    cause: Cause
    calls: int
    came_at: int
    answered_at: int


def decide(body: Json, manner: Manner = Manner.RUNG) -> Decision:
    """Tell what the model does about the request *body*."""
    tools = [str(tool.get("name", "")) for tool in body.get("tools") or ()]
    if not tools:
        return Decision(Cause.ASIDE, Say("Yes."))
    newest = _newest(body)
    cause = _cause(newest)
    results = "\n".join(_texts(block for block in newest if block.get("type") == "tool_result"))
    answer = _named(tools, "reply")
    if answer and (replies := _replies(results, answer)):
        return Decision(cause, replies)
    if cause is not Cause.DOORBELL and manner is Manner.RUNG:
        return Decision(cause, Say("There is nothing to do."))
    if read := _named(tools, "read_messages"):
        wait = {"wait_s": WAIT_S} if manner is Manner.WAITS else {}
        return Decision(cause, (Call(read, wait),))
    # A host keeps from the model what a server offers while it still connects.
    return Decision(cause, (Call("ToolSearch", {"query": "read_messages reply"}),))


def _cause(newest: Sequence[Json]) -> Cause:
    if _DOORBELL.search("\n".join(_texts(newest))):
        return Cause.DOORBELL
    is_result = any(block.get("type") == "tool_result" for block in newest)
    return Cause.RESULT if is_result else Cause.PROMPT


def _named(tools: Sequence[str], name: str) -> str:
    return next((tool for tool in tools if tool.endswith(f"__{name}")), "")


def _newest(body: Json) -> list[Json]:
    """Take the blocks of everything said since the model spoke last."""
    blocks: list[Json] = []
    for message in reversed(body.get("messages") or ()):
        if message.get("role") == "assistant":
            break
        blocks = [*_blocks(message.get("content")), *blocks]
    return blocks


def _blocks(content: object) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return cast("list[Json]", content) if isinstance(content, list) else []


def _texts(blocks: Iterable[Json]) -> Iterator[str]:
    for block in blocks:
        if block.get("type") == "tool_result":
            yield from _texts(_blocks(block.get("content")))
        elif block.get("type") == "text":
            yield str(block.get("text", ""))


def _replies(said: str, tool: str) -> tuple[Call, ...]:
    """Answer every turn that *said* tells of with the word that was said in it."""
    pairs = iter(_TURN.split(said)[1:])
    found = {turn: _WORD.search(after) for turn, after in zip(pairs, pairs, strict=True)}
    return tuple(
        Call(tool, {"turn": turn, "text": f"I heard {word[0] if word else 'nothing'}."})
        for turn, word in found.items()
    )


class Model:
    """The server, and what it was asked."""

    def __init__(self, manner: Manner, think_s: float) -> None:
        """Be a model of that *manner*, asked nothing yet, that takes *think_s* for an answer."""
        self._manner, self._think_s = manner, think_s
        self._numbers = count(1)
        self._news = asyncio.Condition()
        self.asked: list[Asked] = []
        self.strange: list[str] = []  # requests that no rule knows, by method and path

    @classmethod
    @asynccontextmanager
    async def serving(
        cls, manner: Manner, think_s: float = 0.0
    ) -> AsyncGenerator[tuple["Model", str]]:
        """Serve on loopback while the body runs; gives the model and its address."""
        model = cls(manner, think_s)
        application = web.Application(client_max_size=_LARGEST)
        application.router.add_post("/v1/messages", model._answer)
        application.router.add_post("/v1/messages/count_tokens", _count)
        application.router.add_route("*", "/{path:.*}", model._refuse)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield model, f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def answered(self, number: int, *, is_rest: bool) -> None:
        """Wait until it has answered *number* requests that ended its turn, or that did not."""
        async with self._news:
            await self._news.wait_for(lambda: self.count(is_rest=is_rest) >= number)

    def count(self, *, is_rest: bool) -> int:
        """Tell how often its turn ended, or it used tools, so far; asides are not counted."""
        said = [asked for asked in self.asked if asked.cause is not Cause.ASIDE]
        return sum((not asked.calls) is is_rest for asked in said)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        came_at = time.monotonic_ns()
        body: Json = await request.json()
        decision = decide(body, self._manner)
        await asyncio.sleep(self._think_s)
        blocks = self._write(decision.does)
        message = {
            "id": f"msg_{next(self._numbers):020}",
            "type": "message",
            "role": "assistant",
            "model": body.get("model", ""),
            "stop_sequence": None,
            "usage": _USAGE,
        }
        stop = "end_turn" if isinstance(decision.does, Say) else "tool_use"
        response: web.StreamResponse
        if body.get("stream"):
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            with suppress(ConnectionError):  # a host that ends meanwhile
                await response.prepare(request)
                for event in _stream(message, blocks, stop):
                    await response.write(event)
                await response.write_eof()
        else:
            response = web.json_response({**message, "content": blocks, "stop_reason": stop})
        calls = 0 if isinstance(decision.does, Say) else len(decision.does)
        async with self._news:
            self.asked.append(Asked(decision.cause, calls, came_at, time.monotonic_ns()))
            self._news.notify_all()
        return response

    def _write(self, does: Say | tuple[Call, ...]) -> list[Json]:
        if isinstance(does, Say):
            return [{"type": "text", "text": does.text}]
        return [
            {
                "type": "tool_use",
                "id": f"toolu_{next(self._numbers):020}",
                "name": call.tool,
                "input": call.arguments,
            }
            for call in does
        ]

    async def _refuse(self, request: web.Request) -> web.Response:
        self.strange.append(f"{request.method} {request.path}")
        error = {"type": "not_found_error", "message": "not played"}
        return web.json_response({"type": "error", "error": error}, status=404)


async def _count(_request: web.Request) -> web.Response:
    return web.json_response({"input_tokens": _USAGE["input_tokens"]})


def _stream(message: Json, blocks: Sequence[Json], stop: str) -> Iterator[bytes]:
    """Write *message* as the API streams it, a block a delta."""
    start: Json = {**message, "content": list[Json](), "stop_reason": None}
    yield _event("message_start", message=start)
    for index, block in enumerate(blocks):
        empty, delta = _opened(block)
        yield _event("content_block_start", index=index, content_block=empty)
        yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    ends = {"stop_reason": stop, "stop_sequence": None}
    yield _event("message_delta", delta=ends, usage={"output_tokens": _USAGE["output_tokens"]})
    yield _event("message_stop")


def _opened(block: Json) -> tuple[Json, Json]:
    """Cut *block* in two: as it begins, and all that follows."""
    if block["type"] == "text":
        return {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
    part = json.dumps(block["input"])
    return {**block, "input": {}}, {"type": "input_json_delta", "partial_json": part}


def _event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
