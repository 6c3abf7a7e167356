"""`entraclaw access`, as it is typed; no daemon runs."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from entraclaw.bot import cli
from entraclaw.bot.access import CODE_KEPT_S, Access
from entraclaw.bot.access_file import AccessFile

TENANT = "6f1d5c1e-0b7a-4c55-9a41-3c0f5a2b7d10"
OID = "b0b0b0b0-2222-4222-8222-bbbbbbbbbbbb"
GRACE = f"{TENANT}/{OID}"
NOTE = "entraclaw: note: any program that runs as you can change this list (docs/access.md)\n"


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.out)
        return document


Type = Callable[..., Said]


@pytest.fixture
def file(tmp_path: Path) -> AccessFile:
    return AccessFile(tmp_path / "default")


@pytest.fixture
def typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Type:
    monkeypatch.setenv("ENTRACLAW_HOME", str(tmp_path))
    monkeypatch.delenv("ENTRACLAW_PROFILE", raising=False)

    def run(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["entraclaw", "access", *words])
        code, shown = cli.run(), capsys.readouterr()
        return Said(code, shown.out, shown.err)

    return run


def waiting(file: AccessFile, code: str = "ACDEF3") -> None:
    """Have Grace told a code."""
    now = time.time()

    def edit(access: Access) -> tuple[Access, str]:
        return access.set_pairing(on=True).start_pairing((TENANT, OID), "Grace", code, now)

    assert file.change(edit)[1] == code


def test_empty_list_is_shown_as_such(typed: Type) -> None:
    empty: dict[str, object] = {"pairing": False, "allowed": [], "denied": [], "pending": []}

    assert typed("list") == Said(0, "Pairing is off. Sponsors may always speak.\n", "")
    assert typed("list", "--json").document == empty


def test_allowed_person_is_on_the_list(typed: Type, file: AccessFile) -> None:
    said = typed("allow", GRACE, "--name", "Grace\x1b[2J [red]Hopper")

    assert said == Said(0, f"{GRACE} may speak\n", NOTE)
    assert list(file.load().allowed) == [(TENANT, OID)]
    first, second, last = typed("list").out.splitlines()
    assert first == f"allowed  {GRACE}  Grace[2J [red]Hopper"
    assert second.startswith("         since 20")
    assert second.endswith("+00:00, by desk")
    assert last.startswith("Pairing is off")


def test_change_shows_the_list_as_json_when_asked(typed: Type) -> None:
    document = typed("allow", OID, "--tenant", TENANT, "--json").document

    [entry] = document["allowed"]
    assert (entry["tenant"], entry["oid"], entry["by"]) == (TENANT, OID, "desk")


def test_object_id_alone_is_refused_with_the_cure(typed: Type, file: AccessFile) -> None:
    said = typed("allow", OID)

    assert said.code == 2
    assert "write TENANT/OID, or add --tenant" in said.err
    assert not file.path.exists()


def test_denied_person_is_no_longer_allowed(typed: Type) -> None:
    typed("allow", GRACE)

    document = typed("deny", GRACE, "--json").document

    assert (len(document["allowed"]), len(document["denied"])) == (0, 1)
    assert typed("list").out.startswith(f"denied   {GRACE}\n")


def test_removed_person_is_on_no_list_and_cannot_be_removed_again(typed: Type) -> None:
    typed("deny", GRACE)

    assert typed("remove", GRACE) == Said(0, f"{GRACE} is off the list\n", NOTE)
    again = typed("remove", GRACE)

    assert (again.code, again.out) == (1, "")
    assert "is not on the list" in again.err


def test_list_shows_who_waits_but_not_with_which_code(typed: Type, file: AccessFile) -> None:
    """Ours: the code proves who gave it to you only if you cannot look it up."""
    waiting(file)

    shown, document = typed("list"), typed("list", "--json")

    assert shown.out.startswith(f"waits    {GRACE}  Grace\n")
    assert document.document["pending"][0]["told"] == 1
    assert "ACDEF3" not in shown.out + document.out


def test_approved_code_lets_its_owner_in(typed: Type, file: AccessFile) -> None:
    waiting(file)

    assert typed("pair", "acdef3") == Said(0, f"Grace {GRACE} may speak\n", NOTE)
    assert list(file.load().allowed) == [(TENANT, OID)]


@pytest.mark.parametrize(("code", "exit_code"), [("ACDEF4", 1), ("Grace", 2), ("", 2)])
def test_wrong_code_lets_nobody_in(
    typed: Type, file: AccessFile, code: str, exit_code: int
) -> None:
    waiting(file)

    assert typed("pair", code).code == exit_code
    assert file.load().allowed == {}


def test_code_that_is_too_old_lets_nobody_in(typed: Type, file: AccessFile) -> None:
    def edit(access: Access) -> tuple[Access, str]:
        then = time.time() - CODE_KEPT_S - 1
        return access.set_pairing(on=True).start_pairing((TENANT, OID), "Grace", "ACDEF3", then)

    file.change(edit)

    assert "nobody waits with that code" in typed("pair", "ACDEF3").err
    assert typed("list", "--json").document["pending"] == []


def test_pairing_is_turned_on_and_off(typed: Type) -> None:
    assert typed("pairing", "on").out == "pairing is on\n"
    assert typed("list", "--json").document["pairing"] is True
    assert typed("pairing", "off", "--json").document["pairing"] is False
    assert typed("pairing", "perhaps").code == 2


def test_damaged_list_is_an_error_with_a_way_out(typed: Type, file: AccessFile) -> None:
    typed("allow", GRACE)
    file.path.write_text("{")

    for words in (["list"], ["allow", GRACE], ["pairing", "on"]):
        said = typed(*words)
        assert (said.code, said.out) == (1, "")
        assert "access reset" in said.err

    assert typed("reset").out.startswith("kept aside as ")
    assert typed("list").code == 0
    assert typed("reset").code == 1
    [aside] = file.path.parent.glob("access.json.unreadable-*")
    assert aside.read_text() == "{"
