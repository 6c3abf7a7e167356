"""What hosts ask is read whatever it holds, and shown so that nothing in it acts or hides."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entraclaw.bot.plain import marked
from entraclaw.bot.question import SHOWN_LIMIT, Origin, Question, from_channel, from_hook


def asked(given: object, tool: str = "Bash", **more: object) -> bytes:
    return json.dumps({"tool": tool, "input": given, **more}).encode()


def hooked(given: object) -> Question:
    question = from_hook("s", asked(given))
    assert question is not None
    return question


def heard(preview: str, **changes: object) -> Question | None:
    params = {
        "request_id": "abcde",
        "tool_name": "Bash",
        "description": "Run shell command",
        "input_preview": preview,
        **changes,
    }
    return from_channel("s", params)


def test_hook_tells_the_whole_input() -> None:
    question = from_hook("s", asked({"command": "ls ä"}, description="List"))

    assert question is not None
    assert (question.session, question.tool, question.description) == ("s", "Bash", "List")
    assert (question.input, question.left_out) == ('{"command": "ls ä"}', 0)
    assert (question.origin, question.host_id) == (Origin.HOOK, "")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"garbage\n",
        b"\xff\xfe\n",
        b"[]\n",
        b"{}\n",
        asked({}, tool=""),
        asked({}, tool="\u200b"),
        b'{"tool": 5, "input": {}}',
        b'{"tool": "Bash", "input": ' + b"[" * 100_000,
        b'{"tool": "Bash", "input": ' + b"9" * 5_000 + b"}",
        asked("x" * (4 * 1024 * 1024)),
    ],
    ids=lambda line: str(line[:24]),
)
def test_what_is_no_question_is_none(line: bytes) -> None:
    assert from_hook("s", line) is None


def test_host_says_it_over_the_channel() -> None:
    question = heard('{"command":"ls"}')

    assert question is not None
    assert (question.tool, question.description) == ("Bash", "Run shell command")
    assert (question.origin, question.host_id) == (Origin.CHANNEL, "abcde")


@pytest.mark.parametrize(
    "changes",
    [
        {"request_id": "abcd"},
        {"request_id": "abcdef"},
        {"request_id": "abcdl"},  # no l: it looks like 1
        {"request_id": "ABCDE"},
        {"request_id": "abcde\n"},
        {"request_id": 5},
        {"request_id": None},
        {"tool_name": ""},
        {"tool_name": ["Bash"]},
        {"input_preview": "x" * (4 * 1024 * 1024 + 1)},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_what_the_channel_says_amiss_is_none(changes: dict[str, object]) -> None:
    assert heard("{}", **changes) is None


def test_same_input_is_the_same_by_both_ways() -> None:
    question = heard('{"b":2,"a":"x  y"}')

    assert question is not None
    assert question.sameness == hooked({"a": "x  y", "b": 2}).sameness


@pytest.mark.parametrize(
    "preview",
    ['{"a":"x y","b":2}', '{"a":"x  y"}', '{"a":"x  y","b":2.0}', '{"a":"x  y","b":3}'],
)
def test_input_that_differs_in_anything_is_another_one(preview: str) -> None:
    question = heard(preview)

    assert question is not None
    assert question.sameness != hooked({"a": "x  y", "b": 2}).sameness


@pytest.mark.parametrize("preview", ['{"command":"ls … ls"', "[" * 100_000, "", "npm test"])
def test_preview_that_is_not_the_whole_input_is_the_same_as_nothing(preview: str) -> None:
    """Ours: who allows one of them would allow another, whose middle they have not seen."""
    question = heard(preview)

    assert question is not None
    assert not question.sameness


def test_what_nobody_would_see_is_written_out() -> None:
    question = heard("rm\u200b -rf\u202e \x1b[2J a\u00a0b\nc\td \U000e0041 \ud800 日本 👍\ufe0f")

    assert question is not None
    assert question.input == (
        "rm\\u200b -rf\\u202e \\u001b[2J a\\u00a0b\\nc\\td \\U000e0041 \\ud800 日本 👍\ufe0f"
    )


@pytest.mark.parametrize("length", [SHOWN_LIMIT - 1, SHOWN_LIMIT])
def test_input_at_the_limit_is_whole(length: int) -> None:
    question = heard("x" * length)

    assert question is not None
    assert (question.input, question.left_out) == ("x" * length, 0)


def test_input_over_the_limit_shows_both_ends_and_says_what_is_missing() -> None:
    question = heard("start" + "x" * SHOWN_LIMIT + "end")

    assert question is not None
    assert question.input.startswith("startx")
    assert question.input.endswith("xend")
    assert f" […{question.left_out} characters left out…] " in question.input
    assert len(question.input) <= SHOWN_LIMIT


@given(st.text(max_size=50), st.integers(0, 400), st.text(max_size=50))
def test_nothing_that_is_shown_acts_or_is_too_long(start: str, times: int, end: str) -> None:
    given = start + "ab\u200bc\u202e" * 3 * times + end
    question = heard(given)

    assert question is not None
    assert len(question.input) <= SHOWN_LIMIT
    assert not {unicodedata.category(c) for c in question.input} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    if not question.left_out:
        assert question.input == marked(given)
