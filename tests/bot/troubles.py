"""The rows of docs/identity/troubles.md, and what a daemon, its status and its tools say."""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.asking import Host, channel
from bot.stage import Stage, until

PAGE = Path(__file__).parents[2] / "docs" / "identity" / "troubles.md"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a state, a cause and a cure, where ``…`` stands for what differs."""

    state: str
    cause: str
    cure: str

    def check(self, trouble: Mapping[str, Any]) -> None:
        """Hold what `status` says of a token against the page."""
        said = [str(trouble[name]) for name in ("state", "cause", "cure")]
        for told, written in zip(said, (self.state, self.cause, self.cure), strict=True):
            assert _fits(told, written), f"{told!r} is not {written!r}"

    def check_refusal(self, words: str) -> None:
        """Hold what a tool tells the model against the page."""
        assert _fits(words, f"{self.cause}. {self.cure}."), words


def rows(heading: str) -> dict[str, Row]:
    """Read the table under *heading*, by its first column."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(f"## {heading}\n")
    table = rest.partition("\n## ")[0].splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in table if "|" in line
    ]
    return {wrong.strip(): Row(*said) for wrong, *said in cells[2:]}


def _fits(told: str, written: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in written.replace("`", "").split("…"))
    return re.fullmatch(pattern, told.replace("`", "")) is not None


async def troubles(stage: Stage) -> list[dict[str, Any]]:
    """Wait until `status` tells of a token that is not to be had; gives all of them."""
    found: list[dict[str, Any]] = []

    async def is_told() -> bool:
        found[:] = (await stage.status())["tokens"]
        return bool(found)

    await until(is_told)
    return found


class Caller:
    """A host that calls tools."""

    def __init__(self, host: Host) -> None:
        self._host, self._next = host, 0

    async def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        self._next += 1
        request = {"id": self._next, "method": "tools/call"}
        params = {"name": tool, "arguments": arguments}
        await self._host.line.say({"jsonrpc": "2.0", **request, "params": params})
        while (said := await self._host.line.hear()).get("id") != self._next:
            pass
        return dict(said["result"])

    async def turn(self) -> str:
        """Take the one message that waits."""
        result = await self.call("read_messages", wait_s=30)
        [message] = result["structuredContent"]["messages"]
        return str(message["turn"])

    async def refusal(self, tool: str, **arguments: object) -> str:
        """Call a tool that must refuse; gives what the model is told."""
        result = await self.call(tool, **arguments)
        assert result.get("isError"), result
        return str(result["content"][0]["text"])


@asynccontextmanager
async def calling(stage: Stage) -> AsyncGenerator[Caller]:
    """Be a host of the daemon on *stage*."""
    async with channel(stage.folder) as host:
        yield Caller(host)


def credential(stage: Stage) -> dict[str, bytes]:
    """Read what a trouble must not change: settings and key, byte for byte."""
    kept = (stage.folder / "config.toml", *sorted((stage.folder / "keys").iterdir()))
    return {path.name: path.read_bytes() for path in kept}
