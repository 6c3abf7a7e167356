"""`entraclaw`, `doctor`, `doctor chat` and `status --strict`, as they are typed."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable

import pytest

from bot.exchange import BRISK, Exchange
from bot.presences import Played, change
from bot.stage import PROFILE, Stage, until
from bot.typed import Said, typing
from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.inbox import State
from entraclaw.bot.profile_lock import ProfileLock
from entraclaw.identity.keys.file import UnsafeFileKeyStore

Type = Callable[..., Awaitable[Said]]


@pytest.fixture
def typed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Type:
    run = typing(stage.home, monkeypatch, capsys, PROFILE)
    stage.folder.chmod(0o700)

    def type_beside(*words: str) -> Awaitable[Said]:
        return asyncio.to_thread(run, *words)

    return type_beside


async def answered(stage: Stage) -> str:
    """Have Ada be answered and Grace be refused; gives the id of Ada's chat."""
    async with stage.daemon(BRISK) as daemon:
        exchange = await Exchange.open(stage, daemon)
        await exchange.reply(await exchange.asked(), "hello")
        await stage.say("let me in", person="grace")

        async def is_dropped() -> bool:
            return stage.entries()[1].state is State.DROPPED

        await until(is_dropped)
        return stage.entries()[0].arrival.conversation


async def said_in(stage: Stage, kind: str) -> str:
    """Have Ada mention the agent in a conversation of *kind*, and give its id."""
    await stage.say("hello", kind=kind, mention=True)

    async def waits() -> bool:
        return stage.entries()[0].state is State.WAITING

    await until(waits)
    return stage.entries()[0].arrival.conversation


async def test_page_is_grouped_and_fits_into_80_columns(stage: Stage, typed: Type) -> None:
    del stage
    said = await typed("doctor")

    rows = said.out.splitlines()
    assert (said.code, rows[-1]) == (0, "All is well.")
    assert [row for row in rows if row and row[0] != " "] == [
        "Identity", "Microsoft 365", "This machine", "Hosts", "All is well.",
    ]  # fmt: skip
    assert max(map(len, rows)) <= 80
    assert "✓  sponsors        Ada Lovelace" in said.out
    assert "·  daemon" in said.out


async def test_red_line_has_its_cure_below_and_the_summary_names_it(
    stage: Stage, typed: Type
) -> None:
    shutil.rmtree(stage.folder / "keys")

    said = await typed("doctor")

    assert said.code == 1
    assert "✗  key" in said.out
    assert said.out.splitlines()[-1].endswith("needs you: key")
    [line] = [row for row in said.out.splitlines() if "→" in row and "unlock the store" in row]
    assert line.startswith(" " * 10)


async def test_address_to_open_is_printed_whole(stage: Stage, typed: Type) -> None:
    grants = {"https://graph.microsoft.com": ["User.Read"]}
    await stage.control("PUT", f"agents/{stage.agent.user}", {"grants": grants})

    said = await typed("doctor")

    [address] = [row for row in said.out.splitlines() if row.startswith("https://")]
    assert address.endswith("entra.microsoft.com%2FTokenAuthorize&state=doctor")
    assert f"client_id={stage.agent.agent}" in address


async def test_document_names_group_cause_and_cure_and_shows_no_token(
    stage: Stage, typed: Type
) -> None:
    await stage.control("PUT", f"agents/{stage.agent.user}", {"sponsors": []})

    said = await typed("doctor", "--json")

    assert (said.code, said.document["ok"]) == (1, False)
    [red] = [one for one in said.document["findings"] if not one["ok"]]
    assert (red["group"], red["name"], red["note"]) == ("microsoft", "sponsors", False)
    assert red["cure"].startswith("entraclaw sponsors add")
    assert "eyJ" not in said.out


async def test_open_folder_of_keys_is_closed_when_asked(stage: Stage, typed: Type) -> None:
    (stage.folder / "keys").chmod(0o755)
    assert (await typed("doctor")).code == 1

    said = await typed("doctor", "--fix")

    assert (said.code, said.out.splitlines()[-1]) == (0, "All is well.")


async def test_certificate_can_be_printed_to_be_registered(stage: Stage, typed: Type) -> None:
    said = await typed("key", "certificate")

    key = UnsafeFileKeyStore(stage.folder / "keys").load(PROFILE)
    assert key is not None
    assert (said.code, said.out) == (0, key.certificate.decode())


async def test_chat_says_who_may_speak_and_what_became_of_the_last_message(
    stage: Stage, typed: Type
) -> None:
    chat = await answered(stage)

    said = await typed("doctor", "chat", chat)
    document = (await typed("doctor", "chat", chat, "--json")).document

    assert said.code == 0
    assert "✓  Ada Lovelace  may speak: a sponsor" in said.out
    assert "In a 1:1 every word is for the agent." in said.out
    assert "Entry 1, message of Ada Lovelace: done" in said.out
    [ada] = document["people"]
    assert (ada["name"], ada["may"], ada["cure"]) == ("Ada Lovelace", True, None)
    assert (document["is_all"], document["unknown"], document["last"]["seq"]) == (True, None, 1)


async def test_chat_with_a_stranger_names_the_command_that_lets_them_in(
    stage: Stage, typed: Type
) -> None:
    await answered(stage)

    said = await typed("doctor", "chat", "2")

    assert said.code == 1
    assert "✗  Grace Hopper  may not: not allowed" in said.out
    cure, *_ = [row for row in said.out.splitlines() if "entraclaw access allow" in row]
    assert "Entry 2, message of Grace Hopper: dropped" in said.out

    person = cure.split()[-1]
    listed = AccessFile(stage.folder)
    await asyncio.to_thread(change, listed, Played(answer=True), do="allow", person=person)
    assert (await typed("doctor", "chat", "2")).code == 0


async def test_group_lists_all_its_members(stage: Stage, typed: Type) -> None:
    async with stage.daemon(BRISK):
        group = await said_in(stage, "groupChat")
        said = await typed("doctor", "chat", group)
        document = (await typed("doctor", "chat", group, "--json")).document

    assert "Only what mentions the agent" in said.out
    assert document["is_all"]
    names = {one["name"]: one["may"] for one in document["people"]}
    assert names["Ada Lovelace"]
    assert not names.get("Grace Hopper")
    assert stage.agent.user not in {one["oid"] for one in document["people"]}


async def test_chat_without_graph_says_that_it_does_not_know(stage: Stage, typed: Type) -> None:
    chat = await answered(stage)
    shutil.rmtree(stage.folder / "keys")

    said = await typed("doctor", "chat", chat)

    assert said.code == 1
    assert "Who may speak is not known: no key for the profile" in " ".join(said.out.split())
    assert "Entry 1" in said.out


async def test_chat_whose_sponsors_cannot_be_read_judges_nobody(stage: Stage, typed: Type) -> None:
    chat = await answered(stage)
    await stage.control("PUT", "faults", {"graph": {"status": 503}})

    said = await typed("doctor", "chat", chat, "--json")
    await stage.control("PUT", "faults", {"graph": None})

    assert (said.code, said.document["people"]) == (1, [])
    assert said.document["unknown"].startswith("its sponsors cannot be read")


async def test_roster_that_cannot_be_read_leaves_those_who_wrote(stage: Stage, typed: Type) -> None:
    async with stage.daemon(BRISK):
        group = await said_in(stage, "groupChat")
    await stage.control("PUT", "faults", {"graph": {"status": 403, "path": "/members"}})

    said = await typed("doctor", "chat", group)
    await stage.control("PUT", "faults", {"graph": None})

    assert said.code == 0
    assert "✓  Ada Lovelace  may speak: a sponsor" in said.out
    assert "Who else is in it is not known; these wrote here." in said.out


async def test_channel_tells_no_roster(stage: Stage, typed: Type) -> None:
    async with stage.daemon(BRISK):
        channel = await said_in(stage, "channel")

    document = (await typed("doctor", "chat", channel, "--json")).document

    assert (document["kind"], document["is_all"]) == ("channel", False)
    assert [one["may"] for one in document["people"]] == [True]


async def test_lock_is_why_nobody_is_heard(stage: Stage, typed: Type) -> None:
    chat = await answered(stage)
    ProfileLock(stage.folder).lock("somebody said so")

    said = await typed("doctor", "chat", chat)

    assert said.code == 1
    assert "The profile is locked: somebody said so." in said.out


async def test_conversation_that_nothing_came_from_is_an_error(stage: Stage, typed: Type) -> None:
    await answered(stage)

    said = await typed("doctor", "chat", "a:nowhere")

    assert (said.code, said.out) == (1, "")
    assert "an entry's number will do" in said.err


async def test_bare_command_shows_the_daemon_and_the_next_step(stage: Stage, typed: Type) -> None:
    resting = await typed()
    async with stage.daemon(seat=""):
        serving = await typed()

    assert (resting.code, serving.code) == (1, 0)
    assert "○ not running" in resting.out
    assert resting.out.splitlines()[-1] == "next step  entraclaw serve"
    assert "● running, pid" in serving.out
    assert serving.out.splitlines()[-1].startswith("next step  start your host")
    assert max(map(len, resting.out.splitlines())) <= 80


async def test_bare_command_completes_what_is_not_there_yet(stage: Stage, typed: Type) -> None:
    await answered(stage)
    shutil.rmtree(stage.folder / "keys")
    keyless = await typed()
    (stage.folder / "config.toml").write_text("port = 0\n", encoding="utf-8")
    nameless = await typed()
    (stage.folder / "config.toml").write_text('port = "x"\n', encoding="utf-8")
    wrong = await typed()

    assert keyless.out.splitlines()[-1] == "next step  entraclaw key new"
    assert "1 done, 1 dropped" in keyless.out
    assert nameless.out.splitlines()[-1].endswith("entraclaw setup")
    assert wrong.out.splitlines()[-1].endswith("correct config.toml: docs/settings.md")
    assert "must be a port number" in wrong.out


async def test_status_is_strict_only_when_asked(stage: Stage, typed: Type) -> None:
    async with stage.daemon(BRISK):
        well = await typed("status", "--strict")
        stage.folder.chmod(0o755)
        open_to_all = await typed("status", "--strict", "--json")
        stage.folder.chmod(0o700)
        ProfileLock(stage.folder).lock("somebody said so")
        lax, strict = await typed("status"), await typed("status", "--strict")

    assert (well.code, open_to_all.code, lax.code, strict.code) == (0, 1, 0, 1)
    assert open_to_all.document["unwell"] == ["modes"]
    assert strict.out.splitlines()[-1] == "not well: profile locked, lock"


async def test_status_without_a_daemon_is_never_well(stage: Stage, typed: Type) -> None:
    del stage
    said = await typed("status", "--strict", "--json")

    assert (said.code, said.document["well"]) == (1, False)
    assert said.document["unwell"] == ["no daemon runs"]
