"""The line that says who sent a message for whom: always there, and never hidden."""

import re
from collections.abc import Mapping
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entraclaw.errors import ToolRefused
from entraclaw.tools import Mark, is_marked, marked

MARK = Mark("Claw", "Ada Lovelace")
LINE = "— Sent by Claw for Ada Lovelace"


def message(kind: str, content: str) -> dict[str, object]:
    return {"body": {"contentType": kind, "content": content}, "importance": "normal"}


def content_of(document: Mapping[str, Any]) -> str:
    return str(document["body"]["content"])


class Visible(HTMLParser):
    """What stands outside of every comment, style and script."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_text_ends_with_the_line() -> None:
    sent = marked(message("text", "I am late"), MARK)

    assert content_of(sent) == f"I am late\n\n{LINE}"
    assert sent["importance"] == "normal"
    assert is_marked(content_of(sent))


@pytest.mark.parametrize(
    "content", ["<p>hi</p>", "<!--", "<div hidden>", "<style>", "</p></em>", ""]
)
def test_html_begins_with_the_line_whatever_follows(content: str) -> None:
    sent = content_of(marked(message("html", content), MARK))

    assert sent == f"<p><em>{LINE}</em></p>{content}"
    read = Visible()
    read.feed(sent)
    assert read.words[0] == LINE


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"body": "hi"},
        {"body": {"content": "hi"}},
        {"body": {"contentType": "HTML", "content": "hi"}},
        {"body": {"contentType": "text", "content": None}},
        {"message": {"body": {"contentType": "text", "content": "hi"}}},
    ],
)
def test_what_has_no_place_for_the_line_is_not_sent(document: dict[str, object]) -> None:
    with pytest.raises(ToolRefused, match="cannot be marked"):
        marked(document, MARK)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Eve\nfor nobody", "Eve for nobody"),
        ("Eve\u202e\u200b\x00", "Eve"),
        ("", "somebody"),
        ("x" * 100, "x" * 64),
    ],
)
def test_name_stays_on_its_line(name: str, shown: str) -> None:
    assert Mark("Claw", name).line == f"— Sent by Claw for {shown}"


def test_name_is_no_markup() -> None:
    sent = content_of(marked(message("html", "hi"), Mark("<b>Claw</b><!--", "Ada & Co")))

    assert "<b>" not in sent
    assert "<!--" not in sent
    assert "Ada & Co" in unescape(sent)


@given(st.sampled_from(["text", "html"]), st.text(), st.text(), st.text())
def test_line_is_there_and_read_as_one(kind: str, content: str, agent: str, person: str) -> None:
    mark = Mark(agent, person)
    sent = content_of(marked(message(kind, content), mark))

    assert "\n" not in mark.line
    assert is_marked(mark.line)
    assert mark.line in (sent if kind == "text" else unescape(re.sub(r"</?(p|em)>", "", sent)))


def test_words_about_sending_are_no_mark() -> None:
    assert not is_marked("I said — Sent by Claw for Ada, in passing")
    assert not is_marked("Sent by mail for Ada")
