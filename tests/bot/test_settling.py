"""What broke off is looked for in the chat: there is exactly one of it in the end."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
import pytest_asyncio

from bot.exchange import BRISK, Exchange
from bot.stage import Sandbox, Stage, staged, until
from entraclaw.bot.handed import Handed
from entraclaw.bot.inbox import State
from entraclaw.errors import Uncertain
from entraclaw.tools import post

GRAPH = "https://graph.microsoft.com"
in_module = pytest.mark.asyncio(loop_scope="module")
CUT = {"times": 1, "before": True}
CUT_AFTER = {"times": 1, "after": True}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(
    emulation: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Exchange]:
    """One daemon for all that settle in it."""
    home = tmp_path_factory.mktemp("settling")
    async with staged(emulation, home) as stage, stage.daemon(BRISK, seat="") as daemon:
        yield await Exchange.open(stage, daemon)


@pytest_asyncio.fixture(loop_scope="module")
async def talk(served: Exchange) -> AsyncGenerator[Exchange]:
    yield served
    await served.fault()
    await served.graph_fault()


async def broken(talk: Exchange, turn: Handed, text: str, *, final: bool = True) -> None:
    """Answer, and be left in doubt."""
    with pytest.raises(Uncertain):
        await talk.reply(turn, text, final=final)


async def stays(talk: Exchange, turn: Handed, state: State) -> None:
    """See that *turn* is in *state* and that nothing more is tried."""
    await until(lambda: _nothing_goes_on(talk))
    assert talk.entry(turn).state is state


async def _nothing_goes_on(_talk: Exchange) -> bool:
    return not [task for task in asyncio.all_tasks() if task.get_name() == "settling"]


TEXTS = {
    "list": "Here:\n\n- one\n- two\n\n1. first\n2. second",
    "link": "see [the *plan*](https://contoso.example/a_b?c=d&e=(f)) or https://x.example/_y_",
    "code": "run `ls -l`:\n\n```sh\n# all <b>files</b>\nls | wc && echo $((1 < 2))\n```",
    "emoji": "done \N{PARTY POPPER}\N{ROCKET} \N{WOMAN}\u200d\N{PERSONAL COMPUTER} \u2764\ufe0f",
    "entities": "Tom &amp; Jerry & co, 1 < 2 > 0, &lt;b&gt; &copy; \"quoted\" 'single'",
    "typed html": "<b>bold</b> and <script>alert(1)</script> <unknown a='b'> </p>",
    "right to left": "\u0634\u0643\u0631\u0627 \u05ea\u05d5\u05d3\u05d4 \u200fabc\u200e 12",
    "headings": "# Title\n\n> quoted\n\n**bold** _it_ ~~gone~~\n\n---",
    "table": "| a | b |\n|---|:-:|\n| 1 | 2 |",
    "spaces": "  a\tb\r\nc\u00a0d  \n\n\n e ",
    "longest": "wörd <i> & `x` * " * 1647,
}


@in_module
@pytest.mark.parametrize("name", TEXTS)
async def test_answer_that_arrived_is_found_whatever_teams_made_of_it(
    talk: Exchange, name: str
) -> None:
    turn = await talk.asked()
    text = TEXTS[name][:28_000]
    await talk.fault(**CUT_AFTER)
    await broken(talk, turn, text)
    await talk.until(turn, State.DONE)

    [there] = await talk.said(text)
    assert await talk.is_known(there["id"])


@in_module
async def test_answer_that_did_not_arrive_is_sent_once_by_the_daemon(talk: Exchange) -> None:
    turn = await talk.asked()
    await talk.fault(**CUT)
    await broken(talk, turn, "lost on the way")
    assert talk.entry(turn).state is State.AMBIGUOUS
    assert await talk.said("lost on the way") == []
    await talk.until(turn, State.DONE)

    assert len(await talk.said("lost on the way")) == 1


@in_module
async def test_answer_sent_again_that_breaks_off_again_is_looked_for_again(
    talk: Exchange,
) -> None:
    turn = await talk.asked()
    await talk.fault(times=2, before=True)
    await broken(talk, turn, "third time")
    await talk.until(turn, State.DONE)

    assert len(await talk.said("third time")) == 1


@in_module
async def test_answer_that_is_refused_when_it_is_sent_again_is_tried_later(
    talk: Exchange,
) -> None:
    turn = await talk.asked()
    await talk.fault(**CUT)
    await broken(talk, turn, "busy now")
    await talk.fault(status=429, times=1)
    await talk.until(turn, State.DONE)

    assert len(await talk.said("busy now")) == 1


@in_module
async def test_lane_goes_on_while_an_answer_is_looked_for(talk: Exchange) -> None:
    first = await talk.asked("first")
    await talk.fault(**CUT)
    await broken(talk, first, "answer one")
    second = await talk.asked("second")
    await talk.reply(second, "answer two")
    await talk.until(first, State.DONE)

    assert [len(await talk.said(f"answer {n}")) for n in ("one", "two")] == [1, 1]


@in_module
async def test_same_words_said_meanwhile_for_another_turn_are_not_taken_for_it(
    talk: Exchange,
) -> None:
    first = await talk.asked("first")
    await talk.fault(**CUT)
    await broken(talk, first, "yes")
    second = await talk.asked("second")
    # On its way while the chat is read back, and there before we know its id.
    await talk.stage.control("PUT", "settings", {"latency_ms": 300})
    try:
        await talk.reply(second, "yes")
    finally:
        await talk.stage.control("PUT", "settings", {"latency_ms": 0})
    await talk.until(first, State.DONE)

    assert len(await talk.said("yes")) == 2


@in_module
async def test_message_of_ours_that_nobody_knows_leaves_it_to_a_person(talk: Exchange) -> None:
    turn = await talk.asked()
    await talk.fault(**CUT)
    await broken(talk, turn, "did I say it?")
    await post(talk.graph, await talk.chat(), "something like it")
    await asyncio.sleep(2 * BRISK.absent_s)

    assert talk.entry(turn).state is State.AMBIGUOUS
    assert await talk.said("did I say it?") == []
    await talk.agency.controls.do({"verb": "drop", "seq": turn.entry.seq})
    await stays(talk, turn, State.DROPPED)
    assert await talk.said("did I say it?") == []


@in_module
async def test_answer_in_a_channel_is_left_to_a_person(talk: Exchange) -> None:
    """Channels are not read back: that needs another permission."""
    turn = await talk.asked(kind="channel")
    await talk.fault(**CUT_AFTER)
    await broken(talk, turn, "in the channel")

    await stays(talk, turn, State.AMBIGUOUS)
    assert len(await talk.said("in the channel")) == 1


@in_module
async def test_answer_in_a_group_is_found(talk: Exchange) -> None:
    turn = await talk.asked(kind="groupChat")
    await talk.fault(**CUT_AFTER)
    await broken(talk, turn, "in the group")
    await talk.until(turn, State.DONE)

    assert len(await talk.said("in the group")) == 1


@in_module
@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429}, {"before": True}])
async def test_graph_that_is_not_there_is_asked_again_later(
    talk: Exchange, fault: dict[str, object]
) -> None:
    turn = await talk.asked()
    await talk.graph_fault(**fault)
    await talk.fault(**CUT_AFTER)
    await broken(talk, turn, f"graph {fault}")
    await asyncio.sleep(2 * BRISK.absent_s)
    assert talk.entry(turn).state is State.AMBIGUOUS
    await talk.graph_fault()
    await talk.until(turn, State.DONE)

    assert len(await talk.said(f"graph {fault}")) == 1


@in_module
async def test_answer_behind_many_pages_of_talk_is_found(talk: Exchange) -> None:
    """One page of the chat proves nothing: what is not on it may be on the next."""
    turn = await talk.asked()
    await talk.graph_fault(before=True)
    await talk.fault(**CUT_AFTER)
    await broken(talk, turn, "deep down")
    for n in range(60):
        await talk.stage.say(f"chatter {n}", deliver=False)
    await talk.graph_fault()
    await talk.until(turn, State.DONE)

    assert len(await talk.said("deep down")) == 1


@in_module
async def test_answer_to_a_message_that_claims_the_future_is_found(talk: Exchange) -> None:
    turn = await talk.asked(sent_at="2100-01-01T00:00:00Z")
    await talk.fault(**CUT_AFTER)
    await broken(talk, turn, "see you then")
    await talk.until(turn, State.DONE)

    assert len(await talk.said("see you then")) == 1


@in_module
async def test_reaction_that_broke_off_is_put_there_again(talk: Exchange) -> None:
    turn = await talk.asked()
    await talk.fault(times=1, status=500, after=True)
    with pytest.raises(Uncertain):
        await talk.agency.answers.react("s", turn.turn, "like")
    await talk.until(turn, State.DONE)

    put = [one for one in await talk.stage.answers() if one["id"] == turn.entry.arrival.activity]
    assert [one["kind"] for one in put] == ["reaction"]


@in_module
@pytest.mark.parametrize("fault", [CUT, CUT_AFTER])
async def test_part_that_broke_off_before_the_last_arrives_and_leaves_its_turn_to_a_person(
    talk: Exchange, fault: dict[str, object]
) -> None:
    turn = await talk.asked()
    await talk.fault(**fault)
    await broken(talk, turn, f"first half {fault}", final=False)
    await until(lambda: _is_partly_answered(talk, turn))

    await stays(talk, turn, State.AMBIGUOUS)
    assert len(await talk.said(f"first half {fault}")) == 1


async def _is_partly_answered(talk: Exchange, turn: Handed) -> bool:
    return talk.entry(turn).reason == "answered in part, then cut off"


async def test_chat_that_may_not_be_read_leaves_it_to_a_person(stage: Stage) -> None:
    grants = {"grants": {GRAPH: ["User.Read", "User.ReadBasic.All"]}}
    await stage.control("PUT", f"agents/{stage.agent.user}", grants)
    async with stage.daemon(BRISK, seat="") as daemon:
        talk = await Exchange.open(stage, daemon)
        turn = await talk.asked()
        await talk.fault(**CUT)
        await broken(talk, turn, "nobody can look")
        await stays(talk, turn, State.AMBIGUOUS)

        assert await stage.answers() == []


async def test_request_that_takes_too_long_is_looked_for(stage: Stage) -> None:
    async with stage.daemon(replace(BRISK, request_s=0.3, absent_s=1.0)) as daemon:
        talk = await Exchange.open(stage, daemon)
        await talk.reply(await talk.asked(), "warm")
        turn = await talk.asked()
        await talk.fault(delay_ms=350, times=1)
        await broken(talk, turn, "slow")
        await talk.until(turn, State.DONE)

        assert len(await talk.said("slow")) == 1


async def test_answer_that_is_too_old_is_not_sent_without_a_person(stage: Stage) -> None:
    async with stage.daemon(replace(BRISK, stale_s=0.2)) as daemon:
        talk = await Exchange.open(stage, daemon)
        turn = await talk.asked()
        await talk.fault(**CUT)
        await broken(talk, turn, "yesterday's news")
        await stays(talk, turn, State.AMBIGUOUS)

        assert await stage.answers() == []


async def test_what_a_stopped_daemon_left_is_settled_by_the_next(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        talk = await Exchange.open(stage, daemon)
        turn = await talk.asked()
        await talk.fault(**CUT)
        await broken(talk, turn, "carried over")
    async with stage.daemon(BRISK, seat="") as daemon:
        talk = await Exchange.open(stage, daemon)
        await talk.until(turn, State.DONE)

    assert [one["text"] for one in await stage.answers()] == ["carried over"]


async def test_daemon_that_stops_lets_what_it_sends_again_come_to_its_end(stage: Stage) -> None:
    async with stage.daemon(BRISK, seat="") as daemon:
        talk = await Exchange.open(stage, daemon)
        turn = await talk.asked()
        await talk.fault(**CUT)
        await broken(talk, turn, "in time")
        await talk.fault(delay_ms=400)
        await until(lambda: _has_met_a_fault(talk))
    await talk.fault()

    assert talk.entry(turn).state is State.DONE
    assert [one["text"] for one in await stage.answers()] == ["in time"]


async def _has_met_a_fault(talk: Exchange) -> bool:
    fault = (await talk.stage.control("GET", "faults"))["connector"]
    return bool(fault and fault["met"])
