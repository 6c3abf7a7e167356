"""Which session gets which conversation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entraclaw.bot.routing import ALL, Routes, Rule, Seat

ADA = "a0a0a0a0-1111-4111-8111-aaaaaaaaaaaa"
FIRST, SECOND = Seat("first", 1.0, "/home/ada/web"), Seat("second", 2.0, "/home/ada/api")
ALONE = Seat("alone", 0.0, "/home/ada/web", by_rule=False)

LANES = st.sampled_from(["a:1", "19:2", "19:3"])
PEOPLE = st.sampled_from(["", ADA])
SESSIONS = ["alone", "first", "gone", "second"]
RULES = st.builds(
    Rule,
    project=st.sampled_from(["", "/home/ada", "/home/ada/web", "/srv"]),
    conversation=st.just("") | LANES,
    sponsor=PEOPLE,
)
ROUTES = st.builds(
    Routes,
    seats=st.lists(st.sampled_from([FIRST, SECOND, ALONE]), unique=True).map(tuple),
    attached=st.dictionaries(LANES | st.just(ALL), st.sampled_from(SESSIONS), max_size=3),
    rules=st.lists(RULES, max_size=3).map(tuple),
)


def test_first_that_comes_gets_everything_where_no_rule_is_written() -> None:
    routes = Routes((FIRST, SECOND))

    assert routes.owner("a:1") == "first"
    assert (routes.has_all("first"), routes.has_all("second")) == (True, False)


def test_nobody_here_gets_nothing() -> None:
    assert Routes().owner("a:1") == ""
    assert Routes((ALONE,)).owner("a:1") == ""
    assert Routes((FIRST,), rules=()).owner("a:1") == ""


def test_who_was_given_it_by_name_comes_before_every_rule() -> None:
    rules = (Rule(conversation="a:1", project="/home/ada/web"),)
    routes = Routes((FIRST, SECOND), {"a:1": "second"}, rules)

    assert routes.owner("a:1") == "second"


def test_what_was_given_to_one_that_is_gone_goes_by_the_rules_meanwhile() -> None:
    assert Routes((FIRST,), {"a:1": "second", ALL: "second"}).owner("a:1") == "first"


def test_rule_that_names_a_conversation_is_the_last_word_on_it() -> None:
    """Nobody else gets it while nobody works in that project."""
    rules = (Rule(project="/srv", conversation="a:1"), Rule())
    routes = Routes((FIRST,), {ALL: "first"}, rules)

    assert (routes.owner("a:1"), routes.owner("19:2")) == ("", "first")


def test_rule_names_a_person_by_the_chat_with_them() -> None:
    rules = (Rule(project="/home/ada/api", sponsor=ADA), Rule())
    routes = Routes((FIRST, SECOND), rules=rules)

    assert routes.owner("a:1", ADA) == "second"
    assert routes.owner("19:2") == "first"


def test_all_the_rest_goes_to_who_was_given_it() -> None:
    routes = Routes((FIRST, SECOND, ALONE), {ALL: "alone", "19:2": "second"})

    assert (routes.owner("a:1"), routes.owner("19:2")) == ("alone", "second")
    assert routes.how("alone") == (True, [])
    assert routes.how("second") == (False, ["19:2"])
    assert routes.how("first") == (False, [])


@pytest.mark.parametrize(
    ("project", "takes"),
    [
        ("/home/ada/web", True),
        ("/home/ada/web/deep", True),
        ("/home/ada/website", False),
        ("/home/ada", False),
        ("", False),
    ],
)
def test_project_is_a_folder_and_what_is_below_it(project: str, takes: bool) -> None:  # noqa: FBT001 - a parameter
    assert Rule(project="/home/ada/web").takes(Seat("s", 1.0, project)) is takes


@given(ROUTES, LANES, PEOPLE)
def test_owner_is_here_and_sits_there_by_name_or_by_rule(
    routes: Routes, lane: str, person: str
) -> None:
    owner = routes.owner(lane, person)

    seats = {seat.session: seat for seat in routes.seats}
    given_to_it = owner in {routes.attached.get(lane), routes.attached.get(ALL)}
    assert not owner or given_to_it or seats[owner].by_rule
    assert owner in {"", *seats}
    named = routes.attached.get(lane)
    assert named not in seats or owner == named


@given(ROUTES, st.sampled_from(SESSIONS), LANES, PEOPLE)
def test_who_has_all_has_each(routes: Routes, session: str, lane: str, person: str) -> None:
    assert not routes.has_all(session) or routes.owner(lane, person) == session


@given(ROUTES, LANES, PEOPLE)
def test_owner_is_told_that_it_gets_something(routes: Routes, lane: str, person: str) -> None:
    owner = routes.owner(lane, person)
    rest, named = routes.how(owner)

    by_a_named_rule = any(rule.is_named and rule.fits(lane, person) for rule in routes.rules)
    assert not owner or rest or lane in named or by_a_named_rule
