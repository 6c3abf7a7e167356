"""The scripted model: what it decides, and that it speaks as the Messages API does.

Contract: https://docs.claude.com/en/api/messages-streaming
"""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from hosts.model import WAIT_S, Call, Cause, Decision, Manner, Model, Say, decide

BOUND_S = 10.0
READ, REPLY = "mcp__teams__read_messages", "mcp__teams__reply"
TURN, OTHER = "0" * 32, "1" * 32
BELL = "1 Teams message waits. Call read_messages."


def body(*messages: tuple[str, object], tools: tuple[str, ...] = (READ, REPLY)) -> dict[str, Any]:
    return {
        "model": "any",
        "tools": [{"name": name} for name in tools],
        "messages": [{"role": role, "content": content} for role, content in messages],
    }


def result(*texts: str) -> list[dict[str, Any]]:
    content = [{"type": "text", "text": text} for text in texts]
    return [{"type": "tool_result", "tool_use_id": "toolu_1", "content": content}]


def message(turn: str, word: str) -> str:
    return json.dumps({"messages": [{"turn": turn, "text": f"What of {word}?"}]})


def test_doorbell_makes_it_read() -> None:
    decision = decide(body(("user", f"<system-reminder>{BELL}</system-reminder>")))

    assert decision == Decision(Cause.DOORBELL, (Call(READ, {}),))


def test_every_message_read_is_answered_with_its_own_word() -> None:
    read = result(message(TURN, "word-3"), message(OTHER, "word-4"))

    decision = decide(body(("user", BELL), ("assistant", "..."), ("user", read)))

    assert decision.does == (
        Call(REPLY, {"turn": TURN, "text": "I heard word-3."}),
        Call(REPLY, {"turn": OTHER, "text": "I heard word-4."}),
    )


def test_turn_ends_when_the_answer_is_sent() -> None:
    sent = json.dumps({"sent": "1700000000000", "turn": "closed"})

    decision = decide(body(("user", BELL), ("assistant", "..."), ("user", result(sent))))

    assert decision == Decision(Cause.RESULT, Say("There is nothing to do."))


def test_doorbell_of_an_earlier_turn_is_not_heard_again() -> None:
    decision = decide(body(("user", BELL), ("assistant", "..."), ("user", "Thank you.")))

    assert isinstance(decision.does, Say)


def test_what_a_host_adds_after_the_doorbell_hides_it_not() -> None:
    """Claude Code puts messages of the role `system` between those of people."""
    decision = decide(body(("user", BELL), ("system", "The date is known.")))

    assert decision.cause is Cause.DOORBELL


def test_model_that_waits_reads_again_after_its_answer() -> None:
    sent = body(("user", "Look after Teams."), ("assistant", "..."), ("user", result("{}")))

    decision = decide(sent, Manner.WAITS)

    assert decision.does == (Call(READ, {"wait_s": WAIT_S}),)


def test_tools_that_are_not_shown_yet_are_searched_for() -> None:
    decision = decide(body(("user", BELL), tools=("Bash", "ToolSearch")))

    assert isinstance(decision.does, tuple)
    assert decision.does[0].tool == "ToolSearch"


def test_request_without_tools_is_an_aside() -> None:
    decision = decide(body(("user", f"Name this session: {BELL}"), tools=()))

    assert decision == Decision(Cause.ASIDE, Say("Yes."))


async def test_answer_is_streamed_as_the_api_streams_it() -> None:
    asked = {**body(("user", BELL)), "stream": True}
    async with (
        asyncio.timeout(BOUND_S),
        Model.serving(Manner.RUNG) as (model, address),
        aiohttp.ClientSession() as session,
        session.post(f"{address}/v1/messages", json=asked) as response,
    ):
        lines = (await response.text()).splitlines()
        await model.answered(1, is_rest=False)

    events = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    block = events[1]["content_block"]
    assert [event["type"] for event in events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert (block["type"], block["name"], block["input"]) == ("tool_use", READ, {})
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


async def test_answer_is_one_document_where_no_stream_is_asked() -> None:
    async with (
        asyncio.timeout(BOUND_S),
        Model.serving(Manner.RUNG) as (model, address),
        aiohttp.ClientSession() as session,
        session.post(f"{address}/v1/messages", json=body(("user", "Hello."))) as response,
    ):
        document = await response.json()
        await model.answered(1, is_rest=True)

    assert document["content"] == [{"type": "text", "text": "There is nothing to do."}]
    assert document["stop_reason"] == "end_turn"


@pytest.mark.parametrize(("path", "status"), [("/api/hello", 404), ("/v1/models", 404)])
async def test_what_is_not_played_is_refused_as_the_api_refuses(path: str, status: int) -> None:
    async with (
        asyncio.timeout(BOUND_S),
        Model.serving(Manner.RUNG) as (_, address),
        aiohttp.ClientSession() as session,
        session.get(f"{address}{path}") as response,
    ):
        document = await response.json()

    assert response.status == status
    assert document["error"]["type"] == "not_found_error"
