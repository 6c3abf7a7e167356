"""Which session is handed what, and what people are told of it, with a real daemon."""

from collections.abc import AsyncGenerator, Mapping

import pytest

from bot.stage import Stage, unrung, until
from entraclaw.bot import seats
from entraclaw.bot.access import DESK
from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.agency import Agency
from entraclaw.bot.daemon import Daemon
from entraclaw.bot.handed import Handed
from entraclaw.bot.inbox import State
from entraclaw.bot.notices import Notice
from entraclaw.bot.sessions import Connection
from entraclaw.errors import TurnRefused

WEB = {"project": "/home/ada/web", "entry": "cli"}
API = {"project": "/home/ada/api", "entry": "cli"}


@pytest.fixture
async def daemon(stage: Stage) -> AsyncGenerator[Daemon]:
    async with stage.daemon(seat="") as running:
        yield running


def agency_of(daemon: Daemon) -> Agency:
    assert daemon.agency is not None
    return daemon.agency


async def come(
    daemon: Daemon, name: str, facts: Mapping[str, str] = WEB, *, is_child: bool = False
) -> Connection:
    connection = Connection(name, 0, unrung, facts)
    await agency_of(daemon).desk.expect(name)
    await agency_of(daemon).desk.arrive(connection, is_child=is_child)
    return connection


async def texts(daemon: Daemon, session: str) -> list[str]:
    """Read what waits for a session, and close it."""
    agency = agency_of(daemon)
    messages = (await agency.desk.read(session, 0)).messages
    for one in messages:
        await agency.answers.done(session, one.turn)
    return [one.view["text"] for one in messages]


async def allow_grace(stage: Stage) -> str:
    """Have somebody else on the list; gives her object id."""
    people = (await stage.control("GET", "people"))["people"]
    [(tenant, oid)] = [(one["tenant"], one["oid"]) for one in people if one["key"] == "grace"]
    AccessFile(stage.folder).change(
        lambda old: (old.allow((tenant, oid), "Grace", DESK, 1.0), None)
    )
    return str(oid)


async def said(stage: Stage, text: str, person: str = "ada") -> str:
    """Let somebody write, and wait until it waits; gives its conversation."""
    await stage.say(text, person=person)

    async def waits() -> bool:
        return stage.entries()[-1].state is State.WAITING

    await until(waits)
    return stage.entries()[-1].lane


async def notices(stage: Stage) -> list[str]:
    return [one["text"] for one in await stage.answers()]


async def test_second_session_gets_nothing_until_it_is_attached(
    stage: Stage, daemon: Daemon
) -> None:
    await allow_grace(stage)
    await come(daemon, "first")
    await come(daemon, "second", API)
    lane = await said(stage, "one")

    reading = await agency_of(daemon).desk.read("second", 0)
    assert (reading.messages, reading.waiting, reading.is_attached) == ((), 0, False)
    assert (await agency_of(daemon).attaching.attach("second", lane)).conversations == (lane,)
    assert await texts(daemon, "second") == ["one"]
    await said(stage, "two", "grace")
    assert await texts(daemon, "second") == []
    assert await texts(daemon, "first") == ["two"]


async def test_turn_that_is_open_stays_where_it_is_when_its_conversation_moves(
    stage: Stage, daemon: Daemon
) -> None:
    agency = agency_of(daemon)
    await come(daemon, "first")
    await come(daemon, "second")
    lane = await said(stage, "one")
    [held] = (await agency.desk.read("first", 0)).messages
    await agency.attaching.attach("second", lane)
    await stage.say("and this too")
    with pytest.raises(TurnRefused, match="another session"):
        await agency.answers.reply("second", held.turn, "mine")

    [more] = (await agency.desk.read("first", 30.0)).messages
    assert (more.turn, more.amends) == (held.turn, True)
    await agency.answers.reply("first", held.turn, "both")
    await said(stage, "from now on")
    assert await texts(daemon, "first") == []
    assert await texts(daemon, "second") == ["from now on"]


async def test_session_that_nobody_sits_at_starts_with_nothing(
    stage: Stage, daemon: Daemon
) -> None:
    await come(daemon, "alone", {"entry": "sdk-cli", "project": "/home/ada/web"})
    await come(daemon, "child", is_child=True)
    await said(stage, "hello")

    assert await texts(daemon, "alone") + await texts(daemon, "child") == []
    attached = await agency_of(daemon).attaching.attach("child", "")
    assert (attached.rest, attached.conversations) == (True, ())
    assert await texts(daemon, "child") == ["hello"]


async def test_who_writes_is_told_once_that_it_waits_when_no_session_gets_it(
    stage: Stage, daemon: Daemon
) -> None:
    await said(stage, "anybody?")
    await stage.say("hello?")

    async def has_notice() -> bool:
        return await notices(stage) == [Notice.QUEUED]

    await until(has_notice)
    await come(daemon, "first")
    reading = await agency_of(daemon).desk.read("first", 0)
    assert [one.view["text"] for one in reading.messages] == ["anybody?"]
    assert reading.waiting == 1
    assert await notices(stage) == [Notice.QUEUED]


async def test_next_session_takes_over_what_goes_by_rule(stage: Stage, daemon: Daemon) -> None:
    first = await come(daemon, "first")
    await come(daemon, "second", API)
    await agency_of(daemon).desk.depart(first)
    await said(stage, "hello")

    assert await texts(daemon, "second") == ["hello"]


async def test_detached_session_gets_nothing_more(stage: Stage, daemon: Daemon) -> None:
    agency = agency_of(daemon)
    await come(daemon, "first")
    lane = await said(stage, "one")
    await agency.attaching.attach("first", lane)
    attached = await agency.attaching.detach("first", "")

    assert (attached.rest, attached.conversations) == (False, ())
    assert await texts(daemon, "first") == []
    await agency.attaching.attach("first", lane)
    assert await texts(daemon, "first") == ["one"]
    await agency.attaching.detach("first", lane)
    await said(stage, "two")
    assert await texts(daemon, "first") == []


async def test_person_is_told_where_a_chat_goes_when_it_moves(stage: Stage, daemon: Daemon) -> None:
    await come(daemon, "first")
    await come(daemon, "second", API)
    lane = await said(stage, "one")
    for _ in range(2):
        await agency_of(daemon).attaching.attach("second", lane)

    async def is_told() -> bool:
        return bool(await notices(stage))

    await until(is_told)
    assert await notices(stage) == [Notice.ATTACHED.format(detail="api")]


async def test_conversation_of_another_session_is_not_shown(stage: Stage, daemon: Daemon) -> None:
    desk = agency_of(daemon).desk
    await come(daemon, "first")
    await come(daemon, "second")
    lane = await said(stage, "one")

    assert len(await desk.conversation("first", lane, 10)) == 1
    with pytest.raises(TurnRefused, match="not this session's"):
        await desk.conversation("second", lane, 10)


@pytest.mark.parametrize("release", [False, True])
async def test_conversation_that_is_none_is_refused(daemon: Daemon, release: bool) -> None:  # noqa: FBT001 - a parameter
    await come(daemon, "first")
    attaching = agency_of(daemon).attaching
    with pytest.raises(TurnRefused, match="there is no conversation 'a:nowhere'"):
        await (attaching.detach if release else attaching.attach)("first", "a:nowhere")


async def test_session_that_is_not_connected_cannot_be_attached(
    stage: Stage, daemon: Daemon
) -> None:
    lane = await said(stage, "one")
    with pytest.raises(TurnRefused, match="not connected"):
        await agency_of(daemon).attaching.attach("ghost", lane)


async def test_attachment_outlives_a_restart_and_the_session_too(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seats, "BACK_S", 0.3)
    async with stage.daemon(seat="") as daemon:
        await come(daemon, "first")
        await come(daemon, "second", API)
        lane = await said(stage, "one")
        await agency_of(daemon).attaching.attach("second", lane)
    async with stage.daemon(seat="") as daemon:
        await come(daemon, "first")
        assert await texts(daemon, "first") == []  # second may be back in a moment
        assert [one.view["text"] for one in await _read(daemon, "first")] == ["one"]
        await come(daemon, "second", API)
        await agency_of(daemon).answers.done("first", stage.entries()[-1].turn)
        await said(stage, "two")
        assert await texts(daemon, "first") == []
        assert await texts(daemon, "second") == ["two"]


async def _read(daemon: Daemon, session: str) -> tuple[Handed, ...]:
    return (await agency_of(daemon).desk.read(session, 30.0)).messages


async def test_rule_of_the_settings_sends_a_project_its_chat(stage: Stage) -> None:
    oid = await allow_grace(stage)
    config = stage.folder / "config.toml"
    rules = f'[[attach]]\nproject = "/home/ada/api"\nsponsor = "{oid}"\n\n[[attach]]\n'
    config.write_text(config.read_text(encoding="utf-8") + rules, encoding="utf-8")
    async with stage.daemon(seat="") as daemon:
        await come(daemon, "first")
        await come(daemon, "second", API)
        await said(stage, "from ada")
        await said(stage, "from grace", "grace")

        assert await texts(daemon, "first") == ["from ada"]
        assert await texts(daemon, "second") == ["from grace"]
