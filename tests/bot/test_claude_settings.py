"""A person's settings are theirs: what we put in comes out again, and nothing else."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entraclaw.bot.claude_settings import (
    NotOurs,
    by_hand,
    from_json,
    merged,
    put_in,
    take_out,
    to_json,
    wanted,
)

WISH = wanted("entraclaw", "/home/ada/claude", "entraclaw@entraclaw", ["mcp__a", "mcp__b"])
NAMES = st.sampled_from(
    ["extraKnownMarketplaces", "enabledPlugins", "entraclaw", "entraclaw@entraclaw", "theme"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=3)
RULES = st.fixed_dictionaries(
    {},
    optional={"allow": st.lists(st.sampled_from(["mcp__a", "Bash(ls)"])), "deny": st.lists(NAMES)},
)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "extraKnownMarketplaces": OBJECTS,
        "enabledPlugins": OBJECTS,
        "permissions": RULES,
        "theme": VALUES,
    },
)


@given(SETTINGS)
def test_what_was_put_in_is_taken_out_to_the_last_letter(settings: dict[str, Any]) -> None:
    before = json.dumps(settings, sort_keys=True)

    after, made = put_in(settings, WISH)

    assert json.dumps(settings, sort_keys=True) == before
    assert json.dumps(take_out(after, made), sort_keys=True) == before


@given(SETTINGS)
def test_twice_is_as_once(settings: dict[str, Any]) -> None:
    once, first = put_in(settings, WISH)
    twice, second = put_in(once, WISH)

    assert twice == once
    assert second == []
    assert take_out(twice, merged(first, second)) == settings


@given(SETTINGS)
def test_plugin_is_known_enabled_and_its_tools_allowed_whatever_was_there(
    settings: dict[str, Any],
) -> None:
    after, _ = put_in(settings, WISH)

    source = {"source": "directory", "path": "/home/ada/claude"}
    assert after["extraKnownMarketplaces"]["entraclaw"] == {"source": source}
    assert after["enabledPlugins"]["entraclaw@entraclaw"] is True
    assert {"mcp__a", "mcp__b"} <= set(after["permissions"]["allow"])
    assert after.get("theme") == settings.get("theme")


def test_what_a_person_changed_since_stays() -> None:
    after, made = put_in({}, WISH)
    after["enabledPlugins"]["entraclaw@entraclaw"] = False
    after["permissions"]["allow"].append("Bash(ls)")
    after["extraKnownMarketplaces"] = "mine now"

    assert take_out(after, made) == {
        "enabledPlugins": {"entraclaw@entraclaw": False},
        "permissions": {"allow": ["Bash(ls)"]},
        "extraKnownMarketplaces": "mine now",
    }


def test_rule_that_was_there_before_is_not_taken_out() -> None:
    before = {"permissions": {"allow": ["mcp__a"]}}
    after, made = put_in(before, WISH)

    assert take_out(after, made) == before


def test_list_that_a_person_made_something_else_is_left_alone() -> None:
    after, made = put_in({}, WISH)
    after["permissions"]["allow"] = "everything"

    assert take_out(after, made) == {"permissions": {"allow": "everything"}}


def test_another_profile_takes_the_place_and_gives_it_back() -> None:
    first, made = put_in({}, WISH)
    other = wanted("entraclaw", "/home/ada/other", "entraclaw@entraclaw", ["mcp__a", "mcp__b"])
    second, replaced = put_in(first, other)

    assert take_out(second, replaced) == first
    assert take_out(take_out(second, replaced), made) == {}


def test_what_stood_there_before_the_first_time_is_what_comes_back() -> None:
    mine = {"extraKnownMarketplaces": {"entraclaw": "mine"}}
    first, made = put_in(mine, WISH)
    moved = wanted("entraclaw", "/home/ada/moved", "entraclaw@entraclaw", ["mcp__a", "mcp__b"])
    second, again = put_in(first, moved)

    assert take_out(second, merged(made, again)) == mine


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"enabledPlugins": []}, "enabledPlugins is no object"),
        ({"permissions": "all"}, "permissions is no object"),
        ({"permissions": {"allow": {}}}, "permissions.allow is no list"),
    ],
)
def test_settings_of_another_shape_are_refused_by_name(
    settings: dict[str, Any], named: str
) -> None:
    before = deepcopy(settings)

    with pytest.raises(NotOurs, match=named):
        put_in(settings, WISH)

    assert settings == before


@given(SETTINGS)
def test_changes_are_read_back_as_they_were_written(settings: dict[str, Any]) -> None:
    _, made = put_in(settings, WISH)

    assert from_json(json.loads(json.dumps(to_json(made)))) == made


def test_server_that_was_added_by_hand_is_found_wherever_that_was() -> None:
    server: dict[str, Any] = {"mcpServers": {"entraclaw": {}}}
    other: dict[str, Any] = {"mcpServers": {"github": {}}}

    assert by_hand(server, "entraclaw") == ["everywhere"]
    assert by_hand({"projects": {"/a": server, "/b": other, "/c": 5}}, "entraclaw") == ["/a"]


@pytest.mark.parametrize("own", [{}, {"projects": []}, {"mcpServers": ["entraclaw"]}])
def test_no_server_is_found_in_what_claude_never_wrote(own: dict[str, Any]) -> None:
    assert by_hand(own, "entraclaw") == []
