"""Conversations and senders by the names people know."""

from dataclasses import replace

import orjson
import pytest

from contracts.inbox import arrival
from entraclaw.bot.inbox import Entry
from entraclaw.bot.labels import Labels, said, sender
from entraclaw.bot.places import Place

ADA = orjson.dumps({"from": {"name": "Ada\x1b[2J Lovelace"}})


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (Place("a:1", "t", "personal", reference=ADA), "Ada[2J Lovelace"),
        (Place("a:1", "t", "personal"), "a 1:1"),
        (Place("19:g", "t", "groupChat", name="Engines"), "Engines"),
        (Place("19:g", "t", "groupChat", reference=ADA), "a group chat"),
        (Place("19:c", "t", "channel", name="Team / General"), "Team / General"),
        (Place("19:c", "t", "channel"), "a channel"),
    ],
)
def test_conversation_is_called_as_a_person_knows_it(place: Place, name: str) -> None:
    assert Labels.of([place])[place.id] == name


def test_both_names_of_one_chat_are_called_the_same() -> None:
    pushed = Place("a:1", "t", "personal", reference=ADA, lane="a:1", twin="19:1")
    read = Place("19:1", "t", "personal", lane="a:1", twin="a:1")

    names = Labels.of([read, pushed])

    assert names["19:1"] == names["a:1"] == "Ada[2J Lovelace"
    assert "19:1" in names


def test_conversation_without_a_name_is_its_id_made_harmless() -> None:
    names = Labels.of([Place("odd", "t", "")])

    assert (names["odd"], names["x\x1b[1m"]) == ("odd", "x[1m")
    assert "odd" not in names


def test_sender_and_text_are_read_as_they_came_and_are_gone_when_erased() -> None:
    body = orjson.dumps({"from": {"name": "Ada"}, "text": "hi"})
    one = Entry(1, replace(arrival(1), body=body), "a:1")
    erased = replace(one, arrival=replace(one.arrival, body=b""))

    assert (sender(one), said(one)) == ("Ada", "hi")
    assert (sender(erased), said(erased)) == ("", "")
