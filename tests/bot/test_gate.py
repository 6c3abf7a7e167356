"""Who may speak. Each rule of docs/access.md is a test here, read down in its order."""

from dataclasses import replace

import pytest

from entraclaw.bot.access import DESK, TOLD_LIMIT, Access, Listed, Pending
from entraclaw.bot.gate import (
    Deliver,
    Drop,
    Kind,
    Known,
    Observe,
    Pair,
    Place,
    Reason,
    Relation,
    Speaker,
    Verdict,
    may_speak,
)

HOME, ELSEWHERE = "home", "elsewhere"
ADA, GRACE, MALLORY = "ada", "grace", "mallory"
NOW = 1000.0
NOTE = Listed("", 0.0, DESK)

IN_PERSON = Place(Kind.PERSONAL)
IN_GROUP = Place(Kind.GROUP)
ADDRESSED = Place(Kind.GROUP, addressed=True)

KNOWN = Known(frozenset({ADA}), HOME, Access())
PAIRING = replace(KNOWN, access=Access(pairing=True))

COUNTED = Observe(Relation.STRANGER, shown=False)


def listed(
    *, allowed: tuple[str, str] | None = None, denied: tuple[str, str] | None = None
) -> Known:
    access = Access(
        allowed={allowed: NOTE} if allowed else {}, denied={denied: NOTE} if denied else {}
    )
    return replace(KNOWN, access=access)


def judge(speaker: Speaker, place: Place = IN_PERSON, known: Known = KNOWN) -> Verdict:
    return may_speak(speaker, place, known, NOW)


# Sponsors


@pytest.mark.parametrize("tenant", [HOME, ""])
@pytest.mark.parametrize("place", [IN_PERSON, ADDRESSED, replace(IN_PERSON, late=True)])
def test_sponsor_is_delivered(tenant: str, place: Place) -> None:
    assert judge(Speaker(ADA, tenant), place) == Deliver(Relation.SPONSOR)


def test_sponsor_cannot_be_denied_by_the_list() -> None:
    """Ours: Entra names sponsors, and who can write our list must not be able to mute them."""
    known = listed(denied=(HOME, ADA))

    assert judge(Speaker(ADA, HOME), known=known) == Deliver(Relation.SPONSOR)


def test_somebody_of_another_tenant_with_a_sponsors_id_is_dropped() -> None:
    assert judge(Speaker(ADA, ELSEWHERE)) == Drop(Reason.OTHER_TENANT)


def test_message_without_an_id_is_dropped_even_if_the_sponsors_hold_an_empty_one() -> None:
    known = replace(KNOWN, sponsors=frozenset({""}))

    assert judge(Speaker("", ""), known=known) == Drop(Reason.NO_ID)


# The list


@pytest.mark.parametrize("tenant", [HOME, ELSEWHERE])
def test_somebody_on_the_list_is_delivered_whatever_their_tenant(tenant: str) -> None:
    known = listed(allowed=(tenant, GRACE))

    assert judge(Speaker(GRACE, tenant), known=known) == Deliver(Relation.ALLOWED)


@pytest.mark.parametrize(
    ("tenant", "reason"), [(ELSEWHERE, Reason.OTHER_TENANT), ("", Reason.UNKNOWN_TENANT)]
)
def test_object_id_of_the_list_means_nothing_with_another_tenant(
    tenant: str, reason: Reason
) -> None:
    assert judge(Speaker(GRACE, tenant), known=listed(allowed=(HOME, GRACE))) == Drop(reason)


def test_entry_without_a_tenant_admits_nobody() -> None:
    """Ours: the file refuses such an entry, and the gate does not count on that."""
    known = listed(allowed=("", GRACE))

    assert judge(Speaker(GRACE, ""), known=known) == Drop(Reason.UNKNOWN_TENANT)


@pytest.mark.parametrize("tenant", [HOME, ELSEWHERE])
def test_denied_person_is_dropped_in_silence(tenant: str) -> None:
    known = listed(denied=(tenant, GRACE))

    assert judge(Speaker(GRACE, tenant), known=known) == Drop(Reason.DENIED)


def test_denied_comes_before_allowed() -> None:
    known = listed(allowed=(HOME, GRACE), denied=(HOME, GRACE))

    assert judge(Speaker(GRACE, HOME), known=known) == Drop(Reason.DENIED)


# Machines, and people without an account


@pytest.mark.parametrize("place", [IN_PERSON, IN_GROUP, ADDRESSED])
def test_own_message_never_starts_a_turn(place: Place) -> None:
    known = replace(listed(allowed=(HOME, "claw")), sponsors=frozenset({"claw"}))

    assert judge(Speaker("claw", HOME, is_self=True), place, known) == Drop(Reason.SELF)


@pytest.mark.parametrize(
    ("speaker", "reason"),
    [
        (Speaker(ADA, HOME, is_agent=True), Reason.AGENT),
        (Speaker(GRACE, HOME, is_agent=True), Reason.AGENT),
        (Speaker(ADA, HOME, is_anonymous=True), Reason.ANONYMOUS),
        (Speaker("", "", is_anonymous=True), Reason.ANONYMOUS),
    ],
)
def test_agents_and_anonymous_people_start_no_turn_even_if_listed(
    speaker: Speaker, reason: Reason
) -> None:
    """Ours: two agents that answer each other never stop."""
    known = replace(listed(allowed=(HOME, GRACE)), access=PAIRING.access)

    assert judge(speaker, IN_PERSON, known) == Drop(reason)
    assert judge(speaker, IN_GROUP, known) == COUNTED
    assert judge(speaker, ADDRESSED, known) == COUNTED


# Everybody else


@pytest.mark.parametrize("place", [IN_PERSON, ADDRESSED, replace(IN_PERSON, late=True)])
def test_colleague_who_is_not_allowed_may_be_told_so(place: Place) -> None:
    assert judge(Speaker(GRACE, HOME), place) == Drop(Reason.NOT_ALLOWED, tell=True)


@pytest.mark.parametrize(
    ("tenant", "reason"), [(ELSEWHERE, Reason.OTHER_TENANT), ("", Reason.UNKNOWN_TENANT)]
)
@pytest.mark.parametrize("place", [IN_PERSON, ADDRESSED])
def test_stranger_gets_silence(tenant: str, reason: Reason, place: Place) -> None:
    assert judge(Speaker(MALLORY, tenant), place, PAIRING) == Drop(reason)


# Pairing


def pending(*people: str, told: int = 1, until: float = NOW + 60) -> Known:
    waiting = tuple(Pending(f"CODE{p}", (HOME, p), p, until, told) for p in people)
    return replace(KNOWN, access=Access(pairing=True, pending=waiting))


def test_colleague_is_offered_pairing_in_a_1_to_1() -> None:
    assert judge(Speaker(GRACE, HOME), IN_PERSON, PAIRING) == Pair()


@pytest.mark.parametrize(
    "place", [ADDRESSED, Place(Kind.CHANNEL, addressed=True), Place(Kind.PERSONAL, late=True)]
)
def test_no_code_is_told_in_a_group_or_for_a_late_message(place: Place) -> None:
    known = replace(PAIRING, access=pending(GRACE).access)

    for each in (PAIRING, known):
        assert judge(Speaker(GRACE, HOME), place, each) == Drop(Reason.NOT_ALLOWED, tell=True)


def test_code_is_told_twice_and_then_no_more() -> None:
    speaker = Speaker(GRACE, HOME)

    assert judge(speaker, known=pending(GRACE, told=TOLD_LIMIT - 1)) == Pair()
    assert judge(speaker, known=pending(GRACE, told=TOLD_LIMIT)) == Drop(Reason.CODE_TOLD)


def test_three_people_wait_and_a_fourth_is_only_told_no() -> None:
    full = pending("p", "q", "r")

    assert judge(Speaker(GRACE, HOME), known=full) == Drop(Reason.NOT_ALLOWED, tell=True)


def test_code_that_ended_makes_room_for_another() -> None:
    ended = pending("p", "q", "r", until=NOW)

    assert judge(Speaker(GRACE, HOME), known=ended) == Pair()


# Groups and channels


@pytest.mark.parametrize("kind", [Kind.GROUP, Kind.CHANNEL])
def test_message_that_is_not_for_the_agent_is_shown_only_if_its_sender_may_speak(
    kind: Kind,
) -> None:
    place, known = Place(kind), listed(allowed=(HOME, GRACE), denied=(HOME, "eve"))

    assert judge(Speaker(ADA, HOME), place, known) == Observe(Relation.SPONSOR, shown=True)
    assert judge(Speaker(GRACE, HOME), place, known) == Observe(Relation.ALLOWED, shown=True)
    for stranger in (Speaker("joan", HOME), Speaker("eve", HOME), Speaker(MALLORY, ELSEWHERE)):
        assert judge(stranger, place, known) == COUNTED
    assert judge(Speaker("", ""), place, known) == COUNTED


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("personal", Kind.PERSONAL),
        ("groupChat", Kind.GROUP),
        ("channel", Kind.CHANNEL),
        ("", Kind.GROUP),
        ("Personal", Kind.GROUP),
        ("meeting", Kind.GROUP),
    ],
)
def test_sort_of_conversation_that_is_not_known_has_the_rules_of_a_group(
    words: str, kind: Kind
) -> None:
    assert Kind.read(words) is kind
