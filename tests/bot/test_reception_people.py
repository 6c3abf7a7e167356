"""Who may speak, end to end: the list, pairing, and the few lines the daemon says itself."""

import time
from collections.abc import Callable

import pytest

from bot.stage import Stage, until
from bot.talk import Shared
from entraclaw.bot.access import DESK, Access, Pending
from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.inbox import State
from entraclaw.bot.notices import Notice

shared_loop = pytest.mark.asyncio(loop_scope="module")

NOT_ALLOWED = (State.DROPPED, "not allowed")


@shared_loop
async def test_colleague_on_the_list_is_handed_over_as_allowed(shared: Shared) -> None:
    talk = shared.talk()
    with shared.allowing("grace"):
        await talk.say("hello", by="grace")
        message = await talk.only()

    assert (message.view["sender"], message.view["relation"]) == ("Grace Hopper", "allowed")


@shared_loop
async def test_object_id_that_is_listed_for_another_tenant_lets_nobody_in(
    shared: Shared,
) -> None:
    talk, grace = shared.talk(), shared.people["grace"]
    elsewhere = (shared.people["mallory"]["tenant"], grace["oid"])
    _change(shared.stage, lambda access: access.allow(elsewhere, "", DESK, 1.0))
    await talk.say("hello", by="grace")
    await talk.say("hello", by={**talk.person("grace"), "tenantId": grace["tenant"]})

    assert await talk.fates() == [NOT_ALLOWED, NOT_ALLOWED]


@shared_loop
async def test_guest_on_the_list_is_known_by_their_own_tenant_only(shared: Shared) -> None:
    talk, home = shared.talk(), shared.people["ada"]["tenant"]
    mallory = shared.people["mallory"]
    from_home = {**talk.person("mallory"), "tenantId": mallory["tenant"]}
    with shared.allowing("mallory"):
        await talk.say("hello", by=from_home)
        message = await talk.only()
        await talk.say("hello", by={**from_home, "tenantId": home})
        await talk.say("hello", by="mallory")

    assert message.view["relation"] == "allowed"
    unknown = (State.DROPPED, "home tenant not known")
    assert (await talk.fates())[1:] == [unknown, unknown]


@shared_loop
async def test_sponsors_id_with_another_tenant_is_no_sponsor(shared: Shared) -> None:
    talk = shared.talk()
    away = shared.people["mallory"]["tenant"]
    await talk.say("hello", by={**talk.person("ada"), "tenantId": away})

    assert await talk.fates() == [(State.DROPPED, "another tenant")]


@shared_loop
async def test_strangers_of_other_tenants_meet_silence(shared: Shared) -> None:
    talk = shared.talk()
    away = {**talk.person("mallory"), "tenantId": shared.people["mallory"]["tenant"]}
    await talk.say("let me in", by=away)

    assert await talk.fates() == [(State.DROPPED, "another tenant")]
    assert await shared.stage.answers() == []


async def test_colleague_pairs_by_telling_a_sponsor_the_code(stage: Stage) -> None:
    _change(stage, lambda access: access.set_pairing(on=True))
    async with stage.daemon() as daemon:
        assert daemon.desk is not None
        await stage.say("let me in", person="grace")
        code = await _code(stage)
        await stage.say(f"pair {code.lower()}")
        await _endssaid(stage, "Grace Hopper can talk to me now.")
        await stage.say("hello", person="grace")
        [message] = (await daemon.desk.read("s", 30.0)).messages

    assert (message.view["text"], message.view["relation"]) == ("hello", "allowed")
    # What she said before stays dropped, and the code never reached a host.
    assert [entry.state for entry in stage.entries()][:2] == [State.DROPPED, State.DONE]


async def test_code_opens_nothing_but_from_a_sponsor_in_their_own_1_to_1(stage: Stage) -> None:
    _change(stage, lambda access: access.set_pairing(on=True))
    async with stage.daemon() as daemon:
        assert daemon.desk is not None
        await stage.say("let me in", person="grace")
        code = await _code(stage)
        await stage.say(f"pair {code}", person="grace")
        await stage.say(f"pair {code}", person="mallory")
        await stage.say(f"pair {code}", kind="groupChat")
        await stage.say(f"please pair {code}")
        await until(lambda: _decided(stage, 5))
        read = (await daemon.desk.read("s", 30.0)).messages
        seen = {one.view["text"] for one in read}
        await stage.say("hello", person="grace")
        await until(lambda: _decided(stage, 6))

    # In a group and within other words it is text like any other; from others it is nothing.
    assert seen == {f"pair {code}", f"please pair {code}"}
    assert AccessFile(stage.folder).load().allowed == {}
    assert stage.entries()[-1].state is State.DROPPED


async def test_code_that_nobody_was_told_is_said_to_be_unknown(stage: Stage) -> None:
    async with stage.daemon():
        await stage.say("pair ACDEF3")
        await _endssaid(stage, Notice.NOT_PAIRED)


async def test_code_is_told_for_messages_only_and_twice_at_most(stage: Stage) -> None:
    """Who reacts to the code or edits the question did not ask for another one."""
    _change(stage, lambda access: access.set_pairing(on=True))
    async with stage.daemon():
        said = await stage.say("let me in", person="grace")
        code = await _code(stage)
        about = {"from": "grace", "activity": said["activity"]}
        await stage.control("POST", "reactions", {**about, "add": ["like"]})
        await stage.control("POST", "edits", {**about, "text": "please"})
        await stage.control("POST", "deletes", about)
        await until(lambda: _decided(stage, 4))
        [pending] = AccessFile(stage.folder).load().pending
        assert pending.told == 1
        for _ in range(3):
            await stage.say("hello?", person="grace")
        await until(lambda: _decided(stage, 7))
        await until(lambda: _said(stage, 2))

    assert all(code in one["text"] for one in await stage.answers())
    assert stage.entries()[-1].reason == "not allowed, and was told a code twice"


async def test_fourth_who_would_wait_is_told_no_instead(stage: Stage) -> None:
    home, ends = stage.agent.tenant, time.time() + 3000
    waiting = tuple(
        Pending(f"ACDEF{n}", (home, f"00000000-0000-4000-8000-00000000000{n}"), "x", ends, 1)
        for n in (3, 4, 6)
    )
    _change(stage, lambda _: Access(pairing=True, pending=waiting))
    async with stage.daemon():
        await stage.say("let me in", person="grace")
        await _endssaid(stage, Notice.REFUSED)

    assert len(AccessFile(stage.folder).load().pending) == 3


async def test_refused_colleague_is_told_once_an_hour_and_wherever_they_ask(
    stage: Stage,
) -> None:
    async with stage.daemon():
        for _ in range(3):
            await stage.say("let me in", person="grace")
        for _ in range(2):
            await stage.say("let me in", person="grace", kind="groupChat")
        await until(lambda: _decided(stage, 5))
        await until(lambda: _said(stage, 2))

    told = await stage.answers()
    assert [one["text"] for one in told] == [Notice.REFUSED] * 2
    assert len({one["conversation"] for one in told}) == 2


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 403}, {"before": True}])
async def test_notice_that_cannot_be_sent_breaks_nothing(
    stage: Stage, fault: dict[str, object]
) -> None:
    async with stage.daemon() as daemon:
        assert daemon.desk is not None
        await stage.control("PUT", "faults", {"connector": fault})
        try:
            await stage.say("let me in", person="grace")
            await stage.say("stop")
            await stage.say("hello")
            [message] = (await daemon.desk.read("s", 30.0)).messages
            await until(lambda: _decided(stage, 3))
        finally:
            await stage.control("PUT", "faults", {"connector": None})

    assert message.view["text"] == "hello"
    assert [entry.state for entry in stage.entries()][:2] == [State.DROPPED, State.DONE]


async def test_connector_that_hangs_holds_up_nobody(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        assert daemon.desk is not None
        await stage.control("PUT", "faults", {"connector": {"delay_ms": 20_000}})
        try:
            await stage.say("stop")
            await stage.say("hello")
            [message] = (await daemon.desk.read("s", 30.0)).messages
        finally:
            await stage.control("PUT", "faults", {"connector": None})

    assert message.view["text"] == "hello"


async def test_refused_message_the_sdk_cannot_read_is_dropped_and_holds_up_nobody(
    stage: Stage,
) -> None:
    """A notice answers an activity; here the SDK cannot even read what it would answer."""
    async with stage.daemon():
        poison = {"activity": {"attachments": "not a list"}}
        await stage.say("let me in", person="grace", kind="groupChat", **poison)
        for number in range(3):
            await stage.say(f"and {number}", person="grace", kind="groupChat")
        await until(lambda: _decided(stage, 4))

    assert [(one.state, one.reason) for one in stage.entries()] == [NOT_ALLOWED] * 4


def _change(stage: Stage, edit: Callable[[Access], Access]) -> None:
    AccessFile(stage.folder).change(lambda access: (edit(access), None))


async def _code(stage: Stage) -> str:
    """Take the code out of what Grace was told."""
    await until(lambda: _said(stage, 1))
    [told] = await stage.answers()
    words: list[str] = told["text"].split()
    return words[words.index("**pair") + 1].strip("*")


async def _said(stage: Stage, number: int) -> bool:
    return len(await stage.answers()) == number


async def _endssaid(stage: Stage, text: str) -> None:
    async def is_said() -> bool:
        return text in {one["text"] for one in await stage.answers()}

    await until(is_said)


async def _decided(stage: Stage, number: int) -> bool:
    states = [entry.state for entry in stage.entries()]
    return len(states) == number and State.ADMITTED not in states
