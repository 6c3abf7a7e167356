"""Sponsors are remembered for a while, and never longer than that."""

import asyncio

import pytest

from entraclaw.bot.sponsors import KEPT_S, Sponsors
from entraclaw.errors import Unreachable


async def test_sponsors_are_asked_for_once_in_a_while() -> None:
    moments = iter((0.0, KEPT_S - 1, KEPT_S, KEPT_S + 1))
    asked: list[int] = []

    async def ask() -> frozenset[str]:
        asked.append(len(asked))
        return frozenset({"ada"})

    sponsors = Sponsors(ask, lambda: next(moments))
    counts: list[int] = []
    for _ in range(4):
        assert await sponsors.current() == {"ada"}
        counts.append(len(asked))
    assert counts == [1, 1, 2, 2]


async def test_what_was_being_asked_when_they_changed_counts_for_nothing() -> None:
    """Graph may have answered with how it was before."""
    answers = [frozenset({"old"}), frozenset({"new"})]
    asking = asyncio.Event()
    go = asyncio.Event()

    async def ask() -> frozenset[str]:
        answer = answers.pop(0)
        asking.set()
        await go.wait()
        return answer

    sponsors = Sponsors(ask, lambda: 0.0)
    current = asyncio.create_task(sponsors.current())
    async with asyncio.timeout(30):
        await asking.wait()
        sponsors.forget()
        go.set()

        assert await current == {"new"}


async def test_sponsors_that_cannot_be_asked_for_are_not_guessed() -> None:
    async def ask() -> frozenset[str]:
        raise Unreachable("Graph", "TimeoutError")

    sponsors = Sponsors(ask, lambda: 0.0)
    for _ in range(2):
        with pytest.raises(Unreachable):
            await sponsors.current()
