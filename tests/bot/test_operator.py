"""The operator's commands beside a running daemon."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.proofs import confirm
from bot.stage import PROFILE, Stage, until
from bot.typed import Said, typing
from entraclaw.bot.answers import TEXT_LIMIT
from entraclaw.bot.commands.status import next_step
from entraclaw.bot.daemon import Daemon
from entraclaw.bot.desk import Desk
from entraclaw.bot.inbox import State
from entraclaw.bot.profile_lock import ProfileLock

BOUND_S = 30.0

Type = Callable[..., Awaitable[Said]]


@pytest.fixture
def typed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Type:
    """Type beside the daemon: it needs this loop meanwhile."""
    run = typing(stage.home, monkeypatch, capsys, PROFILE)

    def type_beside(*words: str, stdin: str = "") -> Awaitable[Said]:
        return asyncio.to_thread(run, *words, stdin=stdin)

    return type_beside


@pytest.fixture
async def daemon(stage: Stage) -> AsyncGenerator[Daemon]:
    async with stage.daemon() as running:
        yield running


@pytest.fixture
async def deserted(stage: Stage) -> AsyncGenerator[Daemon]:
    async with stage.daemon(seat="") as running:
        yield running


def desk_of(daemon: Daemon) -> Desk:
    assert daemon.desk is not None
    return daemon.desk


async def settle(stage: Stage, *states: State) -> None:
    """Wait until the entries, oldest first, are in *states*."""

    async def are() -> bool:
        return [entry.state for entry in stage.entries()] == list(states)

    await until(are)


async def lane_of(stage: Stage) -> str:
    """Have Ada write, and give her chat's id."""
    await stage.say("hello")
    await settle(stage, State.WAITING)
    return stage.entries()[0].lane


async def test_dropped_turn_makes_way_for_the_next_one(
    stage: Stage, daemon: Daemon, typed: Type
) -> None:
    await lane_of(stage)
    await stage.say("stuck behind it")
    await settle(stage, State.WAITING, State.WAITING)
    await desk_of(daemon).read("s", 0)
    reading = asyncio.create_task(desk_of(daemon).read("s", BOUND_S))
    said = await typed("inbox", "drop", "1", "--json")

    async with asyncio.timeout(BOUND_S):
        messages = (await reading).messages
    assert said.document == {"seq": 1, "state": "dropped", "daemon": True}
    assert [message.view["text"] for message in messages] == ["stuck behind it"]


async def test_replayed_message_is_judged_by_the_rules_as_they_are_now(
    stage: Stage, daemon: Daemon, typed: Type
) -> None:
    await stage.say("let me in", person="grace")
    await settle(stage, State.DROPPED)
    [told] = (await typed("inbox", "why", "1", "--json")).document["entries"]
    allow, replay = (cure["command"].split()[1:] for cure in told["cures"])

    allowing = asyncio.ensure_future(typed(*allow))
    await confirm(stage, daemon)
    assert (await allowing).code == 0
    assert (await typed(*replay)).out.startswith("entry 1 is judged again;")
    await settle(stage, State.WAITING, State.DONE, State.DONE)


async def test_what_cannot_be_done_is_the_daemons_own_sentence(
    stage: Stage, daemon: Daemon, typed: Type
) -> None:
    del daemon
    await lane_of(stage)
    refused = await typed("inbox", "replay", "1")

    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("entraclaw: error: entry 1 cannot be replayed: it is waiting\n")
    assert (await typed("inbox", "drop", "99")).err.startswith(
        "entraclaw: error: there is no entry 99\n"
    )


async def test_why_knows_what_the_daemon_does_next(
    stage: Stage, deserted: Daemon, typed: Type
) -> None:
    del deserted
    await lane_of(stage)
    [told] = (await typed("inbox", "why", "1", "--json")).document["entries"]
    assert told["next"] == "it is handed out as soon as a host is attached: entraclaw mcp"

    ProfileLock(stage.folder).lock("somebody said so")
    [told] = (await typed("inbox", "why", "1", "--json")).document["entries"]
    assert told["next"] == "nothing while the profile is locked: somebody said so"


async def test_message_is_sent_as_the_agent_and_named_by_whom_it_reaches(
    stage: Stage, daemon: Daemon, typed: Type
) -> None:
    del daemon
    lane = await lane_of(stage)

    said = await typed("send", lane, "-", stdin="good morning\n")

    [answer] = await stage.answers()
    assert answer["text"] == "good morning"
    assert said.out.startswith("sent to Ada Lovelace as ")
    assert answer["id"] in said.out
    document = (await typed("send", lane, "again", "--json")).document
    assert (document["conversation"], document["place"]) == (lane, "Ada Lovelace")


async def test_nothing_is_sent_to_a_place_that_is_not_known_and_the_known_are_listed(
    stage: Stage, daemon: Daemon, typed: Type
) -> None:
    del daemon
    lane = await lane_of(stage)

    said = await typed("send", "a:nowhere", "hello")

    assert (said.code, said.out) == (1, "")
    assert said.err.splitlines() == [
        "Ada Lovelace",
        f"  {lane}",
        "entraclaw: error: nothing ever came from that conversation",
        "entraclaw: hint: name one of those above",
    ]
    assert await stage.answers() == []


@pytest.mark.parametrize(("words", "code"), [(" ", 2), ("x" * (TEXT_LIMIT + 1), 1)])
async def test_nothing_and_too_much_are_not_sent(
    stage: Stage, daemon: Daemon, typed: Type, words: str, code: int
) -> None:
    del daemon
    lane = await lane_of(stage)

    assert (await typed("send", lane, "-", stdin=words)).code == code
    assert await stage.answers() == []


async def test_locked_profile_sends_nothing(stage: Stage, daemon: Daemon, typed: Type) -> None:
    del daemon
    lane = await lane_of(stage)
    ProfileLock(stage.folder).lock("somebody said so")

    said = await typed("send", lane, "hello")

    assert (said.code, await stage.answers()) == (1, [])
    assert "this profile is locked (somebody said so)" in said.err


async def test_refusal_of_the_world_has_its_own_exit_code(
    stage: Stage, daemon: Daemon, typed: Type
) -> None:
    del daemon
    lane = await lane_of(stage)
    await stage.control("PUT", "faults", {"connector": {"status": 403}})

    refused = await typed("send", lane, "hello")
    await stage.control("PUT", "faults", {"connector": None})

    assert (refused.code, refused.out) == (3, "")
    assert "refused the call (403" in refused.err


async def test_message_that_broke_off_is_not_called_unsent(
    stage: Stage, daemon: Daemon, typed: Type
) -> None:
    del daemon
    lane = await lane_of(stage)
    await stage.control("PUT", "faults", {"connector": {"after": True, "times": 1}})

    cut = await typed("send", lane, "hello")
    await stage.control("PUT", "faults", {"connector": None})

    assert (cut.code, len(await stage.answers())) == (3, 1)
    assert "look at the chat before you send it again" in cut.err


async def test_what_was_missed_is_read_and_counted(
    stage: Stage, daemon: Daemon, typed: Type
) -> None:
    del daemon
    await lane_of(stage)

    said = await typed("catch-up")
    document = (await typed("catch-up", "--json")).document

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("read back to 20")
    assert (document["new"], document["refused"]) == (0, 0)


async def test_status_for_a_person_names_queues_and_the_next_step(
    stage: Stage, deserted: Daemon, typed: Type
) -> None:
    del deserted
    await lane_of(stage)

    out = (await typed("status")).out

    assert "Ada Lovelace: queued (1)" in out
    assert out.rstrip().endswith("start your host with `entraclaw mcp` as an MCP server")
    assert max(map(len, out.splitlines())) <= 80
    document = (await typed("status", "--json")).document
    assert (document["warnings"], document["queues"][0]["queued"]) == ([], 1)


async def test_doctor_looks_beside_a_running_daemon(
    stage: Stage, daemon: Daemon, typed: Type
) -> None:
    del daemon
    await lane_of(stage)
    stage.folder.chmod(0o755)

    before = await typed("doctor", "--json")
    after = await typed("doctor", "--fix")

    [red] = [one for one in before.document["findings"] if not one["ok"]]
    assert (before.code, red["name"], red["fixable"]) == (1, "modes", True)
    assert (after.code, after.out.splitlines()[-1]) == (0, "All is well.")


async def test_home_that_a_service_copies_is_warned_of(
    stage: Stage, tmp_path: Path, caplog: pytest.LogCaptureFixture, typed: Type
) -> None:
    copied = tmp_path / "Dropbox"
    stage.home.rename(copied)
    stage.home = copied
    async with stage.daemon(seat="") as running:
        [warning] = (await stage.status())["warnings"]
        assert "is copied by Dropbox" in warning
        assert warning in caplog.text
    del running, typed


def test_next_step_is_the_one_thing_that_matters_most() -> None:
    well: dict[str, Any] = {
        "locked": None,
        "trouble": None,
        "warnings": [],
        "tokens": [],
        "identity": {"tenant": "t", "delegated": None},
        "inbox": {state.value: 0 for state in State},
        "approvals": 0,
        "key": {"warning": None},
        "service": None,
        "sessions": [{}],
    }

    assert next_step(well) == ""
    stale: dict[str, object] = {"service": {"cure": "entraclaw service install"}, "sessions": []}
    assert next_step(well | stale) == "entraclaw service install"
    assert next_step(well | {"approvals": 1, "sessions": []}) == "entraclaw approvals list"
    refused = {"tokens": [{"cure": None}, {"cure": "grant consent"}], "sessions": []}
    assert next_step(well | refused) == "grant consent"
    assert next_step(well | {"tokens": [{"cure": None}]}) == "try again in a minute"
    nobody: dict[str, object] = {"identity": {"tenant": None, "delegated": None}, "sessions": []}
    assert next_step(well | nobody) == "entraclaw setup"
    assert next_step(well | {"locked": "so", "sessions": []}) == "entraclaw doctor"
    dead = well | {"inbox": {**dict.fromkeys(State, 0), State.DEAD: 1}}
    assert next_step(dead) == "entraclaw inbox list --state dead"
    ending = {"key": {"warning": "the key's certificate ends in 9 days"}}
    assert next_step(well | ending) == "entraclaw key rotate"
    assert next_step(dead | ending) == "entraclaw inbox list --state dead"
    assert next_step(well | {"key": None}) == ""
