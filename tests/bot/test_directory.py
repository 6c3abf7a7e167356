"""Where somebody is at home: only our directory can say that it is here."""

import pytest

from entraclaw.bot.activity import Json
from entraclaw.bot.directory import KEPT_LIMIT, KEPT_S, Directory
from entraclaw.errors import CallRefused, Unreachable
from entraclaw.tools import Person

HOME, ELSEWHERE = "home", "elsewhere"
MEMBER = Person("grace", "Grace", "grace@contoso.example", "Member")


class Asked:
    """A directory that gives what it holds, or raises it, and counts."""

    def __init__(self, *people: Person | Exception) -> None:
        self.answers: list[Person | Exception] = list(people)
        self.asked: list[str] = []
        self.now = 0.0

    async def __call__(self, oid: str, _document: Json) -> Person | None:
        self.asked.append(oid)
        for one in self.answers:
            if isinstance(one, Exception):
                raise one
            if one.oid == oid:
                return one
        return None

    @property
    def directory(self) -> Directory:
        return Directory(self, HOME, lambda: self.now)


@pytest.mark.parametrize("claimed", ["", HOME])
async def test_member_of_our_directory_is_ours(claimed: str) -> None:
    assert await Asked(MEMBER).directory.home_of("grace", claimed, {}) == HOME


async def test_claimed_other_tenant_is_believed_and_never_becomes_ours() -> None:
    """Ours: it takes rights away, so nobody gains by claiming it."""
    asked = Asked(MEMBER)

    assert await asked.directory.home_of("grace", ELSEWHERE, {}) == ELSEWHERE
    assert asked.asked == []


@pytest.mark.parametrize("claimed", ["", HOME])
@pytest.mark.parametrize(
    "person",
    [
        Person("grace", "Grace", "grace@contoso.example", "Guest"),
        Person("grace", "Grace", "grace_fabrikam.example#EXT#@contoso.example", "Guest"),
        Person("grace", "Grace", "grace_fabrikam.example#EXT#@contoso.example", "Member"),
        Person("grace", "Grace", "grace_fabrikam.example#ext#@contoso.example", ""),
        Person("grace", "Grace", "", "Member"),
        Person("somebody else", "Grace", "grace@contoso.example", "Member"),
    ],
)
async def test_guest_or_member_who_signs_in_elsewhere_is_not_ours(
    person: Person, claimed: str
) -> None:
    """Entra: an account synchronised from another tenant is a member with a guest's address."""

    async def ask(_oid: str, _document: Json) -> Person | None:
        return person

    assert not await Directory(ask, HOME, lambda: 0.0).home_of("grace", claimed, {})


async def test_address_decides_where_graph_holds_the_type_back() -> None:
    person = Person("grace", "Grace", "grace@contoso.example")

    assert await Asked(person).directory.home_of("grace", "", {}) == HOME


@pytest.mark.parametrize("claimed", ["", HOME])
async def test_somebody_the_directory_does_not_know_is_unknown(claimed: str) -> None:
    assert not await Asked().directory.home_of("mallory", claimed, {})


async def test_nobody_is_asked_about_nobody() -> None:
    asked = Asked()

    assert not await asked.directory.home_of("", HOME, {})
    assert asked.asked == []


@pytest.mark.parametrize("status", [400, 403])
async def test_where_graph_will_not_say_somebody_is_unknown(status: int) -> None:
    asked = Asked(CallRefused("Graph", status, "no"))
    directory = asked.directory

    assert not await directory.home_of("grace", HOME, {})
    assert not await directory.home_of("grace", HOME, {})
    assert asked.asked == ["grace"]


@pytest.mark.parametrize(
    "failure",
    [*(CallRefused("Graph", status, "") for status in (401, 429, 503)), Unreachable("Graph", "")],
)
async def test_when_the_directory_cannot_be_asked_the_message_waits(failure: Exception) -> None:
    asked = Asked(failure)
    directory = asked.directory

    with pytest.raises(type(failure)):
        await directory.home_of("grace", "", {})

    asked.answers = [MEMBER]
    assert await directory.home_of("grace", "", {}) == HOME


async def test_answer_is_kept_for_a_while_and_then_asked_for_again() -> None:
    asked = Asked(MEMBER)
    directory = asked.directory
    await directory.home_of("grace", "", {})
    asked.answers.clear()

    asked.now = KEPT_S - 1
    assert await directory.home_of("grace", "", {}) == HOME
    asked.now = KEPT_S
    assert not await directory.home_of("grace", "", {})
    assert asked.asked == ["grace", "grace"]


async def test_no_more_answers_are_kept_than_that() -> None:
    asked = Asked()
    directory = asked.directory
    for number in range(KEPT_LIMIT + 1):
        await directory.home_of(str(number), "", {})

    await directory.home_of("1", "", {})
    assert len(asked.asked) == KEPT_LIMIT + 1
    await directory.home_of("0", "", {})
    assert len(asked.asked) == KEPT_LIMIT + 2
