"""Who may be a sponsor, how they are named, and how many there may be."""

import pytest

from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.directory import HOME, PEOPLE, Directory
from entraclaw.sandbox.documents import DocumentError
from entraclaw.sandbox.envelopes import GraphError
from entraclaw.sandbox.objects import AgentUser, Identity, Principal
from entraclaw.sandbox.sponsors import (
    GROUPS,
    Group,
    checked,
    owners_of_new,
    referred,
    sponsors_of_new,
    with_sponsor,
    without_sponsor,
)
from sandbox.scene import Json

ADA, GRACE, MALLORY = (person.oid for person in PEOPLE)
TEAM, SECURITY, ASSIGNABLE = (group.id for group in GROUPS)
NOBODY = "00000000-0000-4000-8000-000000000000"
SOMEBODY = Bearer(ADA, "user", "azp", HOME.id, frozenset())
SOMETHING = Bearer(NOBODY, "app", NOBODY, HOME.id, frozenset())


def address(name: str, kind: str = "users") -> str:
    return f"https://graph.microsoft.com/v1.0/{kind}/{name}"


def bound(*names: str) -> Json:
    return {"sponsors@odata.bind": [address(name) for name in names]}


@pytest.fixture
def directory() -> Directory:
    return Directory(lambda _agent: None)


@pytest.mark.parametrize("kind", ["users", "groups", "directoryObjects"])
def test_address_names_an_object(kind: str) -> None:
    assert referred(address(ADA.upper(), kind)) == ADA
    assert referred(address(ADA, kind).replace("v1.0", "beta")) == ADA


@pytest.mark.parametrize(
    "words", ["", ADA, address("ada"), address(ADA, "applications"), f"{address(ADA)}/manager"]
)
def test_other_words_are_no_address(words: str) -> None:
    with pytest.raises(GraphError, match="Request_BadRequest"):
        referred(words)


def test_sponsors_are_who_is_named_once_each(directory: Directory) -> None:
    body = bound(GRACE, TEAM, GRACE)

    assert sponsors_of_new(body, SOMEBODY, directory) == (GRACE, TEAM)
    assert sponsors_of_new(body, SOMETHING, directory) == (GRACE, TEAM)


def test_person_who_names_nobody_is_meant_and_an_application_is_not(directory: Directory) -> None:
    assert sponsors_of_new({}, SOMEBODY, directory) == (ADA,)
    with pytest.raises(GraphError, match="Request_BadRequest"):
        sponsors_of_new(bound(), SOMETHING, directory)


def test_sponsors_that_are_no_list_are_refused(directory: Directory) -> None:
    with pytest.raises(DocumentError):
        sponsors_of_new({"sponsors@odata.bind": address(ADA)}, SOMEBODY, directory)


def test_whoever_makes_a_thing_owns_it() -> None:
    body = {"owners@odata.bind": [address(GRACE), address(ADA)]}

    assert owners_of_new(body, SOMEBODY) == (ADA, GRACE)
    assert owners_of_new({}, SOMETHING) == ()


@pytest.mark.parametrize("name", [SECURITY, ASSIGNABLE, MALLORY, NOBODY, "1", "2", "3"])
def test_not_everything_may_be_one(directory: Directory, name: str) -> None:
    directory.put(Principal("1", NOBODY, HOME.id))
    directory.put(Identity("2", NOBODY, HOME.id, "Claw"))
    directory.put(AgentUser("3", "2", HOME.id, "Claw", "claw@x", "claw"))

    with pytest.raises(GraphError, match="Request_BadRequest"):
        checked([name], HOME.id, directory)


def test_there_are_so_many_groups_and_no_more(directory: Directory) -> None:
    groups = [Group(f"g{n}", HOME.id, "Team") for n in range(6)]
    six, five = [one.id for one in groups], [one.id for one in groups[:5]]

    assert checked([ADA, *five], HOME.id, directory, groups) == (ADA, *five)
    with pytest.raises(GraphError, match="Request_BadRequest"):
        checked(six, HOME.id, directory, groups)


def test_there_are_so_many_altogether_and_no_more(directory: Directory) -> None:
    current = tuple(f"gone-{n}" for n in range(99))

    assert len(with_sponsor(current, {"@odata.id": address(ADA)}, HOME.id, directory)) == 100
    with pytest.raises(GraphError, match="Request_BadRequest"):
        with_sponsor((*current, GRACE), {"@odata.id": address(ADA)}, HOME.id, directory)


def test_one_is_added_once(directory: Directory) -> None:
    body = {"@odata.id": address(TEAM, "groups")}

    assert with_sponsor((ADA,), body, HOME.id, directory) == (ADA, TEAM)
    with pytest.raises(GraphError, match="Request_BadRequest"):
        with_sponsor((ADA, TEAM), body, HOME.id, directory)


def test_one_is_taken_away_if_enough_are_left() -> None:
    assert without_sponsor((ADA, GRACE), ADA.upper(), least=1) == (GRACE,)
    assert without_sponsor((ADA,), ADA, least=0) == ()
    with pytest.raises(GraphError, match="Request_BadRequest"):
        without_sponsor((ADA,), ADA, least=1)
    with pytest.raises(GraphError, match="Request_ResourceNotFound"):
        without_sponsor((ADA,), GRACE, least=1)
