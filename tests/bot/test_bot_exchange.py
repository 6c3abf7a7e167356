"""A sideloaded bot receives and answers; the agent user does the rest, or nobody does."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from bot.exchange import BRISK
from bot.stage import PROFILE, Sandbox, Stage, staged, until
from bot.typed import typing
from entraclaw.bot.access import DESK
from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.daemon import Daemon
from entraclaw.bot.inbox import State
from entraclaw.errors import NoPrincipal, Uncertain


@pytest.fixture
async def both(emulation: Sandbox, tmp_path: Path) -> AsyncGenerator[Stage]:
    """A bot that receives, and an agent user that acts."""
    async with staged(emulation, tmp_path / "home", "bot", "agent_user") as stage:
        yield stage


@pytest.fixture
async def alone(emulation: Sandbox, tmp_path: Path) -> AsyncGenerator[Stage]:
    """A bot, and nobody else."""
    async with staged(emulation, tmp_path / "home", "bot", "bot") as stage:
        yield stage


async def turn_of(daemon: Daemon) -> str:
    assert daemon.desk is not None
    [one] = (await daemon.desk.read("s", 30.0)).messages
    return one.turn


async def answer(daemon: Daemon, text: str) -> None:
    assert daemon.agency is not None
    await daemon.agency.answers.reply("s", await turn_of(daemon), text, final=True)


async def tokens(stage: Stage, client: str) -> list[str]:
    """Which tokens *client* asked for: the hop, or the refusal's number."""
    lines = (await stage.control("GET", "tokens"))["requests"]
    return [str(one["code"] or one["hop"]) for one in lines if one["client_id"] == client]


async def at_graph(stage: Stage) -> set[tuple[str, str]]:
    """Who called Graph: kind and object id."""
    calls = (await stage.control("GET", "calls"))["calls"]
    return {(one["sender"]["idtyp"], one["sender"]["oid"]) for one in calls if one["sender"]}


def allow(stage: Stage, person: dict[str, Any]) -> None:
    account = (person["tenant"], person["oid"])
    AccessFile(stage.folder).change(
        lambda access: (access.allow(account, person["key"], DESK, 1.0), None)
    )


async def people(stage: Stage) -> dict[str, dict[str, Any]]:
    return {one["key"]: one for one in (await stage.control("GET", "people"))["people"]}


async def test_bot_answers_and_the_agent_user_is_at_graph(both: Stage) -> None:
    async with both.daemon() as daemon:
        before = await at_graph(both)
        receipt = await both.say("hello")
        await answer(daemon, "good day")
        [said] = await both.answers()

        assert receipt["status"] == 202
        assert (said["text"], said["conversation"]) == ("good day", receipt["conversation"])
        assert said["sender"]["idtyp"] == "app"
        assert said["sender"]["azp"] == said["from"]["oid"] == both.agent.bot
        assert await at_graph(both) - before == {("user", both.agent.user)}
        assert await tokens(both, both.agent.bot) == ["bot"]
        assert await tokens(both, both.agent.blueprint) == ["blueprint"]


async def test_sponsor_speaks_to_the_bot_as_a_sponsor_and_a_stranger_does_not(both: Stage) -> None:
    """The agent user's sponsors, who are read as the agent user."""
    async with both.daemon() as daemon:
        assert daemon.desk is not None
        await both.say("hello")
        await both.say("let me in", person="mallory")
        [one] = (await daemon.desk.read("s", 30.0)).messages
        assert one.entry.arrival.sender == (await people(both))["ada"]["oid"]

        async def is_dropped() -> bool:
            return [e.state for e in both.entries()][1] is State.DROPPED

        await until(is_dropped)


async def test_bot_is_addressed_by_its_own_mention_in_a_group(both: Stage) -> None:
    async with both.daemon() as daemon:
        assert daemon.desk is not None
        await both.say("just talking", kind="groupChat", mention=False)
        await both.say("what do you say", kind="groupChat")
        [one] = (await daemon.desk.read("s", 30.0)).messages
        assert one.view["text"] == "what do you say"
        assert daemon.agency is not None
        await daemon.agency.answers.reply("s", one.turn, "this", final=True)

        [said] = await both.answers()
        assert said["conversation"].startswith("19:")
        assert said["sender"]["azp"] == both.agent.bot


async def test_mention_of_the_agent_user_is_not_one_of_the_bot(both: Stage) -> None:
    mention = {
        "type": "mention",
        "mentioned": {"id": f"8:orgid:{both.agent.user}", "name": "Agent"},
        "text": "<at>Agent</at>",
    }
    async with both.daemon() as daemon:
        assert daemon.desk is not None
        await both.say("hello", kind="groupChat", mention=False)
        group = (await both.control("GET", "transcript?after=0&wait_s=0"))["entries"][-1]
        place = {"id": group["conversation"], "conversationType": "groupChat", "isGroup": True}
        body = await both.activity(
            id="1763930009999",
            conversation=place,
            text="<at>Agent</at> and you?",
            entities=[mention],
        )
        assert (await both.post(daemon, body)).status == 202

        async def is_observed() -> bool:
            return {e.state for e in both.entries()} == {State.DONE}

        await until(is_observed)


async def test_reaction_is_the_bots(both: Stage) -> None:
    async with both.daemon() as daemon:
        await both.say("done?")
        assert daemon.agency is not None
        await daemon.agency.answers.react("s", await turn_of(daemon), "check")

        [said] = await both.answers()
        assert (said["kind"], said["text"]) == ("reaction", "2705_whiteheavycheckmark")
        assert said["sender"]["azp"] == both.agent.bot


async def test_picture_in_the_bots_chat_is_fetched_with_the_bots_token(both: Stage) -> None:
    pixel = (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
        "rkJggg=="
    )
    async with both.daemon() as daemon:
        assert daemon.agency is not None
        assert daemon.desk is not None
        enclosures = [{"name": "dot.png", "content_type": "image/png", "bytes": pixel}]
        await both.say("look", attachments=enclosures)
        reading = await daemon.desk.read("s", 30.0)
        [picture] = await daemon.agency.fetching.pictures([m.entry for m in reading.messages])

        assert picture.problem == ""
        assert picture.fetched is not None
        assert picture.fetched.content_type == "image/png"


async def test_restart_answers_what_waited_as_the_bot(both: Stage) -> None:
    async with both.daemon():
        await both.say("before")
    async with both.daemon() as daemon:
        await answer(daemon, "after")
        [said] = await both.answers()
        assert (said["text"], said["sender"]["azp"]) == ("after", both.agent.bot)


async def test_status_and_whoami_say_which_principal_does_what(both: Stage) -> None:
    async with both.daemon() as daemon:
        await both.say("hello")
        await answer(daemon, "hi")
        status = await both.status()

    identity = status["identity"]
    assert (identity["inbound"], identity["answers_as"]) == ("bot", "bot")
    assert (identity["acts_as"], identity["agent_user"]) == ("agent_user", both.agent.user)
    assert (identity["bot"], identity["catches_up"]) == (both.agent.bot, False)
    assert status["pipeline"] == {"turns": {"message": 1}, "sends": 1, "sends_as": "bot"}


async def test_what_the_bot_missed_is_not_looked_for_as_the_agent_user(both: Stage) -> None:
    """The agent user's chats are others than the bot's."""
    async with both.daemon() as daemon:
        assert daemon.agency is not None
        caught = await daemon.agency.controls.do({"verb": "catch-up"})

    assert "the chats in Graph are the agent user's" in caught["error"]
    assert "docs/principals.md" in caught["hint"]


async def test_troubles_of_both_principals_are_told_with_whose_they_are(both: Stage) -> None:
    faults = [
        {"agent": both.agent.bot, "code": 700027},
        {"agent": both.agent.user, "hop": "user", "code": 65001},
    ]
    await both.control("PUT", "entra-faults", {"faults": faults})
    try:
        async with both.daemon():

            async def are_told() -> bool:
                return len((await both.status())["tokens"]) == len(faults)

            await until(are_told)
            told = {one["principal"]: one for one in (await both.status())["tokens"]}
    finally:
        await both.control("PUT", "entra-faults", {"faults": []})

    assert "the bot hop was refused" in told["bot"]["cause"]
    assert "registered on the bot" in told["bot"]["cure"]
    assert told["bot"]["resource"] == "https://api.botframework.com"
    assert "the user hop was refused" in told["agent_user"]["cause"]


async def test_refused_bot_is_not_answered_for_by_the_agent_user(both: Stage) -> None:
    async with both.daemon() as daemon:
        assert daemon.agency is not None
        await both.say("hello")
        turn = await turn_of(daemon)
        refusal = {"agent": both.agent.bot, "code": 7000112}
        await both.control("PUT", "entra-faults", {"faults": [refusal]})
        await both.control("POST", f"agents/{both.agent.bot}/revocations")
        try:
            with pytest.raises(Exception, match="bot hop was refused"):
                await daemon.agency.answers.reply("s", turn, "hi", final=True)
        finally:
            await both.control("PUT", "entra-faults", {"faults": []})
        assert await both.answers() == []


async def test_bot_alone_lets_in_who_is_on_the_list_and_asks_graph_nothing(alone: Stage) -> None:
    before = await at_graph(alone)
    allow(alone, (await people(alone))["ada"])
    async with alone.daemon() as daemon:
        await alone.say("hello")
        await answer(daemon, "good day")
        [said] = await alone.answers()

        assert (said["text"], said["sender"]["azp"]) == ("good day", alone.agent.bot)
        assert await at_graph(alone) == before
        assert (await alone.status())["trouble"] is None


async def test_bot_alone_offers_a_colleague_a_code_and_a_stranger_nothing(alone: Stage) -> None:
    """Whose tenant somebody is of is on the roster of the bot's conversation."""
    AccessFile(alone.folder).change(lambda access: (access.set_pairing(on=True), None))
    async with alone.daemon() as daemon:
        await alone.say("hello", person="grace")
        await alone.say("hello", person="mallory")

        async def are_decided() -> bool:
            return {e.state for e in alone.entries()} == {State.DROPPED}

        await until(are_decided)
        reasons = [entry.reason for entry in alone.entries()]
        assert reasons == ["not allowed; was told a code", "home tenant not known"]

        async def is_told() -> bool:
            return bool(await alone.answers())

        await until(is_told)
        [told] = await alone.answers()
        assert "If the person who runs me enters the code" in told["text"]
        status = await alone.status()
        assert "nobody may speak" in status["trouble"]
        assert status["identity"]["agent_user"] is None
        assert daemon.agency is not None
        with pytest.raises(NoPrincipal, match="a bot has no rights"):
            await daemon.agency.acting.graph.token()


async def test_answer_of_unknown_outcome_in_a_bots_chat_is_left_to_the_operator(
    both: Stage,
) -> None:
    """Nobody can read a bot's chat back: sending it again might say it twice."""
    async with both.daemon(BRISK) as daemon:
        assert daemon.agency is not None
        await both.say("hello")
        turn = await turn_of(daemon)
        before = await at_graph(both)
        await both.control("PUT", "faults", {"connector": {"times": 1, "before": True}})
        with pytest.raises(Uncertain):
            await daemon.agency.answers.reply("s", turn, "hi", final=True)

        async def is_left() -> bool:
            return not [t for t in asyncio.all_tasks() if t.get_name() == "settling"]

        await until(is_left)
        [entry] = both.entries()
        assert entry.state is State.AMBIGUOUS
        assert await both.answers() == []
        assert await at_graph(both) == before


async def test_status_for_a_person_says_who_receives_and_what_that_costs(
    alone: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = typing(alone.home, monkeypatch, capsys, PROFILE)
    async with alone.daemon() as daemon:

        async def has_looked() -> bool:
            return daemon.agency is not None and daemon.agency.trouble() is not None

        await until(has_looked)
        said = await asyncio.to_thread(typed, "status")

    out = " ".join(said.out.split())
    assert f"agent {alone.agent.bot}" in out
    assert "answers as the bot; what comes while no daemon runs is lost" in out
    assert "acts as bot" in out
    assert "nobody may speak" in out
