"""A stand-in for Claude Code: its side of the wire, as 2.1.330 speaks it, without a model.

It spawns an MCP server over stdio and treats it as Claude Code does: it asks
`server/discover` first and falls back to `initialize`, takes the server as a channel only
after a handshake, keeps of a doorbell what the contract lets through, and relays its
permission dialogs. What the contract drops without a word is dropped here too, and kept in
`dropped` for tests to look at.

Contract: https://code.claude.com/docs/en/channels-reference
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from html import escape
from random import Random

from hosts.environ import environment
from hosts.pipe import BOUND_S, Document, Gone, Pipe

__all__ = ["Document", "Era", "Event", "Gone", "Refusal", "StandIn", "environment"]

_SHOWN_INSTRUCTIONS = 4096
_META_KEY = re.compile(r"[A-Za-z0-9_]+")
_INFO = {"name": "claude-code", "title": "Claude Code", "version": "2.1.330"}
_ABILITIES: Document = {"roots": {"listChanged": True}, "elicitation": {"form": {}, "url": {}}}
_HELLO: Document = {
    "protocolVersion": "2025-11-25",
    "capabilities": _ABILITIES,
    "clientInfo": _INFO,
}
_PROBE: Document = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": _INFO,
        "io.modelcontextprotocol/clientCapabilities": _ABILITIES,
    }
}
_RELAY_LETTERS = "abcdefghijkmnopqrstuvwxyz"  # no l: it looks like 1


class Era(Enum):
    """How a host begins."""

    PROBES = auto()  # asks server/discover, then shakes hands: 2.1.305 and later
    SHAKES_HANDS = auto()  # initialize at once: until 2.1.285
    NEVER_FALLS_BACK = auto()  # 2026-07-28 and nothing else, whatever it is told


class Refusal(Exception):
    """A request was answered with an error, or a tool said no; `str()` is what it said."""


@dataclass(frozen=True, slots=True)
class Event:
    """A doorbell as the model gets it.

    Attributes:
        content: The text.
        meta: What is left of its meta.
        tag: Both, as they stand in the conversation.
    """

    content: str
    meta: Mapping[str, str]
    tag: str


class StandIn:
    """One host session and the MCP server it has spawned."""

    def __init__(self, pipe: Pipe, *, era: Era, name: str, project: str) -> None:
        """Use the server behind *pipe*, configured as *name*; `connect` begins."""
        self.pipe, self.name, self._era, self._project = pipe, name, era, project
        self.about: Document = {}  # what the server said of itself
        self.tools: dict[str, Document] = {}
        self.events: list[Event] = []
        self.dropped: list[Document] = []
        self.verdicts: dict[str, str] = {}  # by request id, the first one
        self.is_modern = False
        self._open: set[str] = set()  # permission dialogs
        self._next = 0
        self._chance = Random()  # noqa: S311 - ids that need only differ
        self._news = asyncio.Condition()
        pipe.listen(self._hear)

    @classmethod
    async def spawn(
        cls,
        command: Sequence[str],
        environ: Mapping[str, str],
        *,
        era: Era = Era.PROBES,
        name: str = "entraclaw",
    ) -> "StandIn":
        """Start the server *command* and say nothing yet."""
        pipe = await Pipe.spawn(command, environ)
        return cls(pipe, era=era, name=name, project=environ.get("CLAUDE_PROJECT_DIR", ""))

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        command: Sequence[str],
        environ: Mapping[str, str],
        *,
        era: Era = Era.PROBES,
        name: str = "entraclaw",
    ) -> AsyncGenerator["StandIn"]:
        """Start the server, connect, and leave it at the end as a host that is closed does."""
        host = await cls.spawn(command, environ, era=era, name=name)
        try:
            await host.connect()
            yield host
        finally:
            await host.close()

    @property
    def is_registered(self) -> bool:
        """Whether the server is a channel of this session."""
        return not self.is_modern and "claude/channel" in self._experimental

    @property
    def relays_permission(self) -> bool:
        """Whether permission dialogs are relayed to the server."""
        asked = self._experimental.get("claude/channel/permission")
        return self.is_registered and asked is not None and asked is not False

    @property
    def instructions(self) -> str:
        """What the model is shown of the server's instructions."""
        told = str(self.about.get("instructions", ""))
        cut = told[:_SHOWN_INSTRUCTIONS]
        return cut if cut == told else f"{cut}… [truncated]"

    async def connect(self) -> None:
        """Find out what the server speaks, shake hands, list its tools.

        Raises:
            Refusal: It does not shake hands.
            Gone: It ended.
        """
        if self._era is not Era.SHAKES_HANDS:
            probe = await self.pipe.ask("server-discover-probe-1", "server/discover", _PROBE)
            self.about = probe.get("result", {})
            self.is_modern = "result" in probe
        if not self.is_modern and self._era is not Era.NEVER_FALLS_BACK:
            await self._shake_hands()

    async def tool(self, name: str, **arguments: object) -> Document:
        """Call a tool as the model does; gives its structured result.

        Raises:
            Refusal: It said no.
            Gone: The server ended.
        """
        result = await self.request("tools/call", self.calling(name, arguments))
        if result.get("isError"):
            raise Refusal(result["content"][0]["text"])
        return dict(result["structuredContent"])

    def calling(self, name: str, arguments: Mapping[str, object]) -> Document:
        """Write the parameters of a tool's call."""
        use = f"toolu_{self._chance.getrandbits(96):024x}"
        meta = {"claudecode/toolUseId": use, "progressToken": self._next}
        return {"name": name, "arguments": dict(arguments), "_meta": meta}

    async def request(self, method: str, params: Document | None = None) -> Document:
        """Ask, at most `hosts.pipe.BOUND_S`; gives the result.

        Raises:
            Refusal: The answer is an error.
            Gone: The server ended.
        """
        number, self._next = self._next, self._next + 1
        answer = await self.pipe.ask(number, method, params)
        if "error" in answer:
            raise Refusal(answer["error"]["message"])
        return dict(answer["result"])

    async def ask_permission(self, tool: str, description: str, preview: str) -> str:
        """Open a permission dialog for a tool of the host; gives its request id.

        Nothing is relayed unless `relays_permission`.
        """
        number = "".join(self._chance.choices(_RELAY_LETTERS, k=5))
        self._open.add(number)
        told = {
            "request_id": number,
            "tool_name": tool,
            "description": description,
            "input_preview": preview,
        }
        if self.relays_permission:
            await self.pipe.say("notifications/claude/channel/permission_request", told)
        return number

    def close_dialog(self, number: str) -> None:
        """Have the person at the terminal answer: later verdicts are dropped."""
        self._open.discard(number)

    async def verdict(self, number: str) -> str:
        """Wait for the server's answer to a dialog: ``allow`` or ``deny``."""
        await self.until(lambda: number in self.verdicts)
        return self.verdicts[number]

    async def event(self, number: int = 1) -> Event:
        """Wait for the doorbell *number*, counted from 1."""
        await self.until(lambda: len(self.events) >= number)
        return self.events[number - 1]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until what the server said makes *holds* true, at most `hosts.pipe.BOUND_S`."""
        async with asyncio.timeout(BOUND_S), self._news:
            await self._news.wait_for(holds)

    async def close(self) -> int:
        """Leave as a host that is closed does; gives the server's exit code.

        Raises:
            TimeoutError: The server did not end with its input, and was killed.
        """
        self.pipe.hang_up()
        return await self.pipe.ended()

    @property
    def _experimental(self) -> Document:
        return dict(self.about.get("capabilities", {}).get("experimental") or {})

    async def _shake_hands(self) -> None:
        self.about = await self.request("initialize", _HELLO)
        await self.pipe.say("notifications/initialized", None)
        if "tools" in self.about["capabilities"]:
            listed = (await self.request("tools/list"))["tools"]
            self.tools = {tool["name"]: tool for tool in listed}

    async def _hear(self, message: Document) -> None:
        async with self._news:
            match message:
                case {"method": str(method), "id": number}:
                    await self._answer(method, number)
                case {"method": "notifications/claude/channel", "params": params}:
                    self._ring(message, params)
                case {"method": "notifications/claude/channel/permission", "params": params}:
                    self._decide(message, params)
                case _:
                    self.dropped.append(message)
            self._news.notify_all()

    async def _answer(self, method: str, number: object) -> None:
        """Answer what a server may ask of a host."""
        told: Document
        match method:
            case "ping":
                told = {"result": {}}
            case "roots/list":
                told = {"result": {"roots": [{"uri": f"file://{self._project}"}]}}
            case _:
                told = {"error": {"code": -32601, "message": "Method not found"}}
        await self.pipe.write({**told, "jsonrpc": "2.0", "id": number})

    def _ring(self, message: Document, params: Document) -> None:
        if not self.is_registered:
            self.dropped.append(message)
            return
        told: Document = params.get("meta") or {}
        meta = {key: str(value) for key, value in told.items() if _META_KEY.fullmatch(key)}
        words = "".join(f' {key}="{escape(value)}"' for key, value in meta.items())
        tag = f'<channel source="{escape(self.name)}"{words}>\n{params["content"]}\n</channel>'
        self.events.append(Event(params["content"], meta, tag))

    def _decide(self, message: Document, params: Document) -> None:
        number, behavior = params["request_id"], params["behavior"]
        if number in self._open and behavior in {"allow", "deny"}:
            self._open.discard(number)
            self.verdicts[number] = behavior
        else:
            self.dropped.append(message)
