"""Requests over the real local socket, with time made to pass by hand."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.asking import BASH, SESSION, Line, asking, connected
from bot.stage import until
from entraclaw.bot import local_socket
from entraclaw.bot.approvals import Approvals, Way
from entraclaw.bot.local_socket import Guest
from entraclaw.bot.permission import EXPIRY_S, IN_ALL, PER_SESSION, Behavior, HeldTurn, Verdict
from entraclaw.bot.question import Origin, Question
from entraclaw.errors import ApprovalRefused


@dataclass(slots=True)
class Time:
    """A clock and its alarms; nothing passes by itself."""

    now: float = 1_000.0
    alarms: dict[object, tuple[float, Callable[[], None]]] = field(
        default_factory=dict[object, tuple[float, Callable[[], None]]]
    )

    def alarm(self, delay: float, ring: Callable[[], None], /) -> Callable[[], None]:
        key = object()
        self.alarms[key] = (self.now + delay, ring)

        def cancel() -> None:
            if key in self.alarms:
                del self.alarms[key]

        return cancel

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        for key, (due, ring) in [*self.alarms.items()]:
            if due <= self.now and key in self.alarms:
                del self.alarms[key]
                ring()


@dataclass(frozen=True, slots=True)
class Room:
    """Approvals behind a socket, and what they tell of themselves."""

    folder: Path
    time: Time
    approvals: Approvals
    told: list[tuple[str, dict[str, object]]]

    async def waiting(self, number: int) -> list[str]:
        """Wait until *number* requests are open; gives their ids."""

        async def are() -> bool:
            return len(self.approvals.open()) == number

        await until(are)
        return [one.id for one in self.approvals.open()]


@asynccontextmanager
async def opened(folder: Path) -> AsyncGenerator[Room]:
    time, told = Time(), list[tuple[str, dict[str, object]]]()

    async def turns(session: str) -> Sequence[HeldTurn]:
        return [HeldTurn(f"turn of {session}", "19:x", "oid", "Ada")]

    approvals = Approvals(
        turns, lambda what, facts: told.append((what, facts)), lambda: time.now, time.alarm
    )

    async def serve(guest: Guest) -> None:
        said = await approvals.serve(guest)
        await Line(guest.reader, guest.writer).say(said)

    async with local_socket.listening(folder, serve):
        yield Room(folder, time, approvals, told)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncGenerator[Room]:
    async with opened(tmp_path) as room:
        yield room


async def test_hook_hears_the_verdict(room: Room) -> None:
    async with asking(room.folder) as hook:
        [name] = await room.waiting(1)
        room.approvals.answer(name, Behavior.DENY, "desk", "not on a Friday")

        assert await hook.hear() == {"behavior": "deny", "message": "not on a Friday"}
        assert await hook.hears_nothing_more()
    assert room.approvals.open() == ()


async def test_request_tells_whose_turns_its_session_held(room: Room) -> None:
    async with asking(room.folder):
        await room.waiting(1)
        [request] = room.approvals.open()

    assert [turn.turn for turn in request.turns] == [f"turn of {SESSION}"]


async def test_nobody_answers_and_the_hook_hears_nothing_when_it_expires(room: Room) -> None:
    async with asking(room.folder) as first:
        [name] = await room.waiting(1)
        room.time.pass_(1.0)
        async with asking(room.folder) as second:
            _, other = await room.waiting(2)
            room.time.pass_(EXPIRY_S - 1.0)

            assert await first.hear() == {}
            assert [one.id for one in room.approvals.open()] == [other]
            room.time.pass_(1.0)
            assert await second.hear() == {}
    with pytest.raises(ApprovalRefused, match=f"{name} has expired"):
        room.approvals.answer(name, Behavior.ALLOW, "desk")
    assert not room.time.alarms


async def test_asker_that_hangs_up_withdraws(room: Room) -> None:
    async with asking(room.folder):
        [name] = await room.waiting(1)
    await room.waiting(0)

    with pytest.raises(ApprovalRefused, match="withdrawn"):
        room.approvals.answer(name, Behavior.ALLOW, "desk")


async def test_daemon_that_stops_withdraws(tmp_path: Path) -> None:
    async with opened(tmp_path) as room, AsyncExitStack() as stack:
        hook = await stack.enter_async_context(asking(tmp_path))
        await room.waiting(1)
        rest = stack.pop_all()
    async with rest:
        assert await hook.hears_nothing_more()
    assert [what for what, _ in room.told] == ["asked", "withdrawn"]


async def test_asker_that_goes_on_talking_is_not_listened_to(room: Room) -> None:
    async with asking(room.folder) as hook:
        [name] = await room.waiting(1)
        hook.writer.write(b"x" * 200_000 + b"\n")
        await hook.writer.drain()
        room.approvals.answer(name, Behavior.ALLOW, "desk")

        assert await hook.hear() == {"behavior": "allow", "message": ""}


@pytest.mark.parametrize("line", [b"garbage\n", b"{}\n", b"\n", b"x" * (17 * 1024 * 1024) + b"\n"])
async def test_what_is_no_question_is_told_so(room: Room, line: bytes) -> None:
    async with connected(room.folder, f"ask {SESSION}") as hook:
        hook.writer.write(line)

        assert await hook.hear() == {"error": "this is no question about a tool"}
    assert room.told == []


async def test_happenings_are_ids_and_outcomes(room: Room) -> None:
    async with asking(room.folder) as hook:
        [name] = await room.waiting(1)
        room.approvals.answer(name, Behavior.ALLOW, "desk")
        await hook.hear()

    about = {"approval": name, "session": SESSION}
    assert room.told == [
        ("asked", {**about, "origin": "hook", "tool": "Bash"}),
        ("allowed", {**about, "by": "desk"}),
    ]


async def test_session_at_its_limit_is_left_to_its_terminal_and_others_are_not(room: Room) -> None:
    async with AsyncExitStack() as stack:
        for number in range(PER_SESSION):
            await stack.enter_async_context(asking(room.folder, number))
        await room.waiting(PER_SESSION)

        async with asking(room.folder, "one more") as hook:
            assert await hook.hear() == {}
        async with asking(room.folder, session="other"):
            await room.waiting(PER_SESSION + 1)


async def test_limit_of_all_sessions_leaves_the_next_one_to_its_terminal(room: Room) -> None:
    async with AsyncExitStack() as stack:
        for number in range(IN_ALL):
            await stack.enter_async_context(asking(room.folder, number, session=f"s{number % 8}"))
        names = await room.waiting(IN_ALL)

        async with asking(room.folder, session="new") as hook:
            assert await hook.hear() == {}
        room.approvals.answer(names[0], Behavior.DENY, "desk")
        async with asking(room.folder, session="new"):
            await room.waiting(IN_ALL)


async def test_question_by_two_ways_is_answered_by_both(room: Room) -> None:
    heard: asyncio.Future[Verdict | None] = asyncio.get_running_loop().create_future()
    async with asking(room.folder) as hook:
        [name] = await room.waiting(1)
        [request] = room.approvals.open()
        asked = request.question
        again = Question(
            SESSION, "Bash", "", asked.input, 0, Origin.CHANNEL, asked.sameness, "abcde"
        )
        joined = await room.approvals.ask(again, Way(0, heard.set_result))
        room.approvals.answer(name, Behavior.ALLOW, "desk")

        assert joined.id == name
        assert await hook.hear() == {"behavior": "allow", "message": ""}
        assert heard.result() == Verdict(Behavior.ALLOW, "desk")


async def test_one_of_two_ways_that_ends_withdraws_the_request(room: Room) -> None:
    """Ours: a hook ends when its question was answered in the terminal."""
    heard: asyncio.Future[Verdict | None] = asyncio.get_running_loop().create_future()
    async with asking(room.folder, BASH):
        await room.waiting(1)
        [request] = room.approvals.open()
        again = Question(
            SESSION, "Bash", "", "", 0, Origin.CHANNEL, request.question.sameness, "abcde"
        )
        await room.approvals.ask(again, Way(0, heard.set_result))
    await room.waiting(0)

    assert heard.result() is None
