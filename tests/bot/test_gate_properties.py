"""What the gate holds to, whatever is said, by whomever, and whatever is known."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from entraclaw.bot.access import DESK, Access, Listed, Pending
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
NOW = 1000.0
NOTE = Listed("", 0.0, DESK)
COUNTED = Observe(Relation.STRANGER, shown=False)

IDS = st.sampled_from(["", "ada", "grace", "mallory"])
TENANTS = st.sampled_from(["", HOME, ELSEWHERE])
ACCOUNTS = st.tuples(TENANTS, IDS)
LISTS = st.dictionaries(ACCOUNTS, st.just(NOTE))
WAITING = st.builds(
    Pending, st.text(), ACCOUNTS, st.text(), st.floats(0, 3 * NOW), st.integers(1, 3)
)
SPEAKERS = st.builds(Speaker, IDS, TENANTS, st.booleans(), st.booleans(), st.booleans())
PLACES = st.builds(Place, st.sampled_from(Kind), st.booleans(), st.booleans())
KNOWNS = st.builds(
    Known,
    st.frozensets(IDS),
    st.just(HOME),
    st.builds(Access, LISTS, LISTS, st.booleans(), st.lists(WAITING, max_size=4).map(tuple)),
)


def judge(speaker: Speaker, place: Place, known: Known) -> Verdict:
    return may_speak(speaker, place, known, NOW)


def lets_in(verdict: Verdict) -> bool:
    return isinstance(verdict, Deliver) or verdict == Observe(Relation.ALLOWED, shown=True)


@given(SPEAKERS, PLACES)
def test_empty_everything_admits_nobody(speaker: Speaker, place: Place) -> None:
    for known in (Known(frozenset(), home, Access()) for home in (HOME, "")):
        verdict = judge(speaker, place, known)
        assert isinstance(verdict, Drop) or verdict == COUNTED


@given(SPEAKERS, PLACES, KNOWNS)
def test_nobody_of_unknown_tenant_is_let_in_told_or_paired_unless_a_sponsor(
    speaker: Speaker, place: Place, known: Known
) -> None:
    verdict = judge(replace(speaker, tenant=""), place, known)

    if speaker.oid not in known.sponsors:
        assert verdict == COUNTED or (isinstance(verdict, Drop) and not verdict.tell)


@given(SPEAKERS, PLACES, KNOWNS)
def test_whoever_is_let_in_is_a_sponsor_or_listed_with_their_tenant(
    speaker: Speaker, place: Place, known: Known
) -> None:
    verdict = judge(speaker, place, known)
    sponsor = speaker.oid in known.sponsors and speaker.tenant in {"", HOME}

    if lets_in(verdict):
        assert speaker.oid
        assert not any((speaker.is_self, speaker.is_agent, speaker.is_anonymous))
        assert sponsor or (speaker.tenant and speaker.account in known.access.allowed)
        assert sponsor or speaker.account not in known.access.denied


@given(SPEAKERS, PLACES, KNOWNS)
def test_nothing_starts_a_turn_in_a_group_unless_addressed(
    speaker: Speaker, place: Place, known: Known
) -> None:
    if place.kind is not Kind.PERSONAL and not place.addressed:
        assert isinstance(judge(speaker, place, known), Observe | Drop)


@given(SPEAKERS, PLACES, KNOWNS)
def test_code_is_offered_only_to_a_colleague_in_a_1_to_1_that_is_not_late(
    speaker: Speaker, place: Place, known: Known
) -> None:
    if judge(speaker, place, known) == Pair():
        assert (place.kind, place.late, speaker.tenant) == (Kind.PERSONAL, False, HOME)
        assert known.access.pairing
        assert speaker.account not in known.access.denied


@given(SPEAKERS, PLACES, KNOWNS)
def test_only_a_colleague_who_is_not_denied_is_ever_told_no(
    speaker: Speaker, place: Place, known: Known
) -> None:
    verdict = judge(speaker, place, known)

    if isinstance(verdict, Drop) and verdict.tell:
        assert (verdict.reason, speaker.tenant) == (Reason.NOT_ALLOWED, HOME)
        assert speaker.account not in known.access.denied
