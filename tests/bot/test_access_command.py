"""`entraclaw access`, as it is typed where no daemon runs and nobody can be asked."""

import asyncio
import time
from pathlib import Path

import pytest

from bot.presences import Played, change
from bot.typed import Said, Type, typed
from entraclaw.bot.access import CODE_KEPT_S, DESK, Access
from entraclaw.bot.access_desk import AccessDesk
from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.presence.absent import Absent
from entraclaw.errors import ProofRefused

__all__ = ["typed"]

TENANT = "6f1d5c1e-0b7a-4c55-9a41-3c0f5a2b7d10"
OID = "b0b0b0b0-2222-4222-8222-bbbbbbbbbbbb"
GRACE = f"{TENANT}/{OID}"
UNPROVED = (
    "entraclaw: error: this lets somebody do more, and nothing here proves that a person wants"
)


@pytest.fixture
def file(tmp_path: Path) -> AccessFile:
    """The list of a profile whose keys are in files, whatever this machine has."""
    (tmp_path / "default").mkdir(mode=0o700)
    config = tmp_path / "default" / "config.toml"
    config.write_text('key_store = "unsafe-file"\n', encoding="utf-8")
    return AccessFile(tmp_path / "default")


@pytest.fixture
def access(typed: Type, file: AccessFile) -> Type:
    """Type `entraclaw access …`."""
    del file

    def run(*words: str) -> Said:
        return typed("access", *words)

    return run


def allow(file: AccessFile, name: str = "") -> None:
    change(file, Played(answer=True), do="allow", person=GRACE, name=name)


def waiting(file: AccessFile, code: str = "ACDEF3", now: float = 0.0) -> None:
    """Have Grace told a code."""
    now = now or time.time()

    def edit(access: Access) -> tuple[Access, str]:
        return access.set_pairing(on=True).start_pairing((TENANT, OID), "Grace", code, now)

    assert file.change(edit)[1] == code


def test_empty_list_is_shown_as_such(access: Type) -> None:
    empty: dict[str, object] = {"pairing": False, "allowed": [], "denied": [], "pending": []}

    assert access("list") == Said(0, "Pairing is off. Sponsors may always speak.\n", "")
    assert access("list", "--json").document == empty


@pytest.mark.parametrize(
    "words", [["allow", GRACE], ["pairing", "on"], ["pair", "acdef3"]], ids=str
)
@pytest.mark.parametrize("here", [[], ["--here"]], ids=["chat", "here"])
def test_what_lets_somebody_do_more_is_refused_where_nothing_proves_it(
    access: Type, file: AccessFile, words: list[str], here: list[str]
) -> None:
    """No daemon runs; and no policy lets polkit ask here, or polkit asks root for nothing."""
    waiting(file)
    file.change(lambda one: (one.set_pairing(on=words[0] == "pair"), None))
    if words[0] == "pair":
        waiting(file)
    before = file.path.read_bytes()

    said = access(*words, *here)

    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(UNPROVED)
    assert "entraclaw serve" in said.err
    assert file.path.read_bytes() == before


def test_denial_is_lifted_only_with_a_proof(access: Type, file: AccessFile) -> None:
    access("deny", GRACE)

    assert access("remove", GRACE).err.startswith(UNPROVED)
    assert len(file.load().denied) == 1
    change(file, Played(answer=True), do="remove", person=GRACE)
    assert file.load() == Access()


def test_who_sits_here_is_asked_exactly_what_is_done(file: AccessFile) -> None:
    here = Played(answer=True)

    done = change(file, here, do="allow", person=GRACE, name="Grace")

    [asked] = here.asked
    assert asked.startswith(f"let {GRACE} speak, noted as “Grace”")
    assert done["did"] == f"{GRACE} may speak"
    assert file.load().allowed[TENANT, OID].by == DESK


@pytest.mark.parametrize("here", [Played(answer=False), Absent("nobody is here")], ids=type)
def test_who_says_no_here_or_is_not_here_changes_nothing(
    file: AccessFile, here: Played | Absent
) -> None:
    with pytest.raises(ProofRefused):
        change(file, here, do="allow", person=GRACE)

    assert file.load() == Access()


def test_allowed_person_is_on_the_list(access: Type, file: AccessFile) -> None:
    allow(file, "Grace\x1b[2J [red]Hopper")

    first, second, last = access("list").out.splitlines()
    assert first == f"allowed  {GRACE}  Grace[2J [red]Hopper"
    assert second.startswith("         since 20")
    assert second.endswith("+00:00, by desk")
    assert last.startswith("Pairing is off")


def test_change_shows_the_list_as_json_when_asked(access: Type) -> None:
    document = access("deny", OID, "--tenant", TENANT, "--json").document

    [entry] = document["denied"]
    assert (entry["tenant"], entry["oid"], entry["by"]) == (TENANT, OID, "desk")


def test_object_id_alone_is_refused_with_the_cure(access: Type, file: AccessFile) -> None:
    for verb in ("allow", "deny", "remove"):
        said = access(verb, OID)

        assert said.code == 2
        assert "write TENANT/OID, or add --tenant" in said.err
    assert not file.path.exists()


def test_denied_person_is_no_longer_allowed(access: Type, file: AccessFile) -> None:
    allow(file)

    document = access("deny", GRACE, "--json").document

    assert (len(document["allowed"]), len(document["denied"])) == (0, 1)
    assert access("list").out.startswith(f"denied   {GRACE}\n")


def test_removed_person_is_on_no_list_and_cannot_be_removed_again(
    access: Type, file: AccessFile
) -> None:
    allow(file)

    assert access("remove", GRACE) == Said(0, f"{GRACE} is off the list\n", "")
    again = access("remove", GRACE)

    assert (again.code, again.out) == (1, "")
    assert "is not on the list" in again.err


def test_list_shows_who_waits_but_not_with_which_code(access: Type, file: AccessFile) -> None:
    """Ours: the code proves who gave it to you only if you cannot look it up."""
    waiting(file)

    shown, document = access("list"), access("list", "--json")

    assert shown.out.startswith(f"waits    {GRACE}  Grace\n")
    assert document.document["pending"][0]["told"] == 1
    assert "ACDEF3" not in shown.out + document.out


def test_approved_code_lets_its_owner_in(file: AccessFile) -> None:
    waiting(file)

    done = change(file, Played(answer=True), do="pair", code="acdef3")

    assert done["did"] == f"Grace {GRACE} may speak"
    assert list(file.load().allowed) == [(TENANT, OID)]


@pytest.mark.parametrize(("code", "exit_code"), [("ACDEF4", 1), ("Grace", 2), ("", 2)])
def test_wrong_code_lets_nobody_in(
    access: Type, file: AccessFile, code: str, exit_code: int
) -> None:
    waiting(file)

    assert access("pair", code).code == exit_code
    assert file.load().allowed == {}


def test_code_that_is_too_old_lets_nobody_in(access: Type, file: AccessFile) -> None:
    waiting(file, now=time.time() - CODE_KEPT_S - 1)

    assert "nobody waits with that code" in access("pair", "ACDEF3").err
    assert access("list", "--json").document["pending"] == []


def test_pairing_is_turned_on_with_a_proof_and_off_without(access: Type, file: AccessFile) -> None:
    assert change(file, Played(answer=True), do="pairing", on=True)["did"] == "pairing is on"
    assert access("list", "--json").document["pairing"] is True
    assert access("pairing", "off", "--json").document["pairing"] is False
    assert access("pairing", "perhaps").code == 2


def test_damaged_list_is_an_error_with_a_way_out(access: Type, file: AccessFile) -> None:
    access("deny", GRACE)
    change(file, Played(answer=True), do="remove", person=GRACE)
    file.path.write_text("{")

    for words in (["list"], ["allow", GRACE], ["pairing", "on"], ["accept"]):
        said = access(*words)
        assert (said.code, said.out) == (1, "")
        assert "access reset" in said.err

    assert access("reset").out.startswith("kept aside as ")
    assert access("list").code == 0
    assert access("reset").code == 1
    [aside] = file.path.parent.glob("access.json.unreadable-*")
    assert aside.read_text() == "{"


def test_reset_that_would_lift_a_denial_needs_a_proof(access: Type, file: AccessFile) -> None:
    access("deny", GRACE)
    file.path.write_text("{")

    assert access("reset").err.startswith(UNPROVED)
    assert access("restore") == Said(0, "the list is as it was sealed\n", "")
    assert len(file.load().denied) == 1


def test_list_shows_what_differs_from_what_was_sealed(access: Type, file: AccessFile) -> None:
    allow(file, "Grace")
    text = file.path.read_text()
    file.path.write_text(text.replace('"pairing": false', '"pairing": true').replace("Gra", "A"))

    said, document = access("list"), access("list", "--json")

    changed = [f"- allowed {GRACE} Grace", f"+ allowed {GRACE} Ace", "+ pairing on"]
    assert (said.code, said.out.splitlines()) == (1, changed)
    assert "is not as it was sealed" in said.err
    assert "access restore" in said.err
    assert document.code == 1
    assert document.document["changed"] == changed
    assert access("accept").err.startswith(UNPROVED)


def test_what_was_changed_is_accepted_by_who_sits_here(access: Type, file: AccessFile) -> None:
    allow(file)
    allow(file, "Grace")
    file.path.unlink()
    here = Played(answer=True)

    assert access("list").code == 1
    change(file, here, do="accept")

    assert f"- allowed {GRACE} Grace" in here.asked[0]
    assert access("list").out == "Pairing is off. Sponsors may always speak.\n"
    again = access("accept")
    assert "there is nothing to accept" in again.err


def test_seal_whose_key_is_gone_is_made_anew_with_a_proof(access: Type, file: AccessFile) -> None:
    allow(file)
    (file.path.parent / "seal.key").unlink()

    assert "its seal has lost its key" in access("list").err
    assert access("restore").code == 1
    change(AccessFile(file.path.parents[1]), Played(answer=True), do="accept")

    assert access("list").out.startswith(f"allowed  {GRACE}")


def test_presence_says_why_nobody_can_be_asked_and_prints_what_polkit_needs(access: Type) -> None:
    said, policy = access("presence"), access("presence", "--policy")

    assert said.out.strip()
    assert said.code == (said.out != "the system can ask you here\n")
    assert policy.code == 0
    assert "<allow_any>auth_self</allow_any>" in policy.out
    assert "_keep" not in policy.out


async def test_what_needed_no_proof_is_refused_where_it_needs_one_by_the_time_it_is_done(
    file: AccessFile,
) -> None:
    """Ours: another change may come between the look at the list and the change."""
    await asyncio.to_thread(allow, file)
    desk = AccessDesk(file, time.time)
    wanted = await desk.bind({"do": "remove", "person": GRACE})
    assert not wanted.needs_proof
    file.change(lambda one: (one.deny((TENANT, OID), "", DESK, 1.0), None))

    with pytest.raises(ProofRefused, match="changed meanwhile"):
        await wanted.do(DESK)
    assert len(file.load().denied) == 1
