"""`entraclaw key rotate` against the sandbox's Entra and Graph, with and without a daemon."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.exchange import Exchange
from bot.stage import BOUND_S, PROFILE, Stage, until
from entraclaw.bot.commands.key import command
from entraclaw.bot.key_note import KeyNote
from entraclaw.bot.keystores import ProfileKey
from entraclaw.bot.rotating import applications_of, one_at_a_time
from entraclaw.bot.sandbox_profile import own_folder
from entraclaw.errors import (
    BadSettings,
    CallRefused,
    EntraclawError,
    HopRefused,
    KeyUnavailable,
    RotationUnfinished,
)
from entraclaw.identity import AgentIds
from entraclaw.identity.assertion import thumbprint
from entraclaw.identity.keys import Binding, Key
from entraclaw.identity.keys.file import UnsafeFileKeyStore
from entraclaw.identity.keys.memory import MemoryKeyStore
from entraclaw.identity.registration import Registration
from entraclaw.identity.rotation_orders import Credential, Phase
from entraclaw.identity.values import Hop
from entraclaw.tools import me

FIRST, SECOND = PROFILE, f"{PROFILE} 2"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine with the profile of one agent; another machine has a key for it too."""

    stage: Stage
    other: Key

    async def key(self, *words: str) -> Result:
        """Run `entraclaw key` in this process."""
        environ = {"ENTRACLAW_HOME": str(self.stage.home)}
        runner = CliRunner(env=environ)
        return await asyncio.to_thread(runner.invoke, command, [*words], obj=PROFILE)

    @property
    def held(self) -> set[str]:
        return {path.stem for path in (self.stage.folder / "keys").glob("*.key")}

    @property
    def current(self) -> str:
        return thumbprint(ProfileKey(self.stage.settings())().certificate)

    async def listed(self) -> list[Credential]:
        """What is registered, as the other machine sees it with its own key."""
        return await asyncio.to_thread(self._listed)

    def _listed(self) -> list[Credential]:
        agent = self.stage.agent
        seen = Registration(self.stage.settings().cloud, agent.tenant, agent.blueprint, time.time)
        try:
            return [*seen.read(agent.blueprint, self.other)]
        finally:
            seen.close()

    async def fault(self, **fault: object) -> None:
        await self.stage.control("PUT", "faults", {"graph": fault or None})

    async def settle(self) -> None:
        await self.fault()
        await self.stage.control("PUT", "clock", {"ahead_s": 0})
        await self.stage.control("PUT", "settings", {"credentials_s": 0, "token_lifetime_s": None})


@pytest.fixture
async def machine(stage: Stage) -> AsyncGenerator[Machine]:
    machine = Machine(stage, MemoryKeyStore().create("other", binding(stage)))
    await register(stage, machine.other)
    yield machine
    await machine.settle()


def binding(stage: Stage) -> Binding:
    return Binding(stage.settings().cloud.login, stage.agent.tenant)


async def register(stage: Stage, key: Key) -> None:
    body = {"certificate": key.certificate.decode()}
    await stage.control("POST", f"agents/{stage.agent.user}/certificates", body)


async def test_key_is_replaced_and_another_machines_credential_is_byte_for_byte_as_it_was(
    machine: Machine,
) -> None:
    old, before = machine.current, await machine.listed()

    shown = await machine.key("rotate")

    assert shown.exit_code == 0, shown.output
    told = [line.split()[0] for line in shown.output.splitlines()]
    assert told == ["made", "registered", "proven", "switched", "removed", "deleted"]
    after = await machine.listed()
    assert {one.thumbprint for one in after} == {
        machine.current,
        thumbprint(machine.other.certificate),
    }
    assert machine.current != old
    assert [one for one in after if one in before] == before[1:]
    assert machine.held == {SECOND}


async def test_next_rotation_goes_back_to_the_first_name_and_says_so_for_programs(
    machine: Machine,
) -> None:
    await machine.key("rotate")
    old = machine.current

    shown = await machine.key("rotate", "--json")

    document = json.loads(shown.output)
    assert machine.held == {FIRST}
    assert (document["old"], document["key"]) == (old, machine.current)
    assert (document["profile"], document["store"]) == (PROFILE, "unsafe-file")
    assert [one["step"] for one in document["steps"]][:2] == ["made", "registered"]


async def test_daemon_takes_the_new_key_without_a_restart_and_no_call_fails(
    machine: Machine,
) -> None:
    stage = machine.stage
    async with stage.daemon() as daemon:
        exchange = await Exchange.open(stage, daemon)
        calls: list[str] = []

        async def call_all_the_time() -> None:
            while True:
                calls.append((await me(exchange.graph)).oid)

        calling = asyncio.create_task(call_all_the_time())
        shown = await machine.key("rotate")
        assert shown.exit_code == 0, shown.output
        exchange.agency.hops.clear()
        # All that Entra ever signed is good for nothing now: the chain begins anew.
        await stage.control("POST", "keys", {"withdraw": True})
        enough = len(calls) + 3

        async def has_gone_on() -> bool:
            return calling.done() or len(calls) >= enough

        await until(has_gone_on)
        assert not calling.done(), calling.exception()
        calling.cancel()
        assert set(calls) == {stage.agent.user}
        signed = [hop.hop for hop in exchange.agency.hops if hop.ms]
        assert Hop.BLUEPRINT in signed, "a proof by the new key"
        assert machine.held == {SECOND}
        document = await stage.status()
        assert (document["tokens"], document["key"]["warning"]) == ([], None)


async def test_certificate_that_entra_knows_late_is_waited_for_and_a_killed_run_is_finished(
    machine: Machine,
) -> None:
    stage, old = machine.stage, machine.current
    await stage.control("PUT", "settings", {"credentials_s": 3_600})
    async with running(stage) as process:
        assert process.stdout is not None
        async with asyncio.timeout(BOUND_S):
            while "waiting" not in (line := (await process.stdout.readline()).decode()):
                assert line, "it ended before it waited"
        assert "AADSTS700027" in line
        process.kill()
        await process.wait()

    assert machine.held == {FIRST, SECOND}
    assert machine.current == old, "the daemon goes on with the old key"
    note = KeyNote(stage.folder, PROFILE).read()
    assert note is not None
    assert (note.current, note.phase) == (FIRST, Phase.ADDING)
    listed = await machine.key("list")
    assert "unfinished: `entraclaw key rotate` goes on" in listed.output
    assert {one.thumbprint for one in await machine.listed()} > {old, note.thumbprint}

    # As if an administrator took it off again: the next run registers the same key anew.
    await stage.control("PUT", "settings", {"credentials_s": 0})
    await forget(machine, note.thumbprint)
    shown = await machine.key("rotate")

    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("resumed")
    assert machine.held == {SECOND}
    assert machine.current == note.thumbprint, "the key that was made is the one that is used"
    assert old not in {one.thumbprint for one in await machine.listed()}


@asynccontextmanager
async def running(stage: Stage) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run `entraclaw key rotate` as a process of its own."""
    words = ("-m", "entraclaw", "--profile", PROFILE, "key", "rotate")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**stage.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def forget(machine: Machine, named: str) -> None:
    """Take a certificate off, as another machine can."""
    [one] = [one for one in await machine.listed() if one.thumbprint == named]
    agent = machine.stage.agent
    seen = Registration(machine.stage.settings().cloud, agent.tenant, agent.blueprint, time.time)
    await asyncio.to_thread(seen.remove, agent.blueprint, one.key_id, machine.other)
    seen.close()


async def refused(machine: Machine, *words: str) -> EntraclawError:
    """Run a command that is refused; everything is as it was before."""
    before, held = await machine.listed(), machine.held
    shown = await machine.key(*words)
    assert isinstance(shown.exception, EntraclawError), shown.output
    assert await machine.listed() == before
    assert machine.held == held
    note = KeyNote(machine.stage.folder, PROFILE).read()
    assert note is None or (note.current, note.phase) == (FIRST, Phase.SETTLED)
    return shown.exception


@pytest.mark.parametrize("path", ["addKey", "applications"])
async def test_tenant_that_does_not_let_the_blueprint_is_told_with_the_cure(
    machine: Machine, path: str
) -> None:
    await machine.fault(status=403, path=path)
    shown = await machine.key("rotate")
    await machine.fault()

    assert isinstance(shown.exception, CallRefused)
    assert "an administrator" in shown.exception.hint
    assert shown.exception.exit_code == 3
    assert machine.held == {FIRST}
    assert len(await machine.listed()) == 2


async def test_answer_that_is_lost_after_its_effect_is_no_harm(machine: Machine) -> None:
    await machine.fault(after=True, times=1, path="addKey")

    shown = await machine.key("rotate")

    assert shown.exit_code == 0, shown.output
    assert "waiting" in shown.output
    assert len(await machine.listed()) == 2


async def test_old_certificate_that_cannot_be_removed_is_named_and_the_next_run_does_it(
    machine: Machine,
) -> None:
    old = machine.current
    await machine.fault(status=403, path="removeKey")
    shown = await machine.key("rotate")
    await machine.fault()

    assert isinstance(shown.exception, RotationUnfinished)
    assert old in shown.exception.hint
    assert machine.current != old
    kept = machine.current

    assert (await machine.key("rotate")).exit_code == 0
    assert machine.current == kept
    assert len(await machine.listed()) == 2


async def test_clock_that_is_off_is_named_and_nothing_is_begun(machine: Machine) -> None:
    await machine.stage.control("PUT", "clock", {"ahead_s": 1_200})
    shown = await machine.key("rotate")
    await machine.stage.control("PUT", "clock", {"ahead_s": 0})

    assert isinstance(shown.exception, HopRefused)
    assert "this machine's clock is 20 min behind" in shown.exception.hint
    assert machine.held == {FIRST}
    assert not (machine.stage.folder / "key.json").exists()


async def test_key_that_is_not_registered_cannot_introduce_another(machine: Machine) -> None:
    keys = machine.stage.folder / "keys"
    (keys / f"{FIRST}.key").unlink()
    UnsafeFileKeyStore(keys).create(FIRST, binding(machine.stage))

    error = await refused(machine, "rotate")

    assert isinstance(error, HopRefused)
    assert "is not registered" in error.hint
    shown = await machine.key("list", "--ask")
    assert shown.exit_code == 1
    assert "registered" in shown.output


async def test_second_rotation_at_once_is_refused(machine: Machine) -> None:
    with one_at_a_time(machine.stage.folder):
        error = await refused(machine, "rotate")
    assert "is being changed already" in str(error)


@pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")
async def test_store_that_cannot_be_used_is_the_reason(machine: Machine) -> None:
    (machine.stage.folder / "keys").chmod(0o755)
    shown = await machine.key("rotate")
    (machine.stage.folder / "keys").chmod(0o700)

    assert isinstance(shown.exception, KeyUnavailable)
    assert "open to others" in str(shown.exception)


async def test_certificate_that_has_ended_is_replaced_by_hand(machine: Machine) -> None:
    """Ours: nobody can prove anything with it, so an administrator registers the next."""
    keys = machine.stage.folder / "keys"
    (keys / f"{FIRST}.key").unlink()
    long_ago = datetime.now(UTC) - timedelta(days=800)
    UnsafeFileKeyStore(keys, lambda: long_ago).create(FIRST, binding(machine.stage))
    error = await refused(machine, "rotate")
    assert "ended on" in str(error)
    assert "entraclaw key new" in error.hint

    made = await machine.key("new")

    assert made.exit_code == 0, made.output
    assert machine.held == {SECOND}
    assert "BEGIN CERTIFICATE" in made.output
    await register(machine.stage, ProfileKey(machine.stage.settings())())
    assert (await machine.key("list", "--ask")).exit_code == 0
    assert (await machine.key("new")).exit_code == 1
    assert (await machine.key("rotate")).exit_code == 0


async def test_list_says_whether_the_key_is_registered(machine: Machine) -> None:
    assert json.loads((await machine.key("list", "--json")).output)["registered"] is None

    shown = await machine.key("list", "--json", "--ask")

    assert shown.exit_code == 0
    assert json.loads(shown.output)["registered"] is True
    assert json.loads(shown.output)["rotation"] is None
    assert "yes" in (await machine.key("list", "--ask")).output


async def test_entra_that_does_not_answer_is_no_answer_about_the_key(machine: Machine) -> None:
    await machine.fault(status=403)
    shown = await machine.key("list", "--ask")
    await machine.fault()

    assert isinstance(shown.exception, CallRefused)


def test_profile_without_an_agent_has_no_key_to_change(tmp_path: Path) -> None:
    runner = CliRunner(env={"ENTRACLAW_HOME": str(tmp_path)})

    assert isinstance(runner.invoke(command, ["rotate"], obj=PROFILE).exception, BadSettings)


def test_agent_that_no_application_proves_has_no_key_to_change() -> None:
    with pytest.raises(KeyUnavailable):
        applications_of(AgentIds("tenant"))
    assert applications_of(AgentIds("tenant", "blueprint", bot="bot")) == ("blueprint", "bot")


def test_sandbox_begins_without_the_keys_of_its_last_run_and_without_their_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENTRACLAW_HOME", str(tmp_path))
    folder = own_folder()
    note = KeyNote(folder, "sandbox")
    note.keep(note.about(note.names[1]))
    UnsafeFileKeyStore(folder / "keys").create(note.names[1], Binding("https://localhost", "t"))

    own_folder()

    assert note.read() is None
    assert [*(folder / "keys").iterdir()] == []
