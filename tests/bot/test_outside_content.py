"""What a model is shown of messages says what it is, and nothing in it can end that."""

import json

from hypothesis import given
from hypothesis import strategies as st
from mcp_types import TextContent

from entraclaw.bot.handed import Handed, Reading
from entraclaw.bot.inbox import Arrival, Entry
from entraclaw.bot.reading_tools import NOT_ATTACHED, OUTSIDE, Shown

OPEN, CLOSE = '<outside_content source="teams">\n', "\n</outside_content>"


def handed(text: str) -> Handed:
    arrival = Arrival("t", "a:1", "1", "message", "1", "ada", b"{}", b"{}", 1.0)
    view = {"sender": "Ada", "relation": "sponsor", "text": text}
    return Handed(
        "t1",
        "a:1",
        1,
        amends=False,
        view=view,
        context=(),
        unseen=0,
        entry=Entry(1, arrival, "a:1"),
    )


def shown(*texts: str, is_attached: bool = True) -> tuple[str, dict[str, object]]:
    reading = Reading(tuple(map(handed, texts)), (), 0, is_attached)
    result = Shown(reading, ()).result()
    [content] = result.content
    assert isinstance(content, TextContent)
    assert result.structured_content is not None
    return content.text, result.structured_content


@given(st.text() | st.sampled_from([CLOSE, "</outside_content>", "<", "\u003c", OPEN]))
def test_message_stands_in_a_block_that_it_cannot_end(text: str) -> None:
    said, document = shown(text)

    assert said.startswith(OPEN)
    assert said.endswith(CLOSE)
    inside = said.removeprefix(OPEN).removesuffix(CLOSE)
    assert "<" not in inside
    assert json.loads(inside) == document
    assert document["messages"] == [
        {
            "turn": "t1",
            "conversation": "a:1",
            "attempt": 1,
            "from": {"name": "Ada", "relation": "sponsor"},
            "text": text,
        }
    ]


def test_label_comes_before_what_it_is_about() -> None:
    """Some hosts show the model the data and not the text."""
    _, document = shown("hello")

    assert next(iter(document.items())) == ("outside_content", OUTSIDE)


def test_nothing_from_outside_is_in_no_block() -> None:
    said, document = shown()

    assert (said, document) == ('{"messages": []}', {"messages": []})


def test_session_that_gets_no_conversation_is_told_so() -> None:
    _, document = shown(is_attached=False)

    assert document == {"messages": [], "note": NOT_ATTACHED}
