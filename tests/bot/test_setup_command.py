"""`entraclaw setup` and `teardown`, typed by an administrator, against the sandbox's tenant."""

import asyncio
import json
import re
import tomllib
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.administered import Administer, administering, appointed
from bot.founding import Quiet, asked, founded
from bot.lending import authority
from bot.stage import PROFILE, Sandbox, Stage
from entraclaw.bot.setup.profile_files import JournalFile, one_setup
from entraclaw.bot.tenant import Tenant
from entraclaw.identity import AgentIds
from entraclaw.identity.provisioning.journal import Part
from sandbox.person import Person

OPTIONS = ("--name", "Crab", "--key-store", "unsafe-file", "--licence", "SPE_E5", "--wait", "0")


@pytest.fixture
async def bare(emulation: Sandbox, tmp_path: Path) -> AsyncGenerator[Stage]:
    """A machine on which nothing was set up."""
    async with aiohttp.ClientSession() as session:
        tenant = Tenant(session, emulation.control, emulation.secret)
        stage = Stage(emulation, session, tenant, AgentIds(await tenant.home()), tmp_path / "home")
        yield stage
        await appointed(stage, "ada", "Global Administrator")
        await appointed(stage, "grace")


@pytest.fixture
async def own_client(bare: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign in at an application of this test alone: no other is allowed what it is."""
    client = (await bare.control("POST", "clients", {"name": "Claw for administrators"}))["id"]
    monkeypatch.setenv("ENTRACLAW_ADMIN_CLIENT", client)


@pytest.fixture
def administer(
    bare: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Generator[Administer]:
    monkeypatch.setenv("ENTRACLAW_CLOUD", str(bare.sandbox.cloud))
    with administering(bare, monkeypatch, capsys) as typed:
        yield typed


def config(stage: Stage) -> dict[str, Any]:
    return tomllib.loads((stage.folder / "config.toml").read_text(encoding="utf-8"))


def state_of(document: dict[str, Any], part: str) -> str:
    return next(str(row["state"]) for row in document["plan"] if row["part"] == part)


async def allowed(stage: Stage, administer: Administer, *words: str) -> None:
    """Have Ada allow the command to be typed by whoever has a role, by the page it names."""
    refused = await administer(*words, person="grace")
    assert (refused.code, "AADSTS90094" in refused.err) == (3, True), refused
    await consented(stage, refused.err)


async def consented(stage: Stage, told: str) -> None:
    """Have Ada say yes on the one page that is told."""
    [address] = re.findall(r"https://\S+/adminconsent\?\S+", told)
    ada = Person(authority(stage))
    try:
        page = await asyncio.to_thread(ada.open, address)
        answer = await asyncio.to_thread(ada.choose, page, "ada")
    finally:
        ada.close()
    assert answer.ok, answer.text


async def orphans(administer: Administer) -> dict[str, dict[str, str]]:
    """What bears a mark that no profile here knows; other tests left some."""
    found = await administer("teardown", "--orphans", "--json")
    assert found.code == 0, found
    return {one["mark"]: one["things"] for one in found.document["orphans"]}


async def test_plan_says_what_would_be_made_and_makes_nothing(
    bare: Stage, administer: Administer
) -> None:
    planned = await administer("setup", "--plan", "--json", *OPTIONS)

    assert planned.code == 0, planned
    rows = {row["part"]: row for row in planned.document["plan"]}
    assert {part for part, row in rows.items() if row["state"] == "to make"} == {
        *(part.value for part in Part),
        "certificate",
        "licence",
        "messages",
    }
    assert (
        rows["consent: Graph"]["state"] == rows["consent: agent channel"]["state"] == "no consent"
    )
    assert rows["sponsors"]["says"] == "Ada Lovelace"
    assert rows["agent user"]["says"].endswith("@contoso.example")
    assert not bare.folder.exists()


async def test_plan_fits_a_terminal_and_names_who_does_what(administer: Administer) -> None:
    planned = await administer("setup", "--plan", *OPTIONS)

    assert max(map(len, planned.out.splitlines())) <= 80
    assert "test, in Contoso, by Ada Lovelace" in planned.out
    assert "docs/setup.md#the-endpoint" in planned.out


async def test_what_setup_made_is_there_and_written_down(bare: Stage) -> None:
    show = Quiet()

    made = await founded(bare.sandbox, bare.home, show=show)

    ids = made.applied.ids
    assert config(bare) == {
        "cloud": str(bare.sandbox.cloud),
        "key_store": "unsafe-file",
        "tenant": ids.tenant,
        "blueprint": ids.blueprint,
        "agent": ids.agent,
        "user": ids.user,
    }
    assert made.applied.lacking.lacks == ()
    assert made.applied.is_pointed
    journal = JournalFile(bare.folder).read()
    assert journal is not None
    assert all(journal.made(part) for part in Part)
    assert show.begun == [
        "blueprint",
        "principal",
        "certificate",
        "agent identity",
        "agent user",
        "sponsors",
        "licence",
        "consent",
        "endpoint",
        "settings",
    ]


async def test_second_setup_finds_all_of_it_and_makes_nothing(
    bare: Stage, administer: Administer
) -> None:
    made = await founded(bare.sandbox, bare.home)

    planned = await administer("setup", "--plan", "--json")
    again = await founded(bare.sandbox, bare.home)

    assert {row["state"] for row in planned.document["plan"]} == {"exists"}
    assert again.applied.ids == made.applied.ids


async def test_teardown_undoes_exactly_what_setup_made(bare: Stage, administer: Administer) -> None:
    bare.folder.mkdir(parents=True)
    (bare.folder / "config.toml").write_text("# mine\nport = 0\n", encoding="utf-8")
    made = await founded(bare.sandbox, bare.home)

    planned = await administer("teardown", "--plan", "--json")
    gone = await administer("teardown")
    again = await administer("teardown")

    parts = {row["part"]: row["says"] for row in planned.document["parts"]}
    assert parts["agent user"] == made.applied.ids.user
    assert (planned.document["gone"], gone.code) == (False, 0), gone
    assert "in the directory's bin for 30 days" in gone.out
    assert (bare.folder / "config.toml").read_text(encoding="utf-8") == "# mine\nport = 0\n"
    assert not list((bare.folder / "keys").glob("*.key"))
    assert (again.code, "nothing was set up" in again.err) == (1, True)
    assert made.applied.ids.blueprint not in str(await orphans(administer))


async def test_teardown_leaves_a_blueprint_that_another_agent_has(
    bare: Stage, administer: Administer, tmp_path: Path
) -> None:
    first = await founded(bare.sandbox, bare.home)
    blueprint = first.applied.ids.blueprint
    more = asked(bare.sandbox, licence="", no_licence=True, endpoint="", join=blueprint)
    second = await founded(bare.sandbox, tmp_path / "other", more)

    refused = await administer("teardown")
    kept = await administer("teardown", "--keep-blueprint")

    assert second.applied.ids.blueprint == blueprint
    assert (refused.code, "other agent" in refused.err) == (3, True), refused
    assert "--keep-blueprint" in refused.err
    assert kept.code == 0, kept
    joined = JournalFile(tmp_path / "other" / PROFILE).read()
    assert joined is not None
    assert not joined.made(Part.BLUEPRINT)
    planned = await founded(bare.sandbox, tmp_path / "other", more)
    assert planned.applied.ids == second.applied.ids


async def test_what_has_no_journal_is_found_by_its_mark_and_deleted_by_its_name(
    bare: Stage, administer: Administer
) -> None:
    await founded(bare.sandbox, bare.home)
    journal = JournalFile(bare.folder).read()
    assert journal is not None
    known = await orphans(administer)
    JournalFile(bare.folder).remove()

    found = await orphans(administer)
    taken = await administer("teardown", "--orphans", "--mark", journal.mark)

    assert found.keys() - known.keys() == {journal.mark}
    assert set(found[journal.mark]) == {part.value for part in Part}
    assert (taken.code, "all of it is gone" in taken.out) == (0, True), taken
    assert await orphans(administer) == known


@pytest.mark.parametrize(
    ("words", "cause", "cure"),
    [
        (["--domain", "fabrikam.example"], "has not proved the domain", "contoso.example"),
        (["--upn", "ada@contoso.example"], "somebody has the address", "--upn"),
        (["--sponsor", "nobody@contoso.example"], "nobody called", "object id"),
        (["--licence", "NONE_SUCH"], "no product", "--no-licence"),
        (["--join", "00000000-0000-4000-8000-000000000000"], "is no blueprint", "id of a"),
        (["--adopt", "ada@contoso.example"], "is no agent user", "id of an"),
        (["--principal", "bot", "--bot", "00000000-0000-4000-8000-000000000000"], "no app", "id"),
    ],
    ids=["domain", "upn", "sponsor", "licence", "join", "adopt", "bot"],
)
async def test_what_cannot_be_is_refused_with_its_cure_before_anything_is_made(
    bare: Stage, administer: Administer, words: list[str], cause: str, cure: str
) -> None:
    before = await orphans(administer)

    refused = await administer("setup", *OPTIONS, *words)

    assert refused.code == 3, refused
    assert cause in refused.err
    assert cure in refused.err.partition("hint")[2]
    assert not (bare.folder / "state" / "setup.json").exists()
    assert await orphans(administer) == before


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["--with", "chat,fax"], "fax is no feature"),
        (["--upn", "agent"], "is no address"),
        (["--upn", "a@contoso.example", "--domain", "contoso.example"], "exclude each other"),
        (["--licence", "SPE_E5", "--no-licence"], "exclude each other"),
        (["--endpoint", "agent.example"], "no https address"),
        (["--principal", "bot"], "needs the bot's application"),
        (["--name", " "], "is empty"),
    ],
    ids=["feature", "upn", "upn and domain", "licence", "endpoint", "bot", "name"],
)
async def test_options_that_make_no_sense_are_wrong_usage(
    administer: Administer, words: list[str], cause: str
) -> None:
    refused = await administer("setup", *words)

    assert (refused.code, cause in refused.err) == (2, True), refused


@pytest.mark.usefixtures("own_client")
async def test_person_without_a_role_is_told_which_and_makes_nothing(
    bare: Stage, administer: Administer
) -> None:
    await allowed(bare, administer, "setup", *OPTIONS)

    refused = await administer("setup", *OPTIONS, person="grace")

    assert refused.code == 3, refused
    assert "Agent ID Administrator" in refused.err
    assert not (bare.folder / "state" / "setup.json").exists()


@pytest.mark.usefixtures("own_client")
async def test_who_may_not_consent_gets_one_page_for_somebody_who_may_and_goes_on_afterwards(
    bare: Stage, administer: Administer
) -> None:
    await allowed(bare, administer, "setup", *OPTIONS)
    await appointed(bare, "grace", "Agent ID Administrator", "License Administrator")

    waits = await administer("setup", *OPTIONS, person="grace")
    await consented(bare, waits.err)
    made = await founded(bare.sandbox, bare.home, asked(bare.sandbox, endpoint=""), person="grace")

    assert waits.code == 3, waits
    assert "nobody has consented yet (Graph, agent channel)" in waits.err
    assert waits.err.count("/adminconsent?") == 1
    assert made.applied.lacking.lacks == ()
    assert (await administer("teardown")).code == 0


@pytest.mark.usefixtures("own_client")
async def test_teardown_without_the_rights_deletes_nothing(
    bare: Stage, administer: Administer
) -> None:
    await founded(bare.sandbox, bare.home)
    await appointed(bare, "grace", "User Administrator")
    await allowed(bare, administer, "teardown")
    before = (bare.folder / "state" / "setup.json").read_text(encoding="utf-8")

    refused = await administer("teardown", person="grace")

    assert (refused.code, "nothing was deleted" in refused.err) == (3, True), refused
    assert (bare.folder / "state" / "setup.json").read_text(encoding="utf-8") == before
    assert (await administer("teardown")).code == 0


@pytest.mark.parametrize("words", [["setup", *OPTIONS], ["teardown"], ["setup", "--plan"]])
@pytest.mark.parametrize("damage", ["{", '{"version": 1}', "[]", '{"version": 2}'])
async def test_half_written_journal_is_refused_with_its_cure(
    bare: Stage, administer: Administer, words: list[str], damage: str
) -> None:
    path = bare.folder / "state" / "setup.json"
    path.parent.mkdir(parents=True)
    path.write_text(damage, encoding="utf-8")

    refused = await administer(*words)

    assert (refused.code, str(path) in refused.err) == (1, True), refused
    assert "teardown --orphans" in refused.err
    assert path.read_text(encoding="utf-8") == damage


async def test_second_setup_at_the_same_time_is_refused(
    bare: Stage, administer: Administer
) -> None:
    with one_setup(bare.folder):
        refused = await administer("setup", *OPTIONS)

    assert (refused.code, "already" in refused.err) == (1, True), refused


async def test_profile_of_another_tenant_is_left_as_it_is(
    bare: Stage, administer: Administer
) -> None:
    await founded(bare.sandbox, bare.home)
    path = bare.folder / "state" / "setup.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    elsewhere = {**document, "login": "https://login.example"}
    path.write_text(json.dumps(elsewhere), encoding="utf-8")

    refused = await administer("setup", *OPTIONS)
    down = await administer("teardown")

    assert (refused.code, "was set up in" in refused.err) == (2, True), refused
    assert (down.code, "cloud names another" in down.err) == (1, True), down
    path.write_text(json.dumps(document), encoding="utf-8")
    assert (await administer("teardown")).code == 0


async def test_agent_at_work_may_do_more_only_once_that_is_proved(
    bare: Stage, administer: Administer
) -> None:
    await founded(bare.sandbox, bare.home)
    path = bare.folder / "state" / "setup.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"is_done": false', '"is_done": true'), encoding="utf-8")

    more = await administer("setup", "--with", "mail", *OPTIONS)
    others = await administer("setup", "--sponsor", "grace@contoso.example", *OPTIONS)

    for refused in (more, others):
        assert (refused.code, "nothing here proves" in refused.err) == (1, True), refused
    planned = await administer("setup", "--plan", "--json", "--with", "mail")
    assert state_of(planned.document, "consent: Graph") == "no consent"


async def test_agent_that_was_named_by_hand_is_found_whole(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with administering(stage, monkeypatch, capsys) as administer:
        planned = await administer("setup", "--plan", "--json")

    states = {row["part"]: row["state"] for row in planned.document["plan"]}
    assert (states.pop("endpoint"), states.pop("messages")) == ("by hand", "to make")
    assert set(states.values()) == {"exists"}, planned.document


async def test_agent_that_was_hired_is_taken_as_it_is_and_left_as_it_was(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (stage.folder / "config.toml").read_text(encoding="utf-8")
    wanted = asked(stage.sandbox, cloud="", key_store=None, licence="")

    made = await founded(stage.sandbox, stage.home, wanted)
    with administering(stage, monkeypatch, capsys) as administer:
        gone = await administer("teardown")
        planned = await administer("setup", "--plan", "--json")

    assert made.applied.ids == stage.agent
    assert gone.code == 0, gone
    assert "bin" not in gone.out
    assert (stage.folder / "config.toml").read_text(encoding="utf-8") == before
    states = {row["part"]: row["state"] for row in planned.document["plan"]}
    assert {states[part] for part in Part} == {"exists"}
    assert states["certificate"] == states["licence"] == "exists"
