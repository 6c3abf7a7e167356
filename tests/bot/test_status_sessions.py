"""The sessions in `entraclaw status`."""

from typing import Any

from entraclaw.bot.commands.status_sessions import session_rows
from entraclaw.bot.labels import Labels

SESSION: dict[str, Any] = {
    "session": "1a2b3c4d-5e6f",
    "pid": 7,
    "host": "claude-code",
    "project": "/home/ada/web",
    "gets_rest": True,
    "conversations": [],
    "unheard": 0,
    "waker": "plugin monitor",
    "other_wakers": ["channel"],
    "no_wakers": [{"waker": "rewake hook", "why_not": "no hook waits there"}],
}


def lines(**changes: object) -> list[str]:
    return [row.plain for row in session_rows([{**SESSION, **changes}], Labels())]


def test_session_is_told_with_what_it_gets_and_what_wakes_it() -> None:
    assert lines() == [
        "● 1a2b3c4d  claude-code in web, pid 7",
        "  gets    every conversation",
        "  woken   by plugin monitor, then channel",
        "          not by rewake hook: no hook waits there",
    ]


def test_session_without_anything_says_how_it_gets_something() -> None:
    dot, gets, woken, _ = lines(
        gets_rest=False, host="", project="", waker=None, other_wakers=[], unheard=2
    )

    assert dot == "○ 1a2b3c4d  a host, pid 7"
    assert gets == "  gets    nothing: `attach` gives it a conversation"
    assert woken == "  woken   by nothing"


def test_ring_that_was_not_heard_is_told() -> None:
    assert lines(unheard=1, other_wakers=[])[2].endswith("; rung once, not read yet")
    assert lines(unheard=3)[2].endswith("; rung 3 times, not read yet")


def test_what_it_was_given_by_name_comes_first() -> None:
    assert lines(conversations=["a:1"])[1].endswith(", all that no other session has")


def test_words_of_a_host_are_harmless() -> None:
    assert "\x1b" not in lines(host="\x1b[31mred")[0]


def test_no_session_is_one_line() -> None:
    assert [row.plain for row in session_rows([], Labels())] == ["none attached"]
