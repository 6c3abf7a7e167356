"""The doorbells of all sessions, in the loop."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.stage import until
from entraclaw.bot import doorbell
from entraclaw.bot.ringing import Ringing
from entraclaw.bot.sessions import Connection, Sessions
from entraclaw.errors import InboxUnwritable


@dataclass
class Door:
    """Two sessions, what waits for them, and what they were rung."""

    sessions: Sessions = field(default_factory=Sessions)
    waiting: dict[str, int] = field(default_factory=dict[str, int])
    rung: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    taking: asyncio.Event = field(default_factory=asyncio.Event)
    trouble: int = 0

    def __post_init__(self) -> None:
        self.taking.set()
        self.ringing = Ringing(self.sessions, self.count)
        for name in ("s", "z"):
            self.sessions.add(Connection(name, 0, self.hear(name)))

    def hear(self, name: str) -> Any:  # noqa: ANN401 - a function
        async def notify(_method: str, params: dict[str, Any]) -> None:
            await self.taking.wait()
            self.rung.append((name, params["meta"]["waiting"]))

        return notify

    async def count(self, session: str) -> int:
        if self.trouble:
            self.trouble -= 1
            raise InboxUnwritable("the disk is away")
        return self.waiting.get(session, 0)

    async def was_rung(self, *rung: tuple[str, str]) -> None:
        async def is_so() -> bool:
            return sorted(self.rung) == sorted(rung)

        await until(is_so)


@pytest.fixture
async def door(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Door]:
    monkeypatch.setattr(doorbell, "TOGETHER_S", 0.1)
    monkeypatch.setattr(doorbell, "PAUSES_S", (0.2,))
    door = Door()
    yield door
    door.ringing.close()


async def test_count_that_the_caller_knows_is_rung(door: Door) -> None:
    door.ringing.call("s", 3)
    await door.was_rung(("s", "3"))


async def test_burst_rings_at_once_and_once_more_with_all_that_wait(door: Door) -> None:
    for number in range(1, 6):
        door.waiting["s"] = number
        door.ringing.call("s", number)
        await asyncio.sleep(0)
    await door.was_rung(("s", "1"), ("s", "5"))


async def test_what_waits_is_rung_for_at_once_when_there_is_another_way(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorbell, "TOGETHER_S", 600.0)
    monkeypatch.setattr(doorbell, "PAUSES_S", (600.0,))
    door.waiting["s"] = 1
    door.ringing.call("s")
    await door.was_rung(("s", "1"))
    door.ringing.call_anew("s")
    await door.was_rung(("s", "1"), ("s", "1"))


async def test_ring_is_repeated_until_the_session_reads(door: Door) -> None:
    door.waiting["s"] = 1
    door.ringing.call("s")
    await door.was_rung(("s", "1"), ("s", "1"), ("s", "1"))
    door.ringing.read("s")
    await asyncio.sleep(0.3)

    assert len(door.rung) == 3


async def test_nothing_is_rung_for_when_nothing_waits_any_more(door: Door) -> None:
    door.ringing.call("s")
    await asyncio.sleep(0.3)

    assert door.rung == []


async def test_host_that_does_not_take_a_ring_holds_up_nobody(door: Door) -> None:
    door.taking.clear()
    door.ringing.call("s", 1)
    door.ringing.call("s", 2)
    await asyncio.sleep(0.3)
    door.ringing.call("z", 1)
    door.taking.set()
    door.ringing.read("s")
    await door.was_rung(("s", "2"), ("z", "1"))


async def test_session_that_is_gone_is_not_rung(door: Door) -> None:
    door.ringing.call("gone", 1)
    door.taking.clear()
    door.ringing.call("s", 1)
    await asyncio.sleep(0)
    door.ringing.forget("s")
    door.taking.set()
    await asyncio.sleep(0.1)

    assert (door.rung, door.ringing.unheard("s")) == ([], 0)


async def test_tool_call_that_waits_is_woken_and_nothing_is_rung(door: Door) -> None:
    here = door.sessions.get("s")
    door.sessions.note_reader(here)
    door.ringing.call("s", 1)

    assert here.news.is_set()
    await asyncio.sleep(0.15)
    assert door.rung == []


async def test_disk_that_does_not_say_what_waits_is_asked_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entraclaw.bot.ringing._AGAIN_S", 0.05)
    door.trouble, door.waiting["s"] = 1, 2
    door.ringing.call("s")

    await door.was_rung(("s", "2"))
