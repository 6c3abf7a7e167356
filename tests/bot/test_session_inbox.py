"""A session is woken through its own inbox: a number, never text, never twice the same."""

import asyncio
import re
import socket
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from entraclaw.bot.session_inbox import SessionInbox
from hosts.inbox import Inbox

BOUND_S = 30.0


class _Over(Exception):
    pass


class Bell:
    """The daemon's end of the ring connections that the inbox opens, one after the other."""

    def __init__(self) -> None:
        self._opened: asyncio.Queue[socket.socket] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._is_over = threading.Event()

    def connect(self) -> socket.socket | None:
        if self._is_over.is_set():
            raise _Over
        ours, theirs = socket.socketpair()
        self._loop.call_soon_threadsafe(self._opened.put_nowait, ours)
        return theirs

    async def opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(BOUND_S):
            connection = await self._opened.get()
        return await asyncio.open_connection(sock=connection)

    def end(self) -> None:
        self._is_over.set()


@asynccontextmanager
async def belled(path: Path, token: str = "") -> AsyncGenerator[Bell]:
    bell = Bell()
    inbox = SessionInbox(str(path), token, bell.connect, broken_s=0.1)

    def run() -> None:
        with suppress(_Over):  # it ends with its process only
            inbox.run()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield bell
    finally:
        bell.end()
        while not bell._opened.empty():  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            bell._opened.get_nowait().close()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        await asyncio.to_thread(thread.join, BOUND_S)
        assert not thread.is_alive()


async def test_ring_is_a_number_with_the_sessions_token(tmp_path: Path) -> None:
    token = 'a"b\\c'
    async with (
        Inbox(tmp_path / "s", token).listening() as inbox,
        belled(inbox.path, token) as bell,
    ):
        _, writer = await bell.opened()
        writer.write(b'{"waiting": 2}\n')
        message = await inbox.message()
        writer.close()

    assert (message.token, message.priority) == (token, "next")
    assert re.fullmatch(
        r"2 Teams messages wait\. Call read_messages\. \(doorbell 1, \d\d:\d\d:\d\d\)", message.text
    )
    assert inbox.dropped == []


async def test_inbox_without_a_token_is_told_none(tmp_path: Path) -> None:
    async with Inbox(tmp_path / "s").listening() as inbox, belled(inbox.path) as bell:
        _, writer = await bell.opened()
        writer.write(b'{"waiting": 1}\n')
        message = await inbox.message()
        writer.close()

    assert message.token == ""
    assert message.text.startswith("1 Teams message waits. Call read_messages.")


async def test_rings_close_together_are_one_with_the_last_number(tmp_path: Path) -> None:
    async with Inbox(tmp_path / "s").listening() as inbox, belled(inbox.path) as bell:
        _, writer = await bell.opened()
        writer.write(b'{"waiting": 1}\n')
        first = await inbox.message()
        for waiting in range(2, 12):
            writer.write(b'{"waiting": %d}\n{"wai' % waiting)
            await writer.drain()
            writer.write(b'ting": %d}\n' % (waiting + 100))
        second = await inbox.message(2)
        writer.close()

    assert second.text.startswith("111 Teams messages wait.")
    assert second.at - first.at > 0.2
    assert len(inbox.messages) == 2


async def test_same_number_again_is_a_text_of_its_own(tmp_path: Path) -> None:
    """The host drops a message that repeats the last one."""
    async with Inbox(tmp_path / "s").listening() as inbox, belled(inbox.path) as bell:
        _, writer = await bell.opened()
        for number in (1, 2):
            writer.write(b'{"waiting": 1}\n')
            await inbox.message(number)
        writer.close()

    assert inbox.dropped == []


async def test_inbox_that_cannot_be_written_is_told_by_hanging_up(tmp_path: Path) -> None:
    """The daemon takes another way then; the inbox is tried again later."""
    async with belled(tmp_path / "s") as bell:
        reader, writer = await bell.opened()
        writer.write(b'{"waiting": 1}\n')
        async with asyncio.timeout(BOUND_S):
            assert await reader.read() == b""
        writer.close()

        async with Inbox(tmp_path / "s").listening() as inbox:
            _, writer = await bell.opened()
            writer.write(b'{"waiting": 1}\n')
            await inbox.message()
            writer.close()


async def test_daemon_that_leaves_is_connected_to_again(tmp_path: Path) -> None:
    async with Inbox(tmp_path / "s").listening() as inbox, belled(inbox.path) as bell:
        _, first = await bell.opened()
        first.write(b"noise\n\n{}\n")
        first.close()
        _, second = await bell.opened()
        second.write(b'{"waiting": 3}\n')
        assert (await inbox.message()).text.startswith("3 Teams messages wait.")
        second.close()
