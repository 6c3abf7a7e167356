"""Who may speak in a conversation, why not, and what lets them."""

import pytest

from entraclaw.bot.access import Access
from entraclaw.bot.diagnosis.voices import Somebody, Voice, voices
from entraclaw.bot.gate import Kind, Known, Place

HOME, ELSEWHERE = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
ADA, GRACE = "a0a0a0a0-1111-4111-8111-aaaaaaaaaaaa", "b0b0b0b0-2222-4222-8222-bbbbbbbbbbbb"
NOW = 5000.0


def voice(
    oid: str, tenant: str = HOME, access: Access | None = None, kind: Kind = Kind.PERSONAL
) -> Voice:
    known = Known(frozenset({ADA}), HOME, access or Access())
    [found] = voices([Somebody("X", oid, tenant)], Place(kind, addressed=True), known, NOW)
    return found


def test_sponsor_and_listed_person_may_speak() -> None:
    listed = Access().allow((HOME, GRACE), "Grace", "desk", NOW)

    assert (voice(ADA).may, voice(ADA).says) == (True, "may speak: a sponsor")
    assert (voice(GRACE, access=listed).may, voice(GRACE, access=listed).cure) == (True, "")


@pytest.mark.parametrize(
    ("access", "tenant", "kind", "says", "cure"),
    [
        (Access(), HOME, Kind.PERSONAL, "may not: not allowed", "allow"),
        (Access(), HOME, Kind.GROUP, "may not: not allowed", "allow"),
        (Access(), ELSEWHERE, Kind.PERSONAL, "may not: another tenant", "allow"),
        (Access(pairing=True), HOME, Kind.PERSONAL, "may not yet: whoever writes", "allow"),
        (Access().deny((HOME, GRACE), "", "desk", NOW), HOME, Kind.PERSONAL, "denied", "remove"),
    ],
)
def test_colleague_who_may_not_is_told_with_the_command_that_changes_it(
    access: Access, tenant: str, kind: Kind, says: str, cure: str
) -> None:
    found = voice(GRACE, tenant, access, kind)

    assert not found.may
    assert says in found.says
    assert found.cure == f"entraclaw access {cure} {tenant}/{GRACE}"


def test_whoever_nobody_can_name_has_no_command() -> None:
    assert voice(GRACE, "") == Voice(
        Somebody("X", GRACE, ""), may=False, says="may not: home tenant not known"
    )


def test_word_that_is_not_for_the_agent_starts_nothing() -> None:
    known = Known(frozenset({ADA}), HOME, Access())
    [found] = voices([Somebody("Ada", ADA, HOME)], Place(Kind.GROUP), known, NOW)

    assert (found.may, found.says) == (False, "may not: starts no turn here")
