"""The door, driven by stock aiohttp with the sandbox's tokens and the stock SDK's types."""

import asyncio

import pytest
from microsoft_agents.activity import (
    Activity,
    ActivityTypes,
    ChannelAccount,
    ChannelId,
    ConversationAccount,
)

from bot.stage import Stage, until
from entraclaw.bot.inbox import State
from entraclaw.bot.notices import Notice


async def test_activity_built_with_the_stock_sdk_is_taken_and_kept_as_it_came(
    stage: Stage,
) -> None:
    draft = await stage.activity()
    activity = Activity(
        type=ActivityTypes.message,
        id="1763930000001",
        channel_id=ChannelId("msteams"),
        text="built by hand",
        service_url=draft["serviceUrl"],
        from_property=ChannelAccount(id="29:1", aad_object_id=draft["from"]["aadObjectId"]),
        conversation=ConversationAccount(id=draft["conversation"]["id"]),
        recipient=ChannelAccount(id=draft["recipient"]["id"]),
    )
    body = activity.model_dump_json(by_alias=True, exclude_none=True).encode()

    async with stage.daemon() as daemon:
        response = await stage.post(daemon, body)

        assert response.status == 202
        assert [entry.arrival.body for entry in stage.entries()] == [body]


async def test_same_activity_delivered_twice_is_one_entry(stage: Stage) -> None:
    """Teams sends again what was not answered in 15 seconds: same id, later timestamp."""
    first = await stage.activity()
    again = {**first, "timestamp": "2026-11-23T19:00:15.000Z"}

    async with stage.daemon() as daemon:
        statuses = [(await stage.post(daemon, body)).status for body in (first, again)]

        assert statuses == [202, 202]
        assert len(stage.entries()) == 1


async def test_message_of_a_sponsor_waits_for_a_host(stage: Stage) -> None:
    async with stage.daemon():
        delivery = await stage.tenant.say(stage.agent.user, "hello")

        assert delivery.status == 202
        await until(lambda: _is(stage, State.WAITING))


async def test_message_of_a_stranger_is_recorded_and_dropped_without_a_word(stage: Stage) -> None:
    async with stage.daemon():
        receipt = await stage.say("let me in", person="mallory")
        await until(lambda: _is(stage, State.DROPPED))

        assert receipt["status"] == 202
        assert (await stage.status())["pipeline"] == {
            "turns": {},
            "sends": 0,
            "sends_as": "agent_user",
        }


async def test_colleague_who_may_not_speak_is_told_so_once(stage: Stage) -> None:
    async with stage.daemon():
        for _ in range(3):
            await stage.say("let me in", person="grace")
        await until(lambda: _are(stage, [State.DROPPED] * 3))
        await until(lambda: _was_told(stage))

    # Notices are sent beside the work; a daemon that has ended sends no more of them.
    assert [one["text"] for one in await stage.answers()] == [Notice.REFUSED]


async def test_health_says_nothing_but_that_it_is_there(stage: Stage) -> None:
    async with (
        stage.daemon() as daemon,
        stage.session.get(f"{daemon.webhook}/api/health") as response,
    ):
        assert (response.status, await response.text()) == (200, "ok\n")


@pytest.mark.parametrize("path", ["/", "/api", "/api/messages/x", "/status", "/mcp"])
async def test_everything_else_is_not_found(stage: Stage, path: str) -> None:
    async with stage.daemon() as daemon:
        response = await stage.session.post(f"{daemon.webhook}{path}")
        assert response.status == 404


async def test_same_token_is_honoured_for_one_message_after_another(stage: Stage) -> None:
    token = await stage.token()
    bodies = [await stage.activity() for _ in range(5)]

    async with stage.daemon() as daemon:
        answers = await asyncio.gather(*(stage.post(daemon, body, token) for body in bodies))

        assert [answer.status for answer in answers] == [202] * 5


async def _is(stage: Stage, state: State) -> bool:
    return [entry.state for entry in stage.entries()] == [state]


async def _are(stage: Stage, states: list[State]) -> bool:
    return [entry.state for entry in stage.entries()] == states


async def _was_told(stage: Stage) -> bool:
    return bool(await stage.answers())
