"""Invokes, from the click to the body of its own request's response."""

import asyncio
from typing import Any

import orjson
import pytest

from bot.stage import Stage, until
from bot.talk import Document, Shared, Talk
from entraclaw.bot import invoking
from entraclaw.bot.inbox import State

shared_loop = pytest.mark.asyncio(loop_scope="module")

STALE = "This card takes no answers any more."
NOT_YOU = "This is not for you to answer."


def click(**changes: object) -> Document:
    """Somebody pressed a button of a card."""
    action = {"verb": "approve", "data": {"request": "r1"}}
    value = {"action": action, "trigger": "manual"}
    return {"type": "invoke", "name": "adaptiveCard/action", "value": value, **changes}


async def press(talk: Talk, by: str | Document = "ada", **changes: object) -> Any:  # noqa: ANN401
    """Click, and give the answer; it comes with HTTP status 200 or the test fails."""
    shared = talk.shared
    who = talk.person(by) if isinstance(by, str) else by
    body = {
        **shared.draft,
        "id": f"f:{len(talk.statuses)}",
        "conversation": talk.conversation,
        "from": who,
        **click(**changes),
    }
    response = await shared.stage.post(shared.daemon, body, shared.token)
    talk.statuses.append(response.status)
    assert response.status == 200
    assert response.content_type == "application/json"
    return orjson.loads(await response.read())


@shared_loop
async def test_click_is_answered_in_its_own_request(shared: Shared) -> None:
    talk = shared.talk()

    assert (await press(talk))["value"] == STALE
    assert [state for state, _ in await talk.fates()] == [State.DONE]
    assert await talk.read(0) == []


@shared_loop
async def test_same_click_under_another_id_is_one_entry_with_one_answer(shared: Shared) -> None:
    talk = shared.talk()
    turns = await _turns(shared)
    first, again = await press(talk), await press(talk)

    assert first == again
    assert len(talk.entries()) == 1
    assert await _turns(shared) == turns + 1


@shared_loop
async def test_same_click_ten_times_at_once_is_one(shared: Shared) -> None:
    """Teams gives up on a slow answer and sends again, while we are still at the first."""
    talk = shared.talk()
    turns = await _turns(shared)
    answers = await asyncio.gather(*(press(talk, id=f"f:{n}") for n in range(10)))

    assert answers == [answers[0]] * 10
    assert await _turns(shared) == turns + 1


@shared_loop
async def test_another_click_is_another_entry(shared: Shared) -> None:
    talk = shared.talk()
    await press(talk)
    await press(talk, value={"action": {"verb": "deny", "data": {"request": "r1"}}})

    assert len(talk.entries()) == 2


@shared_loop
async def test_stranger_who_clicks_is_told_that_it_is_not_for_them(shared: Shared) -> None:
    talk = shared.talk("groupChat")
    bot: Document = {"id": "28:bot", "name": "Bot"}
    nobody: Document = {"id": "29:x", "name": "Ada Lovelace"}
    for who in ("grace", "mallory", bot, nobody):
        assert (await press(talk, by=who))["value"] == NOT_YOU
    with shared.allowing("grace"):
        told = await press(talk, by="grace", value={"action": {"verb": "x"}})

    assert told["value"] == STALE
    assert await shared.stage.answers() == []


@shared_loop
@pytest.mark.parametrize(
    "changes",
    [
        {"name": "task/fetch"},
        {"name": "fileConsent/invoke", "value": {"action": "accept", "context": {}}},
        {"name": "signin/verifyState", "value": {"state": "x"}},
        {"name": None, "value": None},
        {"name": 7, "value": []},
        {"value": {"action": "approve"}},
        {"value": {"action": {"verb": ["x"], "data": {"request": {"deep": []}}}}},
        {"value": "x" * 100_000},
        {"entities": "not a list", "attachments": 7},
        {"timestamp": "yesterday"},
    ],
)
async def test_odd_click_is_answered_all_the_same(shared: Shared, changes: Document) -> None:
    talk = shared.talk()
    told = await press(talk, **changes)

    assert told["statusCode"] in {200, 501}
    assert State.ADMITTED not in {state for state, _ in await talk.fates()}


async def test_click_is_answered_while_graph_is_down(stage: Stage) -> None:
    async with stage.daemon():
        await stage.control("PUT", "faults", {"graph": {"status": 503}})
        try:
            receipt = await _press(stage)
        finally:
            await stage.control("PUT", "faults", {"graph": None})
        again = await _press(stage)

    assert (receipt["status"], receipt["body"]["statusCode"]) == (200, 503)
    # Once it is back the same click is judged, and is still one entry.
    assert again["body"]["value"] == STALE
    assert len(stage.entries()) == 1


async def test_click_is_answered_in_time_while_graph_hangs(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoking, "DEADLINE_S", 0.2)
    async with stage.daemon():
        await stage.control("PUT", "faults", {"graph": {"delay_ms": 10_000}})
        try:
            async with asyncio.timeout(9):
                receipt = await _press(stage)
        finally:
            await stage.control("PUT", "faults", {"graph": None})

    assert receipt["tries"] == 1
    assert receipt["body"]["value"]["code"] == "Busy"


async def test_click_that_a_daemon_did_not_get_to_is_closed_by_the_next(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its request is long over; nobody may act on it now."""
    monkeypatch.setattr(invoking, "DEADLINE_S", 0.1)
    await stage.control("PUT", "faults", {"graph": {"delay_ms": 10_000}})
    try:
        async with stage.daemon():
            await _press(stage)
            assert [entry.state for entry in stage.entries()] == [State.ADMITTED]
    finally:
        await stage.control("PUT", "faults", {"graph": None})
    async with stage.daemon() as daemon:
        assert daemon.desk is not None
        await until(lambda: _closed(stage))
        assert (await daemon.desk.read("s", 0)).messages == ()

    assert await stage.answers() == []


async def _press(stage: Stage) -> dict[str, Any]:
    sent = {"agent": stage.agent.user, "activity": {**click(), "text": None}}
    return await stage.control("POST", "activities", sent)


async def _closed(stage: Stage) -> bool:
    return [entry.state for entry in stage.entries()] == [State.DONE]


async def _turns(shared: Shared) -> int:
    turns: int = (await shared.stage.status())["pipeline"]["turns"].get("invoke", 0)
    return turns
