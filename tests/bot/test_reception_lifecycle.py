"""What Microsoft 365 says of the agent's own life: acted on once, never answered."""

import asyncio

import pytest

from bot.stage import Stage, until
from bot.talk import Document, Shared
from entraclaw.bot.inbox import State
from entraclaw.bot.lifecycle_events import Lifecycle
from entraclaw.bot.notices import Notice
from entraclaw.bot.profile_lock import ProfileLock
from entraclaw.errors import EntraclawError, Locked
from entraclaw.identity import AgentIds

shared_loop = pytest.mark.asyncio(loop_scope="module")

OTHER = "11111111-2222-4333-8444-555555555555"


def event(agent: AgentIds, what: str, **value: object) -> Document:
    """A notice, as Microsoft 365 writes it."""
    return {
        "type": "event",
        "name": "agentLifecycle",
        "channelId": "agents",
        "valueType": f"AgenticUser{what}",
        "from": {"id": "system", "name": "System"},
        "conversation": {"id": "lifecycle"},
        "value": {
            "tenantId": agent.tenant,
            "agenticUserId": agent.user,
            "agenticAppInstanceId": agent.agent,
            "agentIdentityBlueprintId": agent.blueprint,
            "version": "1",
            **value,
        },
    }


@pytest.mark.parametrize("what", ["Disabled", "Deleted"])
async def test_agent_that_was_switched_off_is_locked_and_stays_so(stage: Stage, what: str) -> None:
    async with stage.daemon() as daemon:
        assert daemon.desk is not None
        assert daemon.agency is not None
        await stage.say("before")
        [before] = (await daemon.desk.read("s", 30.0)).messages
        await _tell(stage, what)

        with pytest.raises(Locked):
            await daemon.agency.answers.reply("s", before.turn, "hi")
        with pytest.raises(Locked):
            await daemon.desk.read("s", 0)
        receipt = await stage.say("after")
        await stage.say("stop")
        assert receipt["status"] == 202
    async with stage.daemon() as daemon:
        assert daemon.desk is not None
        await stage.say("hello?", person="grace")
        await until(lambda: _decided(stage, 5))
        with pytest.raises(Locked, match="the agent user was"):
            await daemon.desk.read("s", 0)
        assert f"was {what.lower()}" in (await stage.status())["locked"]

    assert await stage.answers() == []


async def test_who_waits_in_a_reading_when_it_is_locked_is_handed_nothing(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        assert daemon.desk is not None
        reading = asyncio.create_task(daemon.desk.read("s", 30.0))
        await _tell(stage, "Disabled")
        await stage.say("hello")

        with pytest.raises(Locked):
            await reading
        await until(lambda: _decided(stage, 2))
    assert stage.entries()[-1].state is State.WAITING


async def test_notice_that_the_sdk_cannot_read_locks_all_the_same(stage: Stage) -> None:
    async with stage.daemon():
        await _tell(stage, "Disabled", timestamp="yesterday")

        assert (await stage.status())["locked"]
    assert stage.entries()[-1].state is State.DEAD


async def test_enabling_again_unlocks_nothing(stage: Stage) -> None:
    async with stage.daemon():
        for number, what in enumerate(("Disabled", "Enabled", "Undeleted")):
            await _tell(stage, what, version=str(number))

        assert (await stage.status())["locked"]


async def test_lock_that_cannot_be_read_is_one(stage: Stage) -> None:
    lock = stage.folder / "state" / "locked"
    lock.parent.mkdir(mode=0o700, exist_ok=True)
    lock.write_bytes(b"\xff\xfe")
    async with stage.daemon() as daemon:
        assert daemon.desk is not None
        await stage.say("hello")
        with pytest.raises(Locked, match="its lock cannot be read"):
            await daemon.desk.read("s", 0)
    lock.unlink()
    lock.mkdir()
    assert ProfileLock(stage.folder).reason == "its lock cannot be read"


async def test_lock_holds_although_the_disk_does_not_take_it(stage: Stage) -> None:
    """And it is written as soon as the disk does."""
    state = stage.folder / "state"
    state.write_text("a file where the folder should be")
    lock = ProfileLock(stage.folder)
    with pytest.raises(EntraclawError, match="the lock cannot be written"):
        lock.lock("switched off")
    with pytest.raises(Locked, match="switched off"):
        lock.check()

    state.unlink()
    lock.lock("asked again")
    assert ProfileLock(stage.folder).reason == "switched off"
    assert (state / "locked").stat().st_mode & 0o777 == 0o600


async def test_sponsor_who_was_removed_may_not_speak_once_it_is_told(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        assert daemon.desk is not None
        await stage.say("hello")
        await until(lambda: _decided(stage, 1))
        await stage.control("PUT", f"agents/{stage.agent.user}", {"sponsors": ["grace"]})
        await _tell(stage, "ManagerUpdated", manager={"userId": OTHER})
        await stage.say("still me")
        await stage.say("my turn", person="grace")
        await until(lambda: _decided(stage, 4))

        await until(lambda: _said(stage, Notice.REFUSED))
    states = [entry.state for entry in stage.entries()]
    assert states == [State.WAITING, State.DONE, State.DROPPED, State.WAITING]


@shared_loop
async def test_new_identity_of_our_blueprint_is_offered(shared: Shared) -> None:
    """The notice is addressed to the agent user it is about, who is not ours."""
    agent = shared.stage.agent
    told = event(agent, "IdentityCreated", agenticUserId=OTHER)
    talk = shared.talk(name="lifecycle")
    to = {**shared.draft["recipient"], "agenticUserId": OTHER, "agenticAppId": OTHER}
    await talk.post(**told, recipient=to)

    assert talk.statuses == [202]
    assert await talk.fates() == [(State.DONE, "identity created: it can be adopted")]
    assert (await shared.stage.status())["offers"] == [OTHER]


@shared_loop
@pytest.mark.parametrize("what", ["Disabled", "Deleted", "ManagerUpdated"])
async def test_what_happens_to_another_agent_is_not_our_business(shared: Shared, what: str) -> None:
    talk = shared.talk(name=f"other {what}")
    told = event(shared.stage.agent, what, agenticUserId=OTHER)
    await talk.post(**{**told, "conversation": talk.conversation})

    [(state, reason)] = await talk.fates()
    assert (state, reason.endswith("of another agent")) == (State.DONE, True)
    assert (await shared.stage.status())["locked"] is None


@shared_loop
async def test_notice_of_another_blueprint_and_message_for_another_user_are_refused(
    shared: Shared,
) -> None:
    talk, ours = shared.talk(), shared.draft["recipient"]
    told = event(shared.stage.agent, "Disabled")
    await talk.post(**told, recipient={**ours, "agenticAppBlueprintId": OTHER})
    await talk.post(recipient={**ours, "agenticUserId": OTHER})
    await talk.post(type="event", name="other", recipient={**ours, "agenticUserId": OTHER})

    assert talk.statuses == [403, 403, 403]


@shared_loop
@pytest.mark.parametrize("number", ["17", ""])
@pytest.mark.parametrize("version", ["7", None])
async def test_storm_of_equal_notices_is_one_entry_and_never_answered(
    shared: Shared, number: str, version: str | None
) -> None:
    talk = shared.talk(name=f"storm {number} {version}")
    told = event(shared.stage.agent, "IdentityUpdated", version=version)
    told["conversation"] = talk.conversation
    for again in range(200):
        same = {"id": number or None, "timestamp": "2026-11-23T19:00:00Z"}
        if number:  # sent again under other ids, at other times
            same = {"id": f"{again}", "timestamp": f"2026-11-23T19:00:00.{again:03}Z"}
        await talk.post(**told, **same)

    assert talk.statuses == [202] * 200
    assert await talk.fates() == [(State.DONE, "updated")]
    assert (await shared.stage.status())["pipeline"]["sends"] == 0


@shared_loop
async def test_next_version_of_a_notice_is_another_one(shared: Shared) -> None:
    talk = shared.talk(name="versions")
    for version in ("1", "2"):
        told = event(shared.stage.agent, "IdentityUpdated", version=version)
        await talk.post(**{**told, "conversation": talk.conversation})

    assert len(await talk.fates()) == 2


async def test_offers_are_the_last_twenty(stage: Stage) -> None:
    lifecycle = Lifecycle(stage.agent, ProfileLock(stage.folder), lambda: None)
    for number in range(25):
        await lifecycle.take(event(stage.agent, "IdentityCreated", agenticUserId=str(number)))

    assert lifecycle.offers == [str(number) for number in range(5, 25)]


async def _tell(stage: Stage, what: str, timestamp: str = "", **value: object) -> None:
    told = event(stage.agent, what, **value)
    if timestamp:
        told["timestamp"] = timestamp
    number = len(stage.entries())
    sent = {"agent": stage.agent.user, "activity": told}
    assert (await stage.control("POST", "activities", sent))["status"] == 202
    await until(lambda: _decided(stage, number + 1))


async def _said(stage: Stage, text: str) -> bool:
    await until(lambda: _has_said(stage, text))
    return True


async def _has_said(stage: Stage, text: str) -> bool:
    return text in {one["text"] for one in await stage.answers()}


async def _decided(stage: Stage, number: int) -> bool:
    states = [entry.state for entry in stage.entries()]
    return len(states) == number and State.ADMITTED not in states
