"""A list that was changed outside the daemon: refused, shown, put back or accepted."""

from collections.abc import Callable

import pytest

from bot.proofs import MARY, TENANT, asking, decided, known, said, shown
from bot.stage import Stage, until
from entraclaw.bot.access import DESK, Access
from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.access_format import encode
from entraclaw.bot.daemon import Daemon
from entraclaw.bot.inbox import State


def rewrite(stage: Stage, change: Callable[[str], str]) -> None:
    """Edit the list as a program of the same user would."""
    path = stage.folder / "state" / "access.json"
    path.write_text(change(path.read_text()), encoding="utf-8")


def deny(daemon: Daemon) -> None:
    """Have a list there is something on."""
    assert daemon.agency is not None
    account = (TENANT, MARY.rpartition("/")[2])
    daemon.agency.access.change(lambda access: (access.deny(account, "", DESK, 1.0), None))


def pairing_on(text: str) -> str:
    return text.replace('"pairing": false', '"pairing": true')


async def trouble(stage: Stage) -> str:
    return str((await stage.status())["trouble"])


async def test_list_that_was_edited_by_hand_lets_nobody_in_and_status_says_so(
    stage: Stage,
) -> None:
    tenant = stage.agent.tenant
    async with stage.daemon() as daemon:
        assert daemon.agency is not None
        people = (await stage.control("GET", "people"))["people"]
        grace = next(one for one in people if one["key"] == "grace")
        account = (tenant, grace["oid"])
        daemon.agency.access.change(lambda one: (one.allow(account, "Grace", DESK, 1.0), None))
        rewrite(stage, lambda text: text.replace('"Grace"', '"Ada"'))
        await stage.say("hello", person="grace")
        await stage.say("hello")
        await decided(stage, 2)
        shown = await trouble(stage)

    assert [one.state for one in stage.entries()] == [State.DROPPED, State.WAITING]
    assert "it was changed outside the daemon" in shown


async def test_edited_list_is_put_back_without_a_proof(stage: Stage) -> None:
    async with stage.daemon() as daemon:
        deny(daemon)
        rewrite(stage, pairing_on)
        async with asking(stage, do="restore") as line:
            assert (await line.hear())["done"]["did"] == "the list is as it was sealed"
        assert await trouble(stage) == "None"

        assert AccessFile(stage.folder).load().pairing is False
        rewrite(stage, pairing_on)  # and once more: it is seen again
        assert "changed outside the daemon" in await trouble(stage)


async def test_edited_list_is_accepted_with_a_proof(stage: Stage) -> None:
    async with known(stage) as daemon:
        deny(daemon)
        rewrite(stage, pairing_on)
        async with asking(stage, do="accept") as line:
            told = (await line.hear())["asked"]
            assert "+ pairing on" in told["what"]
            await shown(daemon)
            await stage.say(f"confirm {told['code']}")
            assert "done" in await line.hear()
        assert await trouble(stage) == "None"

    assert AccessFile(stage.folder).load().pairing is True


async def test_what_is_accepted_is_what_was_shown(stage: Stage) -> None:
    """Ours: the file may be edited once more while somebody reads."""
    async with known(stage) as daemon:
        deny(daemon)
        rewrite(stage, lambda text: text.replace('"denied"', '"denied" '))
        async with asking(stage, do="accept") as line:
            told = (await line.hear())["asked"]
            await shown(daemon)
            rewrite(stage, pairing_on)
            await stage.say(f"confirm {told['code']}")
            refused = await line.hear()
            await said(stage, "Not done, though you confirmed it")

    assert "it was changed again meanwhile" in refused["error"]


async def test_who_is_on_a_list_whose_seal_cannot_be_looked_at_waits_and_sponsors_do_not(
    stage: Stage,
) -> None:
    """Ours: a keyring that is locked for a minute must turn nobody away, and let nobody in."""
    people = {one["key"]: one for one in (await stage.control("GET", "people"))["people"]}
    account = (stage.agent.tenant, people["grace"]["oid"])
    AccessFile(stage.folder).change(lambda one: (one.allow(account, "", DESK, 1.0), None))
    key = stage.folder / "state" / "seal.key"
    key.chmod(0o644)
    async with stage.daemon() as daemon:
        assert daemon.desk is not None
        await stage.say("hello from Grace", person="grace")
        await stage.say("hello from Ada")
        [first] = (await daemon.desk.read("s", 30.0)).messages
        assert "can be read by others" in await trouble(stage)
        assert stage.entries()[0].state is State.ADMITTED
        key.chmod(0o600)
        await decided(stage, 2)

    assert first.view["text"] == "hello from Ada"
    assert stage.entries()[0].state is State.WAITING


async def test_list_from_before_there_were_seals_is_sealed_once_as_it_is(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    path = stage.folder / "state" / "access.json"
    path.parent.mkdir(mode=0o700)
    path.write_bytes(encode(Access(pairing=True)))
    path.chmod(0o600)
    async with stage.daemon():

        async def is_sealed() -> bool:
            return bool((await stage.status())["seal"]["adopted"])

        await until(is_sealed)
        status = await stage.status()
    assert status["trouble"] is None
    assert status["seal"] | {"adopted": 0} == {"kept": "file", "is_weak": True, "adopted": 0}
    assert "was sealed as it was found" in caplog.text

    rewrite(stage, lambda text: text.replace("true", "false"))
    async with stage.daemon():

        async def is_refused() -> bool:
            return "changed outside the daemon" in await trouble(stage)

        await until(is_refused)
