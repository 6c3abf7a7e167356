"""What blocks is done aside, and nobody waits for it longer than they said."""

import asyncio
import socket
import threading

import pytest

from entraclaw.bot.diagnosis.aside import Resolver, aside

BOUND_S = 30.0


async def test_result_and_error_come_back() -> None:
    def fail() -> int:
        raise ValueError("no")

    assert await aside(lambda: 7, BOUND_S) == 7
    with pytest.raises(ValueError, match="no"):
        await aside(fail, BOUND_S)


def test_work_that_hangs_keeps_neither_its_caller_nor_the_loop() -> None:
    """Ours: what answers after the loop has ended is dropped without a word."""
    free, done = threading.Event(), threading.Event()

    def hang() -> None:
        free.wait(BOUND_S)
        done.set()

    with pytest.raises(TimeoutError):
        asyncio.run(aside(hang, 0.01))

    thread = next(one for one in threading.enumerate() if one.name == "aside")
    free.set()
    assert done.wait(BOUND_S)
    thread.join(BOUND_S)
    assert not thread.is_alive()


async def test_work_that_ends_late_is_dropped() -> None:
    free = threading.Event()

    with pytest.raises(TimeoutError):
        await aside(lambda: free.wait(BOUND_S), 0.01)

    free.set()
    assert await aside(lambda: 1, BOUND_S) == 1


async def test_names_are_looked_up() -> None:
    [address, *_] = await Resolver().resolve("127.0.0.1", 443)

    assert (address["host"], address["port"], address["family"]) == (
        "127.0.0.1", 443, socket.AF_INET,
    )  # fmt: skip


async def test_name_that_nobody_has_is_an_error() -> None:
    with pytest.raises(OSError):  # noqa: PT011 - whichever words the system has
        await Resolver().resolve("name.invalid", 443)
