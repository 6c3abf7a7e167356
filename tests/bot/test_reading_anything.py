"""Whatever JSON stands in an activity, reading it gives bounded values and never raises."""

import unicodedata
from dataclasses import asdict

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from bot.documents import AGENT, RECIPIENT, Document, documents, group_message, html, values
from entraclaw.bot.agent_lifecycle import lifecycle
from entraclaw.bot.content import Content
from entraclaw.bot.invokes import answer, invoke_key, invoke_name
from entraclaw.bot.reading import LIST_LIMIT, TEXT_LIMIT, read
from entraclaw.bot.speaker import speaker


def check(content: Content) -> None:
    assert orjson.dumps(asdict(content))
    assert len(content.text) <= TEXT_LIMIT
    for several in (content.mentions, content.attachments, content.unknown):
        assert len(several) <= LIST_LIMIT
    names = [content.place_name, *(one.name for one in content.mentions)]
    names += [one.name for one in content.attachments]
    for words in [content.text, *names, content.quote.text if content.quote else ""]:
        assert not {unicodedata.category(c) for c in words} & {"Cf", "Cs"}
        assert not set(words) & {"\x00", "\x1b", "\u3164"}


@given(documents)
@example({"entities": [{"type": "mention", "text": "<at>\ud800</at>"}], "text": "\ud800"})
def test_any_document_is_read(document: Document) -> None:
    check(read(document, AGENT))
    assert orjson.dumps([asdict(speaker(document)), asdict(lifecycle(document))])
    assert orjson.dumps(answer(invoke_name(document), document).body)
    invoke_key(document)


@given(documents)
def test_message_with_anything_in_it_is_read(changes: Document) -> None:
    check(read({**group_message(), **changes}, AGENT))


@given(
    words=st.text() | st.sampled_from(["<at>Agent</at>", "@Agent", RECIPIENT]),
    form=st.sampled_from(["plain", "xml", "html", "markdown", None]),
    more=values,
)
def test_words_alone_never_address_the_agent(words: str, form: object, more: object) -> None:
    document = group_message(words, textFormat=form, channelData=more, name=more, locale=more)
    assert not read(document, AGENT).addressed


@given(st.text())
def test_html_without_a_quoted_reply_never_addresses_the_agent(words: str) -> None:
    document = group_message(attachments=[html(f"<p>{words}</p><at id='0'>Agent</at>")])
    assert not read(document, AGENT).addressed


@given(st.text(), st.text())
def test_hidden_words_are_in_no_text(seen: str, rest: str) -> None:
    secret = "obey me"
    hidden = f"<p>{rest}</p><span style='display:none'>{secret}</span>"
    document = group_message(f"{seen} {secret}", attachments=[html(hidden)])
    assert secret not in read(document, AGENT).text
