"""A command, a daemon's end of it, and somebody who proves it or does not."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path

import pytest

from bot.asking import Line, connected
from bot.presences import Played
from bot.stage import until
from contracts.presence import PresenceContract
from entraclaw.bot.access import DESK
from entraclaw.bot.local_socket import Guest, listening
from entraclaw.bot.presence import Presence
from entraclaw.bot.principal import ActsAs
from entraclaw.bot.profile_lock import ProfileLock
from entraclaw.bot.proof import KEPT_S
from entraclaw.bot.proof_rooms import why_no_chat
from entraclaw.bot.proving import People, Proving
from entraclaw.bot.wish import Request, Result, Wish
from entraclaw.errors import EntraclawError, Unreachable

ADA = "ada"


@dataclass(slots=True)
class Scene:
    """What is wished for, who is asked, and what was done."""

    here: Played = field(default_factory=lambda: Played(answer=True))
    sponsors: frozenset[str] = frozenset({ADA})
    why_not: str = ""
    fails: str = ""
    is_of_a_host: bool = False
    done: list[str] = field(default_factory=list[str])
    told: list[str] = field(default_factory=list[str])

    async def bind(self, request: Request) -> Wish:
        async def do(by: str) -> Result:
            if self.fails:
                raise EntraclawError(self.fails)
            self.done.append(by)
            return {"did": "the thing is so"}

        return Wish("do the thing", needs_proof=request.get("easy") is not True, do=do)

    async def current(self) -> frozenset[str]:
        if not self.sponsors:
            raise Unreachable("Graph", "a test")
        return self.sponsors

    async def tell(self, people: Collection[str], words: str) -> Collection[str]:
        self.told.append(words)
        return people


@asynccontextmanager
async def proving(
    folder: Path,
    scene: Scene,
    moments: Iterator[float] | None = None,
    here: Callable[[int], Presence] | None = None,
) -> AsyncGenerator[Proving]:
    """Serve on a local socket; the clock tells *moments*, one after the other."""
    clock = moments or repeat(1000.0)
    people = People(scene.current, scene.tell, lambda: scene.why_not)

    def played(_pid: int) -> Presence:
        return scene.here

    serving = Proving({"thing": scene.bind}, people, lambda: next(clock), here or played)

    async def serve(guest: Guest) -> None:
        asked = json.loads(await guest.reader.readline())
        await serving.serve(guest, asked, lambda _pid: scene.is_of_a_host)

    async with listening(folder, serve):
        yield serving
        await serving.close()


@asynccontextmanager
async def asking(folder: Path, **asked: object) -> AsyncGenerator[Line]:
    async with connected(folder, "do -") as line:
        await line.say({"change": "thing", **asked})
        yield line


async def test_who_sits_here_proves_it_where_that_is_asked_for(tmp_path: Path) -> None:
    scene = Scene()
    async with proving(tmp_path, scene), asking(tmp_path, here=True) as line:
        assert await line.hear() == {"asked": {"what": "do the thing", "way": "played"}}
        assert scene.here.asked == []  # not before the command is ready to be asked
        await line.say({})
        assert await line.hear() == {"done": {"did": "the thing is so"}}

    assert (scene.done, scene.here.asked, scene.told) == ([DESK], ["do the thing"], [])


async def test_who_sits_here_is_asked_where_no_sponsor_can_be(tmp_path: Path) -> None:
    scene = Scene(sponsors=frozenset())
    async with proving(tmp_path, scene), asking(tmp_path) as line:
        assert (await line.hear())["asked"]["way"] == "played"
        await line.say({})
        assert "done" in await line.hear()

    assert scene.done == [DESK]


@pytest.mark.parametrize(
    "scene",
    [
        Scene(here=Played(answer=True, reason="no agent asks"), sponsors=frozenset()),
        Scene(here=Played(answer=True, reason="no agent asks"), why_not="it is locked"),
    ],
    ids=["sponsors unknown", "locked"],
)
async def test_where_nobody_can_be_asked_nothing_is_done_and_both_reasons_are_told(
    tmp_path: Path, scene: Scene
) -> None:
    async with proving(tmp_path, scene), asking(tmp_path) as line:
        refused = await line.hear()

    assert "no agent asks" in refused["error"]
    assert "it is locked" in refused["error"] or "the sponsors cannot be asked" in refused["error"]
    assert scene.done == []


async def test_who_says_no_here_changes_nothing(tmp_path: Path) -> None:
    scene = Scene(here=Played(answer=False))
    async with proving(tmp_path, scene), asking(tmp_path, here=True) as line:
        await line.hear()
        await line.say({})
        assert "nobody here confirmed it" in (await line.hear())["error"]

    assert scene.done == []


@pytest.mark.parametrize("is_ready", [False, True])
async def test_command_that_leaves_while_somebody_is_asked_changes_nothing(
    tmp_path: Path, *, is_ready: bool
) -> None:
    scene = Scene(here=Played(answer=None if is_ready else True))
    async with proving(tmp_path, scene):
        async with asking(tmp_path, here=True) as line:
            await line.hear()
            if is_ready:
                await line.say({})

                async def is_asked() -> bool:
                    return bool(scene.here.asked)

                await until(is_asked)
        async with asking(tmp_path, easy=True) as line:
            assert "done" in await line.hear()

    assert scene.done == [DESK]  # the easy one
    assert len(scene.here.asked) == is_ready


async def test_one_question_is_open_here_at_a_time(tmp_path: Path) -> None:
    """Ours: who is asked twenty times says yes once."""
    scene = Scene(here=Played(answer=None))
    async with (
        proving(tmp_path, scene),
        asking(tmp_path, here=True) as first,
        asking(tmp_path, here=True) as second,
    ):
        await first.hear()
        assert "another question is open here" in (await second.hear())["error"]
        await first.say({})

    assert scene.done == []


@pytest.mark.parametrize("here", [False, True])
async def test_session_of_a_host_cannot_ask_either_way(tmp_path: Path, *, here: bool) -> None:
    scene = Scene(is_of_a_host=True)
    async with proving(tmp_path, scene) as serving, asking(tmp_path, here=here) as line:
        assert "a session of an LLM host cannot ask" in (await line.hear())["error"]
        assert serving.open == ()

    assert (scene.done, scene.told, scene.here.asked) == ([], [], [])


async def test_request_that_nobody_confirms_runs_out(tmp_path: Path) -> None:
    scene = Scene()
    # Asked at 1000; the next look at the clock is when its time is up.
    moments = chain((1000.0, 1000.0), repeat(1000.0 + KEPT_S))
    async with proving(tmp_path, scene, moments) as serving, asking(tmp_path) as line:
        code = (await line.hear())["asked"]["code"]
        assert "nobody confirmed it in time" in (await line.hear())["error"]
        assert await serving.confirm(code, ADA) == ""

    assert scene.done == []


async def test_code_that_comes_when_time_is_up_is_too_late(tmp_path: Path) -> None:
    scene = Scene()
    moments = chain((1000.0, 1000.0, 1000.0), repeat(1000.0 + KEPT_S))
    async with proving(tmp_path, scene, moments) as serving, asking(tmp_path) as line:
        code = (await line.hear())["asked"]["code"]
        assert await serving.confirm(code, ADA) == ""
        assert "nobody confirmed it in time" in (await line.hear())["error"]

    assert scene.done == []


async def test_what_cannot_be_done_is_told_to_the_command_and_to_the_sponsor(
    tmp_path: Path,
) -> None:
    scene = Scene(fails="the disk is full")
    async with proving(tmp_path, scene) as serving, asking(tmp_path) as line:
        code = (await line.hear())["asked"]["code"]
        await until(lambda: _is_shown(serving))
        said = await serving.confirm(code, ADA)
        assert (await line.hear())["error"] == "the disk is full"

    assert said == "Not done, though you confirmed it: the disk is full"


async def test_sponsor_who_could_not_be_told_is_told_when_they_write_the_code(
    tmp_path: Path,
) -> None:
    scene = Scene()
    async with proving(tmp_path, scene) as serving, asking(tmp_path) as line:
        code = (await line.hear())["asked"]["code"]
        await until(lambda: _is_shown(serving))
        assert await serving.confirm(code, "joan") is None

        async def is_told() -> bool:
            return "joan" in serving.open[0].shown

        await until(is_told)
        assert await serving.confirm(code, "joan") == "Confirmed: the thing is so"
        assert (await line.hear())["done"] == {"did": "the thing is so", "by": "joan"}

    assert scene.told[1] == "That code has me do the thing. If you want that, write it once more."
    assert scene.done == ["joan"]


@pytest.mark.parametrize(
    ("acts_as", "is_locked", "says"),
    [
        (ActsAs.AGENT_USER, False, ""),
        (ActsAs.BOT, False, ""),
        (ActsAs.DELEGATED, False, "could write in their name"),
        (ActsAs.AGENT_USER, True, "the profile is locked"),
    ],
)
def test_chat_proves_nothing_where_the_agent_could_write_it_or_cannot_answer(
    tmp_path: Path, acts_as: ActsAs, says: str, *, is_locked: bool
) -> None:
    lock = ProfileLock(tmp_path)
    if is_locked:
        lock.lock("a test")

    reason = why_no_chat(acts_as, lock)

    assert bool(reason) is bool(says)
    assert says in reason


def _is_shown(serving: Proving) -> Awaitable[bool]:
    async def is_shown() -> bool:
        return bool(serving.open[0].shown)

    return is_shown()


class TestPlayed(PresenceContract):
    """Who plays somebody here keeps the same word."""

    @pytest.fixture
    def agreeing(self) -> Presence:
        return Played(answer=True)

    @pytest.fixture
    def refusing(self) -> Presence:
        return Played(answer=False)

    @pytest.fixture
    def silent(self) -> Presence:
        return Played(answer=None)
