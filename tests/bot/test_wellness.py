"""What `status --strict` complains of, and the first step where no daemon runs."""

from typing import Any

import pytest

from entraclaw.bot.inbox import State
from entraclaw.bot.wellness import Resting, unwell

INBOX = {state.value: 0 for state in State}
WELL: dict[str, Any] = {
    "locked": None,
    "trouble": None,
    "principal": {"came_by": "adopt"},
    "key": {"trouble": None},
    "tokens": [],
    "warnings": [],
    "inbox": INBOX,
    "sessions": [],
}


def test_daemon_that_is_well_has_nothing_to_complain_of() -> None:
    assert unwell(WELL) == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"locked": "so"}, "profile locked"),
        ({"trouble": "so"}, "trouble"),
        ({"principal": None, "key": None}, "no agent"),
        ({"key": {"trouble": "so"}}, "key"),
        ({"tokens": [{"state": "refused"}]}, "tokens"),
        ({"warnings": ["so"]}, "warnings"),
        ({"inbox": INBOX | {"ambiguous": 1}}, "ambiguous entries"),
        ({"inbox": INBOX | {"dead": 1}}, "dead entries"),
        ({"inbox": INBOX | {"waiting": 1}}, "no host attached"),
    ],
)
def test_each_trouble_is_named(changes: dict[str, Any], says: str) -> None:
    assert unwell(WELL | changes) == (says,)


def test_message_that_a_host_is_there_for_is_no_trouble() -> None:
    assert unwell(WELL | {"inbox": INBOX | {"waiting": 1}, "sessions": [{}]}) == ()


@pytest.mark.parametrize(
    ("resting", "step"),
    [
        (Resting("port: is wrong", has_agent=False, has_key=None), "correct config.toml"),
        (Resting("", has_agent=False, has_key=None), "entraclaw setup"),
        (Resting("", has_agent=True, has_key=False), "entraclaw key new"),
        (Resting("", has_agent=True, has_key=None), "entraclaw serve"),
        (Resting("", has_agent=True, has_key=True), "entraclaw serve"),
    ],
)
def test_profile_at_rest_has_one_next_step(resting: Resting, step: str) -> None:
    assert resting.step.startswith(step)
