from hypothesis import given
from hypothesis import strategies as st

from entraclaw.bot.gate import Deliver, Drop, Sender, may_speak

ADA, HOME = "ada", "home"


def test_sponsor_is_delivered() -> None:
    assert may_speak(Sender(ADA, ""), {ADA}, HOME) == Deliver("sponsor")


def test_sponsor_of_the_same_id_in_another_tenant_is_dropped() -> None:
    assert may_speak(Sender(ADA, "elsewhere"), {ADA}, HOME) == Drop("another tenant")


def test_sender_without_an_id_is_dropped_even_if_the_list_holds_an_empty_one() -> None:
    assert isinstance(may_speak(Sender("", ""), {""}, HOME), Drop)


@given(st.text(), st.text())
def test_no_sponsors_admit_nobody(oid: str, tenant: str) -> None:
    assert isinstance(may_speak(Sender(oid, tenant), frozenset(), HOME), Drop)
