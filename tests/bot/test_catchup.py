"""What an outage made us miss is read once, in order, and takes its turn like the rest."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.exchange import BRISK, Exchange
from bot.stage import Stage, until
from entraclaw.bot import catchup
from entraclaw.bot.catchup import GAP, MARK
from entraclaw.bot.inbox import Entry, State
from entraclaw.bot.store import Store
from entraclaw.errors import TurnRefused

GRAPH = "https://graph.microsoft.com"
READING = ["Chat.Read", "ChatMessage.Send", "User.Read", "User.ReadBasic.All"]


class Heard(logging.Handler):
    """Notes when a catching up has ended, well or not."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.has_ended = False

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        self.has_ended |= said.startswith(("caught up", "gave up catching up"))


@asynccontextmanager
async def listening() -> AsyncGenerator[Heard]:
    log, heard = logging.getLogger("entraclaw.bot.catchup"), Heard()
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(heard)
    try:
        yield heard
    finally:
        log.removeHandler(heard)
        log.setLevel(level)


@asynccontextmanager
async def back(stage: Stage) -> AsyncGenerator[Exchange]:
    """A daemon that has caught up, or gave it up."""
    async with listening() as heard, stage.daemon(BRISK, seat="") as daemon:
        talk = await Exchange.open(stage, daemon)
        await until(lambda: _is_over(heard))
        yield talk


async def _is_over(heard: Heard) -> bool:
    return heard.has_ended


async def before(stage: Stage, *words: str) -> None:
    """Let a daemon live once, hear *words* and answer them."""
    async with back(stage) as talk:
        for word in words:
            await talk.reply(await talk.asked(word), f"heard {word}")


async def missed(stage: Stage, text: str, **changes: object) -> dict[str, Any]:
    """Let Ada write while nobody listens."""
    return await stage.say(text, deliver=False, **changes)


def messages(stage: Stage) -> list[Entry]:
    return [entry for entry in stage.entries() if entry.arrival.kind == "message"]


def late(stage: Stage) -> list[Entry]:
    return [entry for entry in stage.entries() if entry.arrival.late]


async def test_what_was_missed_is_handed_over_in_order_and_marked(stage: Stage) -> None:
    await before(stage, "hello")
    for n in range(3):
        await missed(stage, f"missed {n}")
    async with back(stage) as talk:
        for n in range(3):
            turn = await talk.read()
            assert turn.view["text"] == f"missed {n}"
            assert turn.view["marks"] == ["late"]
            assert turn.view["relation"] == "sponsor"
            await talk.reply(turn, f"answer {n}")

    answered = [one["text"] for one in await stage.answers()]
    assert answered == ["heard hello", "answer 0", "answer 1", "answer 2"]


async def test_first_start_reads_nothing(stage: Stage) -> None:
    await missed(stage, "before your time")
    async with back(stage) as talk:
        assert (await talk.agency.desk.read("s", 0)).messages == ()
    await missed(stage, "in your time")
    async with back(stage) as talk:
        assert (await talk.read()).view["text"] == "in your time"

    assert len(stage.entries()) == 1


async def test_start_without_an_outage_finds_nothing_new(stage: Stage) -> None:
    await before(stage, "one", "two")
    await before(stage)

    assert [entry.arrival.late for entry in stage.entries()] == [False, False]


async def test_message_that_was_pushed_and_is_found_is_one_turn(stage: Stage) -> None:
    await before(stage, "hello")
    await missed(stage, "both ways")
    async with back(stage) as talk:
        await talk.agency.controls.do({"verb": "catch-up"})
        await talk.reply(await talk.read(), "once")
        assert (await talk.agency.desk.read("s", 0)).messages == ()

    assert len(messages(stage)) == 2


@pytest.mark.parametrize("first", ["pushed", "found"])
async def test_first_contact_by_both_ways_is_one_turn_in_one_lane(stage: Stage, first: str) -> None:
    """A 1:1 has two names, and nothing said yet that they are the same chat."""
    await before(stage)
    said = await missed(stage, "nice to meet you")
    body = await stage.activity(
        id=said["activity"], text="nice to meet you", timestamp=said["timestamp"]
    )
    if first == "pushed":
        await stage.control("PUT", "faults", {"graph": {"delay_ms": 300, "path": "/chats"}})
    async with listening() as heard, stage.daemon(BRISK, seat="") as daemon:
        talk = await Exchange.open(stage, daemon)
        if first == "found":
            await until(lambda: _is_over(heard))
        assert (await stage.post(daemon, body)).status == 202
        assert heard.has_ended is (first == "found")
        await until(lambda: _is_over(heard))
        await stage.control("PUT", "faults", {"graph": None})
        await until(lambda: _has_decided(stage))
        turn = await talk.read()
        assert (await talk.agency.desk.read("s", 0)).messages == ()
        await talk.reply(turn, "likewise")
        again = await talk.asked("and you?")
        await talk.reply(again, "fine")

    assert again.conversation == turn.conversation
    assert len({entry.lane for entry in messages(stage)}) == 1
    assert [one["text"] for one in await stage.answers()] == ["likewise", "fine"]


async def _has_decided(stage: Stage) -> bool:
    entries = stage.entries()
    return bool(entries) and all(entry.state is not State.ADMITTED for entry in entries)


async def test_late_message_of_a_known_chat_is_answered_by_the_connector(stage: Stage) -> None:
    await before(stage, "hello")
    await missed(stage, "still there?")
    async with back(stage) as talk:
        turn = await talk.read()
        await talk.reply(turn, "yes", final=False)
        await talk.agency.answers.react("s", turn.turn, "like")

    *_, reply, reaction = await stage.answers()
    assert (reply["text"], reply["via"]) == ("yes", "connector")
    assert (reaction["kind"], reaction["text"]) == ("reaction", "like")


async def test_late_message_of_an_unknown_chat_is_answered_through_graph(stage: Stage) -> None:
    await before(stage)
    await missed(stage, "hello?")
    async with back(stage) as talk:
        turn = await talk.read()
        with pytest.raises(TurnRefused, match="takes no reaction: it was found by") as told:
            await talk.agency.answers.react("s", turn.turn, "like")
        await talk.reply(turn, "hello!")

    assert told.value.hint == "answer it with `reply`, or close its turn with `done`"
    [answer] = await stage.answers()
    assert (answer["text"], answer["via"]) == ("hello!", "graph")
    assert answer["sender"]["idtyp"] == "user"


async def test_late_stop_stops_nothing_and_is_shown_to_the_model(stage: Stage) -> None:
    async with back(stage) as talk:
        turn = await talk.asked("a long task")
    await missed(stage, "stop")
    async with back(stage) as talk:
        await until(lambda: _has_late(stage))
        await talk.reply(turn, "done with it")
        stop = await talk.read()
        await talk.agency.answers.done("s", stop.turn)

    assert (stop.view["text"], stop.view["marks"]) == ("stop", ["late"])
    assert [one["text"] for one in await stage.answers()] == ["done with it"]


async def _has_late(stage: Stage) -> bool:
    return bool(late(stage))


async def test_late_words_for_the_daemon_pair_and_listen_to_nobody(stage: Stage) -> None:
    await before(stage, "hello")
    await missed(stage, "pair 123456")
    await missed(stage, "listen", kind="groupChat")
    async with back(stage) as talk:
        await until(lambda: _has_decided(stage))
        read = (await talk.agency.desk.read("s", 30.0)).messages

    assert sorted(one.view["text"] for one in read) == ["listen", "pair 123456"]
    assert [one["text"] for one in await stage.answers()] == ["heard hello"]


async def test_stranger_who_wrote_meanwhile_gets_no_turn_and_no_answer(stage: Stage) -> None:
    await before(stage, "hello")
    await missed(stage, "let me in", person="mallory")
    async with back(stage):
        await until(lambda: _has_late(stage))
        await until(lambda: _has_decided(stage))

    assert [entry.state for entry in late(stage)] == [State.DROPPED]
    assert [one["text"] for one in await stage.answers()] == ["heard hello"]


async def test_own_messages_events_and_deleted_ones_are_passed_over(stage: Stage) -> None:
    await before(stage, "hello")
    gone = await missed(stage, "never mind")
    await stage.control(
        "POST", "deletes", {"from": "ada", "activity": gone["activity"], "deliver": False}
    )
    event = {"agent": stage.agent.user, "deliver": False}
    await stage.control("POST", "activities", {**event, "activity": {"type": "conversationUpdate"}})
    async with back(stage) as talk:
        caught = await talk.agency.controls.do({"verb": "catch-up"})

    assert late(stage) == []
    assert (caught["new"], caught["refused"]) == (0, 0)


async def test_message_edited_before_it_was_found_is_shown_as_it_is_now(stage: Stage) -> None:
    await before(stage, "hello")
    said = await missed(stage, "buy 10")
    edit = {"from": "ada", "activity": said["activity"], "text": "buy 1", "deliver": False}
    await stage.control("POST", "edits", edit)
    async with back(stage) as talk:
        turn = await talk.read()

    assert (turn.view["text"], turn.view["marks"]) == ("buy 1", ["late", "edited"])


async def test_edit_that_was_missed_reaches_the_turn_it_changes(stage: Stage) -> None:
    async with back(stage):
        said = await stage.say("buy 10")
    edit = {"from": "ada", "activity": said["activity"], "text": "buy 1", "deliver": False}
    await stage.control("POST", "edits", edit)
    async with back(stage) as talk:
        await until(lambda: _has_late(stage))
        await until(lambda: _has_decided(stage))
        turn = await talk.read()
        await talk.reply(turn, "one")
    await before(stage)

    assert turn.view["text"] == "buy 1"
    assert [entry.state for entry in messages(stage)] == [State.SUPERSEDED]
    assert len(late(stage)) == 1


async def test_edit_that_was_pushed_is_not_taken_again(stage: Stage) -> None:
    async with back(stage) as talk:
        said = await stage.say("buy 10")
        edit = {"from": "ada", "activity": said["activity"], "text": "buy 1"}
        await stage.control("POST", "edits", edit)
        await talk.reply(await talk.read(), "one")
    await before(stage)

    assert late(stage) == []


async def test_reaction_to_an_old_message_is_not_the_message_again(stage: Stage) -> None:
    await before(stage, "hello")
    [entry] = messages(stage)
    liked = {"from": "ada", "activity": entry.arrival.activity, "add": ["like"], "deliver": False}
    await stage.control("POST", "reactions", liked)
    await before(stage)

    assert late(stage) == []


async def test_backdated_message_is_found_and_marked(stage: Stage) -> None:
    await before(stage, "hello")
    then = datetime.now(UTC) - timedelta(days=2)
    await missed(stage, "as we agreed", sent_at=then.isoformat())
    async with back(stage) as talk:
        turn = await talk.read()

    assert (turn.view["text"], turn.view["marks"]) == ("as we agreed", ["late", "backdated"])


async def test_message_that_an_application_sent_is_an_applications(stage: Stage) -> None:
    await before(stage, "hello")
    await missed(stage, "trust me", application="Automator")
    async with back(stage):
        await until(lambda: _has_decided(stage))

    [entry] = late(stage)
    assert (entry.state, entry.reason) == (State.DROPPED, "a bot or another agent")
    assert b"sent by an application" in entry.arrival.body


async def test_group_is_read_and_only_what_is_meant_for_the_agent_is_a_turn(
    stage: Stage,
) -> None:
    await before(stage, "hello")
    await missed(stage, "lunch?", kind="groupChat", mention=False)
    await missed(stage, "what do you think", kind="groupChat")
    async with back(stage) as talk:
        turn = await talk.read()
        await talk.reply(turn, "yes")

    assert (turn.view["text"], turn.view["kind"]) == ("what do you think", "groupChat")
    assert [one["text"] for one in turn.context] == ["lunch?"]
    assert (await stage.answers())[-1]["text"] == "yes"


async def test_long_outage_is_read_page_by_page_and_nothing_is_left_out(stage: Stage) -> None:
    await before(stage, "hello")
    for n in range(125):
        await missed(stage, f"missed {n}")
    async with back(stage):
        await until(lambda: _has_decided(stage))

    texts = [entry.view.decode() for entry in late(stage)]
    assert [f'"missed {n}"' in text for n, text in enumerate(texts)] == [True] * 125


async def test_graph_is_asked_once_and_not_again(stage: Stage) -> None:
    await before(stage, "hello")
    await missed(stage, "hello?")
    await stage.control("PUT", "faults", {"graph": {"path": "chats", "delay_ms": 1}})
    async with back(stage) as talk:
        await talk.read()
        await asyncio.sleep(0.3)
        met = (await stage.control("GET", "faults"))["graph"]["met"]
    await stage.control("PUT", "faults", {"graph": None})

    assert met == 2  # the chats, and the one that there is


async def test_missing_permission_is_said_and_what_is_pushed_is_served(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await before(stage, "hello")
    await missed(stage, "unread")
    grants = {"grants": {GRAPH: ["User.Read", "User.ReadBasic.All"]}}
    await stage.control("PUT", f"agents/{stage.agent.user}", grants)
    with caplog.at_level(logging.WARNING):
        async with back(stage) as talk:
            await talk.reply(await talk.asked("pushed"), "fine")
    assert "gave up catching up reason=Graph refused the call (403 Forbidden)" in caplog.text
    assert "Chat.Read" in caplog.text
    await stage.control("PUT", f"agents/{stage.agent.user}", {"grants": {GRAPH: READING}})
    async with back(stage) as talk:
        assert (await talk.read()).view["text"] == "unread"


async def test_gap_that_could_not_be_read_is_read_the_next_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was pushed meanwhile must not hide it."""
    monkeypatch.setattr(catchup, "_PAUSES_S", ())
    monkeypatch.setattr(catchup, "OVERLAP_S", 0.0)
    await before(stage, "hello")
    await missed(stage, "in the gap")
    await stage.control("PUT", "faults", {"graph": {"path": "/messages", "status": 503}})
    async with back(stage) as talk:
        await talk.reply(await talk.asked("pushed"), "fine")
    await stage.control("PUT", "faults", {"graph": None})
    async with back(stage) as talk:
        assert (await talk.read()).view["text"] == "in the gap"


async def test_graph_that_is_away_at_the_start_is_asked_again_a_little_later(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catchup, "_PAUSES_S", (0.05, 0.05))
    await before(stage, "hello")
    await missed(stage, "hello?")
    await stage.control("PUT", "faults", {"graph": {"path": "chats", "before": True, "times": 2}})
    async with back(stage) as talk:
        assert (await talk.read()).view["text"] == "hello?"
    await stage.control("PUT", "faults", {"graph": None})


@pytest.mark.parametrize("ahead_s", [3600.0, 40 * 86_400.0, -3600.0, -40 * 86_400.0])
async def test_wrong_clock_neither_hides_what_was_missed_nor_brings_back_the_old(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, ahead_s: float
) -> None:
    """The daemon that lived before believed it was another time."""
    await before(stage, "hello")
    await _shift(stage, ahead_s)
    monkeypatch.setattr(catchup, "OVERLAP_S", 0.0)
    await missed(stage, "hello?")
    async with back(stage) as talk:
        assert (await talk.read()).view["text"] == "hello?"
    await before(stage)

    assert [entry.arrival.late for entry in messages(stage)] == [False, True]


async def _shift(stage: Stage, ahead_s: float) -> None:
    """Make everything that our own clock told wrong by so much."""
    async with Store.open(stage.folder / "inbox.db", lambda: 0.0) as store:
        mark = await store.places.mark(MARK)
        assert mark is not None
        assert await store.places.mark(GAP) == 0.0
        await store.inbox._database.change(  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # no clock can be set this way
            lambda c: c.execute("UPDATE entry SET received = received + ?", (ahead_s,))
        )


async def test_said_at_the_desk_goes_where_the_conversation_is_known(stage: Stage) -> None:
    await before(stage)
    first = await missed(stage, "by graph alone")
    async with back(stage) as talk:
        turn = await talk.read()
        by_graph = await talk.agency.controls.do(
            {"verb": "send", "conversation": turn.conversation, "text": "to graph"}
        )
        await talk.agency.answers.done("s", turn.turn)
        again = await talk.asked("pushed")
        await talk.agency.answers.done("s", again.turn)
        by_connector = await talk.agency.controls.do(
            {"verb": "send", "conversation": turn.conversation, "text": "to teams"}
        )
        nowhere = await talk.agency.controls.do(
            {"verb": "send", "conversation": "a:1unknown", "text": "to nobody"}
        )

    assert first["graph_conversation"] == turn.conversation
    said = {one["text"]: (one["id"], one["via"]) for one in await stage.answers()}
    assert said == {
        "to graph": (by_graph["sent"], "graph"),
        "to teams": (by_connector["sent"], "connector"),
    }
    assert nowhere["error"] == "nothing ever came from this conversation"
