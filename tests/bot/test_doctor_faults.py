"""Each planted fault turns exactly its own line red, with its cause and its cure."""

import asyncio
import os
import shutil
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import keyring
import pytest
from keyring.backends import SecretService
from keyring.errors import KeyringLocked

from bot.exchange import BRISK, Exchange
from bot.stage import PROFILE, Sandbox, Stage, until
from entraclaw.bot import health
from entraclaw.bot.diagnosis import gather
from entraclaw.bot.diagnosis.finding import Finding
from entraclaw.bot.diagnosis.visit import visit
from entraclaw.bot.health import Patient
from entraclaw.bot.inbox import State
from entraclaw.identity.cloud import find
from entraclaw.identity.keys import Binding
from entraclaw.identity.keys.file import UnsafeFileKeyStore
from identity.tenant import closed_port

GRAPH = "https://graph.microsoft.com"
CHANNEL = "5a807f24-c9de-44ee-a3a7-329e88a00ffc"
WORD = "c2d0c2b6-8013-4346-9f8b-b81d3b754a29"
NOBODY = "00000000-0000-4000-8000-000000000000"
BOUND_S = 15.0


@pytest.fixture(autouse=True)
def tidy(stage: Stage) -> None:
    for path in (stage.folder, stage.folder / "keys"):
        path.chmod(0o700)


async def lines(stage: Stage) -> list[Finding]:
    """Have the doctor look, within the time it promises."""
    patient = Patient(stage.folder, {"ENTRACLAW_HOME": str(stage.home)})
    began = time.monotonic()
    found = await asyncio.to_thread(visit, PROFILE, patient, fix=False)
    assert time.monotonic() - began < BOUND_S
    return found


async def red(stage: Stage) -> dict[str, Finding]:
    return {one.name: one for one in await lines(stage) if not one.is_well}


def configure(stage: Stage, **changes: str) -> None:
    """Change settings; what is empty is taken out."""
    path = stage.folder / "config.toml"
    kept = [
        line
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.partition(" ")[0] not in changes
    ]
    kept += [f"{name} = {value}" for name, value in changes.items() if value]
    path.write_text("\n".join(kept), encoding="utf-8")


async def change(stage: Stage, **changes: object) -> None:
    await stage.control("PUT", f"agents/{stage.agent.user}", changes)


async def account(stage: Stage, **changes: object) -> None:
    await stage.control("PUT", f"agents/{stage.agent.user}/account", changes)


async def answered(stage: Stage) -> None:
    """Have an answer go out, so that the profile remembers one."""
    async with stage.daemon(BRISK) as daemon:
        exchange = await Exchange.open(stage, daemon)
        turn = await exchange.asked()
        await exchange.reply(turn, "hello")


async def lose_key(stage: Stage) -> None:
    shutil.rmtree(stage.folder / "keys")


async def unregister(stage: Stage) -> None:
    await account(stage, certificates=[])


async def outlive_certificate(stage: Stage) -> None:
    shutil.rmtree(stage.folder / "keys")
    then = datetime.now(UTC) - timedelta(days=400)
    store = UnsafeFileKeyStore(stage.folder / "keys", lambda: then)
    store.create(PROFILE, binding(stage))


async def replace_certificate(stage: Stage) -> None:
    await answered(stage)
    other = UnsafeFileKeyStore(stage.home / "other").create("other", binding(stage))
    await account(stage, certificates=[other.certificate.decode()])


async def delete_user(stage: Stage) -> None:
    await answered(stage)
    await account(stage, deleted=True)


async def take_another_user(stage: Stage) -> None:
    other = await stage.tenant.hire(stage.sandbox.certificate)
    configure(stage, user=f'"{other.ids.user}"')


async def ask_for_word(stage: Stage) -> None:
    configure(stage, features='["word"]')
    await change(stage, grants={WORD: ["Tools.ListInvoke.All"]})


async def revoke_word(stage: Stage) -> None:
    await ask_for_word(stage)
    assert await red(stage) == {}
    await change(stage, grants={WORD: []})


async def write_newer_schema(stage: Stage) -> None:
    async with stage.daemon():
        pass
    with closing(sqlite3.connect(stage.folder / "inbox.db")) as connection:
        connection.execute("PRAGMA user_version = 99")


def binding(stage: Stage) -> Binding:
    cloud = stage.sandbox.cloud
    return Binding(find(str(cloud), cloud.parent).login, stage.agent.tenant)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is planted, and the one line that must be red for it."""

    plant: Callable[[Stage], Awaitable[None]]
    line: str
    cause: str
    cure: str


def changed(line: str, cause: str, cure: str, **changes: object) -> Fault:
    return Fault(lambda stage: change(stage, **changes), line, cause, cure)


def kept(line: str, cause: str, cure: str, **changes: object) -> Fault:
    return Fault(lambda stage: account(stage, **changes), line, cause, cure)


def set_to(line: str, cause: str, cure: str, **changes: str) -> Fault:
    async def plant(stage: Stage) -> None:
        configure(stage, **changes)

    return Fault(plant, line, cause, cure)


CONSENT = "/v2.0/adminconsent?client_id="
FAULTS = {
    "key gone": Fault(lose_key, "key", "no key for the profile", "entraclaw key new"),
    "certificate not registered": Fault(
        unregister, "certificate", "it is not registered on the blueprint", "entraclaw key cert"
    ),
    "certificate expired": Fault(outlive_certificate, "certificate", "it ended on", "key new"),
    "another machine's certificate": Fault(
        replace_certificate, "certificate", "another machine's took its place", "key certificate"
    ),
    "principal missing": kept(
        "blueprint", "has no principal", "agentIdentityBlueprintPrincipal", principal=False
    ),
    "blueprint of no tenant": set_to(
        "blueprint", "no such blueprint", "correct blueprint", blueprint=f'"{NOBODY}"'
    ),
    "blueprint disabled": changed("blueprint", "disabled", "Agent ID", blueprint_enabled=False),
    "agent identity disabled": changed(
        "agent identity", "disabled", "Agent ID", identity_enabled=False
    ),
    "agent identity of no blueprint": set_to(
        "agent identity", "no such agent identity", "correct agent in", agent=f'"{NOBODY}"'
    ),
    "agent user disabled": changed("agent user", "disabled", "Users", enabled=False),
    "agent user deleted": Fault(delete_user, "agent user", "is gone", "Deleted users"),
    "parent mismatch": Fault(
        take_another_user, "agent user", "another agent identity", "correct user and agent"
    ),
    "consent to Graph revoked": changed(
        "Graph", "nobody consented to Chat.Read", CONSENT, grants={GRAPH: []}
    ),
    "channel grant missing": changed(
        "agent channel", "nobody consented to AgentData", CONSENT, grants={CHANNEL: []}
    ),
    "consent to Work IQ revoked": Fault(
        revoke_word, "Work IQ Word", "nobody consented to Tools.ListInvoke.All", CONSENT
    ),
    "scope missing": changed(
        "Graph",
        "not granted: ChatMessage.Send, User.ReadBasic.All",
        "%2FChatMessage.Send+",
        grants={GRAPH: ["Chat.Read", "User.Read"]},
    ),
    "licence gone": kept("licence", "none is assigned", "licences assign", licences=[]),
    "licence without Teams": kept(
        "licence", "no Teams in EXCHANGESTANDARD", "licences assign", licences=["EXCHANGESTANDARD"]
    ),
    "mailbox not ready": kept("mailbox", "not ready", "wait", mailbox_in_s=900),
    "sponsor gone": changed("sponsors", "none that is a user", "sponsors add", sponsors=[]),
    "blocked by a policy": changed(
        "Conditional Access", "blocks the agent at Graph and agent channel", "Sign-in logs",
        blocked=53003,
    ),
    "inbox of a newer version": Fault(write_newer_schema, "inbox file", "newer", "upgrade"),
    "settings wrong": set_to("settings", "must be a GUID", "correct it", agent='"7"'),
    "folder open to others": Fault(
        lambda stage: asyncio.to_thread(stage.folder.chmod, 0o755), "modes", "other users", "--fix"
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_planted_fault_is_the_one_red_line(stage: Stage, fault: Fault) -> None:
    await fault.plant(stage)

    found = await red(stage)

    assert list(found) == [fault.line]
    assert fault.cause in found[fault.line].says
    assert fault.cure in found[fault.line].cure


async def test_healthy_profile_has_no_red_line_and_nothing_unknown(stage: Stage) -> None:
    """Ours: 0 false alarms."""
    found = await lines(stage)

    assert [one.name for one in found if one.is_note] == ["daemon"]
    assert [one for one in found if not one.is_well] == []
    assert await red(stage) == {}


async def test_healthy_profile_has_no_red_line_beside_its_daemon(stage: Stage) -> None:
    async with stage.daemon(BRISK) as daemon:
        exchange = await Exchange.open(stage, daemon)
        await exchange.reply(await exchange.asked(), "hello")

        found = await lines(stage)

    assert [one for one in found if not one.is_well or one.is_note] == []


async def test_host_that_never_came_is_red_only_while_messages_wait(stage: Stage) -> None:
    async def waits() -> bool:
        return stage.entries()[0].state is State.WAITING

    async with stage.daemon(seat=""):
        assert await red(stage) == {}

        await stage.say("is anybody there?")
        await until(waits)
        found = await red(stage)

    assert list(found) == ["hosts"]
    assert found["hosts"].says == "1 message waits, and no host is attached"
    assert "entraclaw connect claude" in found["hosts"].cure


@pytest.mark.parametrize(("ahead_s", "way"), [(600, "10 min behind"), (-600, "10 min ahead of")])
async def test_clock_that_is_off_is_the_one_red_line(
    stage: Stage, ahead_s: float, way: str
) -> None:
    await stage.control("PUT", "clock", {"ahead_s": ahead_s})
    try:
        found = await red(stage)
    finally:
        await stage.control("PUT", "clock", {"ahead_s": 0})

    assert list(found) == ["clock"]
    assert way in found["clock"].says
    assert found["clock"].cure


@pytest.mark.parametrize("seconds", [None, 30])
async def test_entra_that_is_busy_is_the_one_red_line(stage: Stage, seconds: int | None) -> None:
    fault = {"agent": stage.agent.user, "status": 429, "retry_after": seconds}
    await stage.control("PUT", "entra-faults", {"faults": [fault]})
    try:
        found = await red(stage)
    finally:
        await stage.control("PUT", "entra-faults", {"faults": []})

    assert list(found) == ["Entra"]
    assert "asks to be left alone" in found["Entra"].says
    assert found["Entra"].cure.startswith(f"wait {seconds} s" if seconds else "wait a minute")


@pytest.mark.parametrize(
    ("host", "fault", "line", "cause", "cure"),
    [
        ("graph", {"status": 429, "retry_after": 7}, "Graph", "busy", "call again in 7 s"),
        ("graph", {"status": 401}, "Graph", "does not take the token", "wait"),
        ("graph", {"before": True}, "Graph", "cannot be reached", "curl -sSI"),
        ("login", {"status": 503, "path": "/discovery/"}, "signing keys", "no JSON", "curl -sSI"),
        ("login", {"status": 503}, "Entra", "cannot be reached", "curl -sSI"),
        ("login", {"before": True}, "Entra", "cannot be reached", "curl -sSI"),
    ],
)
async def test_host_in_trouble_is_the_one_red_line(
    stage: Stage, host: str, fault: dict[str, object], line: str, cause: str, cure: str
) -> None:
    await stage.control("PUT", "faults", {host: fault})
    try:
        found = await red(stage)
    finally:
        await stage.control("PUT", "faults", {host: None})

    assert list(found) == [line]
    assert cause in found[line].says
    assert cure in found[line].cure


async def test_network_that_swallows_everything_ends_within_the_bound(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "ENTRA_S", 0.3)
    held = asyncio.Event()

    async def swallow(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.close()

    async with await asyncio.start_server(swallow, "127.0.0.1", 0) as server:
        use_login(stage, server.sockets[0].getsockname()[1])
        found = await red(stage)
        held.set()

    assert list(found) == ["Entra"]
    assert "no answer within" in found["Entra"].says


@pytest.mark.skipif(os.name != "posix", reason="a pipe in a folder is a POSIX matter")
async def test_store_that_hangs_is_not_waited_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "KEY_S", 0.1)
    path = stage.folder / "keys" / f"{PROFILE}.key"
    path.unlink()
    os.mkfifo(path, 0o600)  # whoever reads it waits until somebody writes
    try:
        found = await red(stage)
    finally:
        path.write_text("too late", encoding="ascii")

    assert list(found) == ["key"]
    assert "its store did not answer within" in found["key"].says
    assert "unlock your login keyring" in found["key"].cure


async def test_tenant_that_entra_does_not_know_is_named(stage: Stage) -> None:
    configure(stage, tenant=f'"{NOBODY}"')
    shutil.rmtree(stage.folder / "keys")
    store = UnsafeFileKeyStore(stage.folder / "keys")
    store.create(PROFILE, Binding(binding(stage).login, NOBODY))

    found = await red(stage)

    assert list(found) == ["Entra"]
    assert found["Entra"].says == f"it knows no tenant {NOBODY}"


async def test_nobody_at_the_address_is_said_at_once(stage: Stage) -> None:
    use_login(stage, closed_port())

    assert list(await red(stage)) == ["Entra"]


def use_login(stage: Stage, port: int) -> None:
    """Have the profile, and a key made for it, speak to another login host."""
    there = f"https://127.0.0.1:{port}"
    cloud, login = stage.sandbox.cloud.read_text(encoding="utf-8"), binding(stage).login
    (stage.folder / "cloud.toml").write_text(cloud.replace(login, there), encoding="utf-8")
    configure(stage, cloud='"cloud.toml"')
    shutil.rmtree(stage.folder / "keys")
    key = Binding(there, stage.agent.tenant)
    UnsafeFileKeyStore(stage.folder / "keys").create(PROFILE, key)


async def test_disk_that_is_nearly_full_is_the_one_red_line(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "ENOUGH_BYTES", 1 << 62)

    found = await red(stage)

    assert list(found) == ["disk"]
    assert found["disk"].cure.startswith("make room")


class Locked(SecretService.Keyring):
    """A Secret Service that is locked, and whose owner does not unlock it."""

    priority = -1.0  # pyright: ignore[reportAssignmentType]  # keyring's own word for a constant

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked(f"{service} {username}")


async def test_keyring_that_is_locked_is_the_one_red_line(stage: Stage) -> None:
    configure(stage, key_store='"keyring"')
    before = keyring.get_keyring()
    Locked.__module__ = SecretService.__name__  # the store takes only those that it knows
    keyring.set_keyring(Locked())  # type: ignore[no-untyped-call]  # keyring ships no types
    try:
        found = await red(stage)
    finally:
        keyring.set_keyring(before)

    assert list(found) == ["key"]
    assert "refused (KeyringLocked)" in found["key"].says
    assert found["key"].cure == "unlock your login keyring, then try again"


async def test_profile_without_an_agent_is_not_well_or_ill(stage: Stage) -> None:
    configure(stage, tenant="", blueprint="", agent="", user="")

    found = {one.name: one for one in await lines(stage)}

    assert found["settings"].is_note
    assert found["settings"].cure == "entraclaw setup"
    assert "Graph" not in found


async def test_bot_is_looked_at_as_a_bot(emulation: Sandbox, stage: Stage) -> None:
    certificate = emulation.certificate.decode()
    made = await stage.control("POST", "bots", {"name": "Bot", "certificate": certificate})
    configure(
        stage, blueprint="", agent="", user="", inbound='"bot"', acts_as='"bot"',
        bot=f'"{made["bot"]}"',
    )  # fmt: skip
    well = await lines(stage)
    assert [one for one in well if not one.is_well] == []
    assert "bot" in {one.name for one in well}
    assert not {"blueprint", "Graph"} & {one.name for one in well}

    await stage.control("PUT", f"agents/{made['bot']}", {"enabled": False})

    found = await red(stage)
    assert list(found) == ["bot"]
    assert found["bot"].cure.endswith(made["bot"])
