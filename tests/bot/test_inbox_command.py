"""`entraclaw inbox`, as it is typed; no daemon runs."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from bot.typed import Type, typed
from contracts.inbox import arrival, every
from entraclaw.bot import lock
from entraclaw.bot.inbox import Move, Opening, State
from entraclaw.bot.lifecycle import ATTEMPTS
from entraclaw.bot.outbox import Kind, Outcome, compose
from entraclaw.bot.places import Place
from entraclaw.bot.store import Store
from entraclaw.bot.upkeep import DAY_S

__all__ = ["typed"]

SECRET = "a secret plan"
DAY_ONE = 1_000_000.0


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """1 done, 2 dead, 3 ambiguous, 4 dropped, 5 waiting; nobody holds the file."""
    path = tmp_path / "default" / "inbox.db"
    path.parent.mkdir(mode=0o700)
    asyncio.run(_within(path, DAY_ONE, _fill))
    return path


async def _within(path: Path, now: float, work: Callable[[Store], Awaitable[object]]) -> None:
    async with Store.open(path, lambda: now) as store:
        await work(store)


async def _fill(store: Store) -> None:
    for number in range(1, 6):
        await _admit(store, number)
    await _answer(store, "t1", Outcome.SENT)
    for _ in range(ATTEMPTS):
        await store.inbox.claim("s", 5.0, 1, every)
        await store.inbox.expire(6.0)
    await _answer(store, "t3", Outcome.UNKNOWN)
    await store.inbox.end(4, Move.DROP, "not allowed")


async def _admit(store: Store, number: int) -> None:
    body = orjson.dumps({"from": {"name": "Ada\x1b[31m [red]L"}, "text": SECRET})
    one = replace(arrival(number), activity=f"10{number}", name=f"10{number}", body=body)
    receipt = await store.inbox.append(one)
    place = Place("a:1", "t", "personal", reference=body)
    await store.places.learn(place)
    view = orjson.dumps({"relation": "sponsor"})
    await store.inbox.open_turn(Opening(receipt.seq, f"t{number}", "a:1", view, may_join=False), 9)


async def _answer(store: Store, turn: str, outcome: Outcome) -> None:
    await store.inbox.claim("s", 2 * DAY_ONE, 1, every)
    wanted = compose(turn, "a:1", SECRET, DAY_ONE, kind=Kind.TEXT, final=True, key="")
    part, _ = await store.outbox.begin(wanted)
    activity = f"9{turn}" if outcome is Outcome.SENT else ""
    await store.outbox.finish(replace(part, outcome=outcome, activity=activity))


@pytest.mark.usefixtures("inbox")
def test_list_shows_names_and_states_and_no_text(typed: Type) -> None:
    said = typed("inbox", "list")

    assert said.code == 0
    assert [line.split()[0] for line in said.out.splitlines()] == ["seq", "5", "4", "3", "2", "1"]
    for words in ("waiting", "dropped", "ambiguous", "dead", "done", "not allowed"):
        assert words in said.out
    assert SECRET not in said.out
    assert max(map(len, said.out.splitlines())) <= 80


@pytest.mark.usefixtures("inbox")
def test_name_of_a_sender_cannot_write_on_the_terminal(typed: Type) -> None:
    """A display name is somebody else's word: no escape sequence, no markup of ours."""
    for words in (["list", "--text"], ["show", "1", "--text"], ["why", "1"]):
        out = typed("inbox", *words).out
        assert "\x1b" not in out
        assert "Ada[31m [red]L" in out


@pytest.mark.usefixtures("inbox")
def test_list_is_narrowed_by_state_and_limit(typed: Type) -> None:
    dead = typed("inbox", "list", "--state", "dead", "--json").document["entries"]
    two = typed("inbox", "list", "--limit", "2", "--json").document["entries"]

    assert [(one["seq"], one["state"], one["attempt"]) for one in dead] == [(2, "dead", 6)]
    assert [one["seq"] for one in two] == [5, 4]
    assert typed("inbox", "list", "--state", "superseded").out == "Nothing here.\n"
    assert typed("inbox", "list", "--state", "asleep").code == 2
    assert typed("inbox", "list", "--limit", "0").code == 2


@pytest.mark.usefixtures("inbox")
def test_text_is_shown_only_when_asked_for(typed: Type) -> None:
    for words in (["list"], ["show", "1"], ["why", "1"], ["why", "3"]):
        assert SECRET not in typed("inbox", *words).out
        assert SECRET not in typed("inbox", *words, "--json").out
    assert typed("inbox", "list", "--text").out.count(SECRET) == 5
    shown = typed("inbox", "show", "1", "--text", "--json").document
    assert (shown["text"], shown["parts"][0]["text"]) == (SECRET, SECRET)


@pytest.mark.usefixtures("inbox")
def test_show_tells_all_about_one_entry(typed: Type) -> None:
    shown = typed("inbox", "show", "1", "--json").document

    assert (shown["state"], shown["turn"], shown["activity"], shown["attempt"]) == (
        "done", "t1", "101", 1,
    )  # fmt: skip
    assert (shown["relation"], shown["place"]) == ("sponsor", "Ada[31m [red]L")
    [part] = shown["parts"]
    assert (part["outcome"], part["sent"], part["final"]) == ("sent", "9t1", True)
    assert "id 9t1" in typed("inbox", "show", "1").out


@pytest.mark.usefixtures("inbox")
@pytest.mark.parametrize("name", ["1", "101", "t1", "9t1"])
def test_entry_is_found_by_number_message_turn_and_answer(typed: Type, name: str) -> None:
    [told] = typed("inbox", "why", name, "--json").document["entries"]

    assert (told["seq"], told["state"]) == (1, "done")


@pytest.mark.usefixtures("inbox")
def test_why_says_what_happened_what_is_next_and_what_changes_it(typed: Type) -> None:
    out = typed("inbox", "why", "3").out

    assert out.startswith("Entry 3, message of Ada[31m [red]L: ambiguous\n")
    assert "nobody knows whether it" in out
    assert "Next: the daemon looks for the answer in the chat" in out
    assert "    entraclaw inbox replay 3 --yes\n" in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.usefixtures("inbox")
@pytest.mark.parametrize("verb", ["show", "why", "replay", "drop"])
def test_entry_that_is_not_there_is_an_error_with_its_cure(typed: Type, verb: str) -> None:
    said = typed("inbox", verb, "99")

    assert (said.code, said.out) == (1, "")
    assert said.err.splitlines()[1] == "entraclaw: hint: see `entraclaw inbox list`"


@pytest.mark.usefixtures("inbox")
def test_number_that_no_inbox_can_hold_is_just_unknown(typed: Type) -> None:
    assert typed("inbox", "why", "9" * 40).code == 1
    assert typed("inbox", "why", "²").code == 1
    assert typed("inbox", "show", "x").code == 2


def test_pruned_entry_says_that_it_was(typed: Type, inbox: Path) -> None:
    for later in (8, 100):
        asyncio.run(_within(inbox, DAY_ONE + later * DAY_S, lambda store: store.upkeep.tidy()))

    said = typed("inbox", "why", "1")

    assert said.err.startswith("entraclaw: error: entry 1 was pruned at 1970-")


def test_erased_entry_shows_what_is_left(typed: Type, inbox: Path) -> None:
    asyncio.run(_within(inbox, DAY_ONE + 8 * DAY_S, lambda store: store.upkeep.tidy()))

    shown = typed("inbox", "show", "1", "--text", "--json").document

    assert (shown["erased"], shown["text"], shown["from"]) == (True, None, None)
    assert "(erased)" in typed("inbox", "list", "--text").out
    assert typed("inbox", "replay", "4").err.startswith(
        "entraclaw: error: entry 4 cannot be replayed: what it said is erased"
    )


def test_replay_without_a_daemon_is_for_the_next_one(typed: Type, inbox: Path) -> None:
    said = typed("inbox", "replay", "2")

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("entry 2 is judged again when a daemon runs")
    assert _state(inbox, 2) is State.ADMITTED


def test_replay_of_an_ambiguous_entry_asks_first(typed: Type, inbox: Path) -> None:
    """Ours: nobody sends an answer twice without having been told."""
    refused = typed("inbox", "replay", "3")
    assert refused.code == 1
    assert "may be there twice" in refused.err
    assert "replay 3 --yes" in refused.err
    assert _state(inbox, 3) is State.AMBIGUOUS

    assert typed("inbox", "replay", "3", "--yes", "--json").document == {
        "seq": 3, "state": "admitted", "daemon": False,
    }  # fmt: skip
    assert _state(inbox, 3) is State.ADMITTED


def test_drop_without_a_daemon_ends_an_entry_once(typed: Type, inbox: Path) -> None:
    assert typed("inbox", "drop", "5").out == "entry 5 is dropped\n"
    assert _state(inbox, 5) is State.DROPPED

    again = typed("inbox", "drop", "5")
    assert again.err == (
        "entraclaw: error: entry 5 cannot be dropped: it is dropped\n"
        "entraclaw: hint: `entraclaw inbox why 5` says more\n"
    )


@pytest.mark.usefixtures("inbox")
@pytest.mark.parametrize("verb", ["replay", "drop"])
def test_done_entry_is_left_as_it_is(typed: Type, verb: str) -> None:
    assert typed("inbox", verb, "1").code == 1


def test_file_that_another_process_holds_is_left_alone(typed: Type, inbox: Path) -> None:
    """A daemon that does not answer holds the profile: two writers must not meet."""
    with lock.hold(inbox.parent):
        said = typed("inbox", "drop", "5")

    assert (said.code, _state(inbox, 5)) == (1, State.WAITING)
    assert "a daemon already serves this profile" in said.err


def test_file_of_a_newer_version_is_left_alone(typed: Type, inbox: Path) -> None:
    with closing(sqlite3.connect(inbox)) as connection:
        connection.execute("PRAGMA user_version = 99")

    for words in (["list"], ["show", "1"], ["why", "1"], ["drop", "5"]):
        said = typed("inbox", *words)
        assert said.code == 1
        assert "newer entraclaw" in said.err


def test_nothing_is_made_where_no_inbox_is(typed: Type, tmp_path: Path) -> None:
    for words in (["list"], ["show", "1"], ["why", "1"], ["replay", "1"], ["drop", "1"]):
        said = typed("inbox", *words)
        assert said.code == 1
        assert "there is no inbox to read" in said.err
    assert list(tmp_path.iterdir()) == []


def _state(path: Path, seq: int) -> State:
    with closing(sqlite3.connect(path)) as connection:
        (state,) = connection.execute("SELECT state FROM entry WHERE seq = ?", (seq,)).fetchone()
    return State(state)
