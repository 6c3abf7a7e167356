"""Turns: opened by messages, leased by sessions, closed by answers."""

import asyncio
import time
from collections.abc import Awaitable

import pytest

from bot.stage import Stage, until
from entraclaw.bot import leases
from entraclaw.bot.answers import TEXT_LIMIT, Answers
from entraclaw.bot.daemon import Daemon
from entraclaw.bot.desk import Desk
from entraclaw.bot.handed import Handed, Reading
from entraclaw.bot.inbox import State
from entraclaw.errors import CallRefused, TurnRefused

GRAPH = "https://graph.microsoft.com"


async def hello(stage: Stage, daemon: Daemon, text: str = "hello") -> Handed:
    """Let Ada write and lease what she wrote for the session "s"."""
    await stage.tenant.say(stage.agent.user, text)
    return await only(desk_of(daemon).read("s", 30.0))


async def only(reading: Awaitable[Reading]) -> Handed:
    """Wait for a reading with one message, and give it."""
    [message] = (await reading).messages
    return message


def answers_of(daemon: Daemon) -> Answers:
    assert daemon.agency is not None
    return daemon.agency.answers


def desk_of(daemon: Daemon) -> Desk:
    assert daemon.desk is not None
    return daemon.desk


async def test_message_is_handed_over_with_its_verified_sender(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        message = await hello(stage, daemon)

    view = message.view
    assert (view["text"], view["relation"], view["kind"]) == ("hello", "sponsor", "personal")
    assert message.attempt == 1


async def test_answer_arrives_as_the_agent_user_and_closes_the_turn(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        message = await hello(stage, daemon)
        sent = (await answers_of(daemon).reply("s", message.turn, "hi **Ada**")).activity

        [answer] = await stage.answers()
        assert (answer["id"], answer["text"]) == (sent, "hi **Ada**")
        assert answer["sender"]["idtyp"] == "user"
        with pytest.raises(TurnRefused, match="is closed: it was answered"):
            await answers_of(daemon).reply("s", message.turn, "again")
        assert len(await stage.answers()) == 1


async def test_turn_of_another_session_cannot_be_answered(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        message = await hello(stage, daemon)

        with pytest.raises(TurnRefused, match="another session"):
            await answers_of(daemon).reply("thief", message.turn, "mine now")
        assert await stage.answers() == []


async def test_two_answers_at_the_same_moment_are_one(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        message = await hello(stage, daemon)
        outcomes = await asyncio.gather(
            *(answers_of(daemon).reply("s", message.turn, "once") for _ in range(5)),
            return_exceptions=True,
        )

        assert len(await stage.answers()) == 1
    assert len(set(outcomes)) == 1


async def test_answer_whose_host_goes_away_is_sent_once_and_closes_its_turn(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        message = await hello(stage, daemon)
        await stage.control("PUT", "settings", {"latency_ms": 200})
        try:
            replying = asyncio.create_task(answers_of(daemon).reply("s", message.turn, "hi"))
            await until(lambda: _is_sending(daemon))
            replying.cancel()
            with pytest.raises(asyncio.CancelledError):
                await replying
            await until(lambda: _states(stage, [State.DONE]))
        finally:
            await stage.control("PUT", "settings", {"latency_ms": 0})

        assert [answer["text"] for answer in await stage.answers()] == ["hi"]


@pytest.mark.parametrize("text", ["", "  \n", "x" * (TEXT_LIMIT + 1)])
async def test_answer_without_text_or_with_too_much_is_refused(stage: Stage, text: str) -> None:
    async with stage.daemon() as daemon:
        message = await hello(stage, daemon)
        with pytest.raises(TurnRefused):
            await answers_of(daemon).reply("s", message.turn, text)
        assert await stage.answers() == []


async def test_answer_at_the_limit_is_sent(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        message = await hello(stage, daemon)
        await answers_of(daemon).reply("s", message.turn, "x" * TEXT_LIMIT)
        assert len((await stage.answers())[0]["text"]) == TEXT_LIMIT


async def test_refused_answer_leaves_the_turn_open(stage: Stage) -> None:
    """Ours: the model is told, and may mend and try again."""
    async with stage.daemon() as daemon:
        message = await hello(stage, daemon)
        await answers_of(daemon).reply("s", message.turn, "wait", final=False)
        await stage.control("PUT", f"agents/{stage.agent.user}", {"enabled": False})
        with pytest.raises(CallRefused):
            await answers_of(daemon).reply("s", message.turn, "hi")
        await stage.control("PUT", f"agents/{stage.agent.user}", {"enabled": True})
        await answers_of(daemon).reply("s", message.turn, "hi")

        assert [answer["text"] for answer in await stage.answers()] == ["wait", "hi"]


async def test_lease_of_an_earlier_daemon_waits_half_a_minute_for_its_session(
    stage: Stage,
) -> None:
    async with stage.daemon() as daemon:
        await hello(stage, daemon)
    async with stage.daemon(seat=""):
        [entry] = stage.entries()

    assert entry.state is State.LEASED
    assert 0 < entry.until - time.time() <= leases.RESTARTED_S


async def test_reader_that_waits_is_given_what_arrives(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        reading = asyncio.create_task(desk_of(daemon).read("s", 60.0))
        await asyncio.sleep(0)
        await stage.tenant.say(stage.agent.user, "you there?")

        async with asyncio.timeout(30):
            message = await only(reading)
    assert message.view["text"] == "you there?"


async def test_reader_that_waits_for_nothing_returns_with_nothing(stage: Stage) -> None:
    async with stage.daemon() as daemon, asyncio.timeout(30):
        assert (await desk_of(daemon).read("s", 0.01)).messages == ()


async def test_conversation_is_remembered_with_its_answers(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        message = await hello(stage, daemon, "first")
        await answers_of(daemon).reply("s", message.turn, "noted")
        await hello(stage, daemon, "second")

        said = await desk_of(daemon).conversation("s", message.conversation, 10)

    assert [(turn.text, turn.answer) for turn in said] == [("first", "noted"), ("second", "")]


async def test_mention_of_the_agent_is_taken_out_of_the_text(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        words = {"from": "ada", "agent": stage.agent.user, "text": "look", "kind": "groupChat"}
        await stage.control("POST", "messages", words)
        message = await only(desk_of(daemon).read("s", 30.0))

    assert (message.view["text"], message.view["kind"]) == ("look", "groupChat")


async def test_every_kind_of_activity_passes_the_adapter_once_and_so_does_every_answer(
    stage: Stage,
) -> None:
    kinds = [
        "conversationUpdate", "installationUpdate", "messageReaction", "messageUpdate",
        "messageDelete", "typing", "event", "endOfConversation",
    ]  # fmt: skip
    async with stage.daemon() as daemon:
        for number, kind in enumerate(kinds):
            body = await stage.activity(type=kind, id=f"{kind}{number}")
            assert (await stage.post(daemon, body)).status == 202
        message = await hello(stage, daemon)
        await answers_of(daemon).reply("s", message.turn, "hi")
        await until(lambda: _settled(stage))

        seen = (await daemon.status())["pipeline"]
    turns = {**dict.fromkeys(kinds, 1), "message": 1}
    assert seen == {"turns": turns, "sends": 1, "sends_as": "agent_user"}
    assert len(await stage.answers()) == 1


async def test_activity_the_sdk_cannot_read_is_dead_with_a_reason_and_delays_nobody(
    stage: Stage,
) -> None:
    async with stage.daemon() as daemon:
        poison = await stage.activity(id="poison", attachments="not a list")
        assert (await stage.post(daemon, poison)).status == 202
        message = await hello(stage, daemon)

    assert message.view["text"] == "hello"
    dead, _ = stage.entries()
    assert (dead.state, dead.reason) == (State.DEAD, "unreadable: ValidationError")


async def test_message_waits_while_the_directory_cannot_be_asked(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither let in nor turned away on a guess: the gate asks again."""
    monkeypatch.setattr("entraclaw.bot.lanes._PAUSES_S", (0.01,))
    await stage.control("PUT", f"agents/{stage.agent.user}", {"grants": {GRAPH: []}})
    async with stage.daemon() as daemon:
        await stage.tenant.say(stage.agent.user, "hello")
        await until(lambda: _states(stage, [State.ADMITTED]))
        grants = {"grants": {GRAPH: ["User.Read"]}}
        await stage.control("PUT", f"agents/{stage.agent.user}", grants)

        message = await only(desk_of(daemon).read("s", 30.0))
    assert message.view["text"] == "hello"


async def _is_sending(daemon: Daemon) -> bool:
    seen = (await daemon.status())["pipeline"]
    return seen == {"turns": {"message": 1}, "sends": 1, "sends_as": "agent_user"}


async def _settled(stage: Stage) -> bool:
    return all(entry.state is State.DONE for entry in stage.entries())


async def _states(stage: Stage, states: list[State]) -> bool:
    return [entry.state for entry in stage.entries()] == states
