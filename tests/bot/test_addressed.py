"""The agent is addressed by what Teams vouches for, never by words alone."""

import json
from dataclasses import replace

import pytest

from bot.documents import (
    ADA,
    AGENT,
    RECIPIENT,
    USER,
    Document,
    group_message,
    html,
    mention,
    quotation,
)
from entraclaw.bot.content import Content, Mention, Quote
from entraclaw.bot.reading import read
from entraclaw.identity import AgentIds


def content(words: str = "hi", **changes: object) -> Content:
    return read(group_message(words, **changes), AGENT)


@pytest.mark.parametrize(
    "mentioned",
    [
        {"id": RECIPIENT, "name": "Agent"},
        {"id": f"8:ORGID:{USER.upper()}"},
        {"id": USER},
        {"id": "29:x", "aadObjectId": USER.upper()},
        {"objectId": USER},
    ],
)
def test_real_mention_addresses_the_agent(mentioned: Document) -> None:
    assert content(entities=[{"type": "mention", "mentioned": mentioned}]).addressed


def test_mention_by_the_opaque_id_of_the_recipient_addresses_the_agent() -> None:
    """The platform does not say what an agent's id looks like."""
    found = content(recipient={"id": "28:Opaque"}, entities=[mention("28:opaque", "Agent")])
    assert found.addressed


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "@Agent do it"},
        {"text": "<at>Agent</at> do it"},
        {"text": "<at id='0'>Agent</at> do it", "textFormat": "xml"},
        {"entities": [mention("29:other", "Agent")]},
        {"entities": [{"type": "mention", "mentioned": {"id": ""}, "text": "<at>Agent</at>"}]},
        {"entities": [{"type": "mention", "mentioned": {"name": RECIPIENT}}]},
        {"entities": [{"type": "clientInfo", "mentioned": {"id": RECIPIENT}}]},
        {"attachments": [html(f'<at id="0">Agent</at><span itemid="{RECIPIENT}">x</span>')]},
        {"attachments": [html(quotation(f"8:orgid:{ADA}"))]},
        {"text": quotation(RECIPIENT), "textFormat": "html"},
        {"text": quotation(RECIPIENT)},
        {"recipient": {}, "entities": [{"type": "mention", "mentioned": None}]},
        {"attachments": [html(quotation(""))], "recipient": {"id": ""}},
    ],
)
def test_words_that_look_like_a_mention_address_nobody(changes: Document) -> None:
    assert not content(**changes).addressed


def reference(sender: object, **more: object) -> Document:
    inner = {"messageId": "1700", "messagePreview": "earlier words", "messageSender": sender}
    return {"contentType": "messageReference", "id": "1700", "content": json.dumps(inner | more)}


@pytest.mark.parametrize(
    "changes",
    [
        {"attachments": [html(quotation(RECIPIENT) + "<p>yes</p>")]},
        {"attachments": [reference({"user": {"id": USER, "displayName": "Grace"}})]},
        {
            "entities": [
                {
                    "type": "quotedReply",
                    "quotedReply": {
                        "messageId": "1700",
                        "senderId": RECIPIENT,
                        "senderName": "Grace",
                        "preview": "earlier words",
                    },
                }
            ]
        },
        {
            "entities": [
                {
                    "type": "QuotedReply",
                    "messageId": "1700",
                    "senderId": USER,
                    "senderName": "Grace",
                    "preview": "earlier words",
                }
            ]
        },
    ],
)
def test_quoted_reply_to_the_agent_addresses_it(changes: Document) -> None:
    found = content('<quoted messageId="1700"/>yes', **changes)

    assert found.addressed
    assert found.quote == Quote("1700", "Grace", USER, "earlier words")
    assert found.text == "yes"
    assert (found.attachments, found.unknown) == ((), ())


def test_reply_to_somebody_else_is_shown_and_addresses_nobody() -> None:
    found = content(attachments=[html(quotation(f"8:orgid:{ADA}") + "no")])

    assert (found.addressed, found.text) == (False, "no")
    assert found.quote == Quote("1700", "Grace", ADA, "earlier words")


def test_words_of_a_quote_are_taken_from_where_they_are_told() -> None:
    entity = {"type": "quotedReply", "quotedReply": {"messageId": "1700", "senderId": USER}}

    same = content(entities=[entity], attachments=[html(quotation(f"8:orgid:{ADA}"))])
    assert same.quote == Quote("1700", "", USER, "earlier words")

    entity["quotedReply"] = {"messageId": "9", "senderId": USER}
    other = content(entities=[entity], attachments=[html(quotation(f"8:orgid:{ADA}"))])
    assert other.quote == Quote("9", "", USER, "")


@pytest.mark.parametrize(
    "attachment",
    [
        {"contentType": "messageReference"},
        {"contentType": "messageReference", "content": "no json"},
        {"contentType": "messageReference", "content": "[]"},
        {"contentType": "messageReference", "content": {"messageSender": None}},
    ],
)
def test_reference_that_tells_nothing_is_an_empty_quote(attachment: Document) -> None:
    found = content(attachments=[attachment])
    assert (found.quote, found.addressed) == (Quote("", "", "", ""), False)


def test_reference_of_an_application_names_it() -> None:
    found = content(
        attachments=[reference({"user": None, "application": {"id": "a", "displayName": "Bot"}})]
    )
    assert found.quote == Quote("1700", "Bot", "", "earlier words")


def test_long_quotation_is_cut() -> None:
    found = content(attachments=[html(quotation(RECIPIENT, "w\u200b" * 5000))])

    assert found.quote
    assert found.quote.text == "w" * 1999 + "…"


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ('<at id="0">Agent</at> hi', "hi"),
        ('<at id="1">Agent</at> hi', "@Agent hi"),
        ('<at id="2">Grace H</at> hi', "@Grace H hi"),
        ('<at id="9">Grace</at> hi', "@Grace hi"),
        ("<at>Agent</at> hi", "@Agent hi"),
        ('<at id="0">Somebody</at> hi', "@Somebody hi"),
        ('<at id="²">@Grace</at> hi', "@Grace hi"),
    ],
)
def test_number_of_a_mention_tells_whose_it_is(written: str, read_as: str) -> None:
    """Two may have one name: only a mention that is surely the agent's is taken out."""
    entities = [
        mention(RECIPIENT, "Agent"),
        mention("29:other", "Agent"),
        {**mention(ADA, "Grace H"), "text": "<at>Grace</at>"},
    ]
    assert content(entities=entities, attachments=[html(written)]).text == read_as


def test_mentions_are_told_by_name_and_directory_id() -> None:
    entities = [
        mention("19:team@thread.tacv2", "Sales"),
        {"type": "mention", "mentioned": {"id": "29:1", "aadObjectId": ADA.upper()}},
        {"type": "mention", "text": "<at>B\u202eob</at>"},
        {"type": "mention", "mentioned": "nonsense", "text": None},
    ]
    assert content(entities=entities).mentions == (
        Mention("Sales", ""),
        Mention("", ADA),
        Mention("Bob", ""),
        Mention("", ""),
    )


BOT = "e0e0e0e0-5555-4555-8555-eeeeeeeeeeee"


@pytest.mark.parametrize(
    ("who", "addressed"),
    [(f"28:{BOT}", True), (BOT, True), (f"28:{BOT.upper()}", True), (f"8:orgid:{USER}", False),
     (USER, False), ("28:", False), ("", False)],
)  # fmt: skip
def test_bot_is_addressed_as_itself_and_not_as_the_agent_user(who: str, *, addressed: bool) -> None:
    """Ours: in the bot's conversation the agent user is somebody else."""
    document = group_message("hi", recipient={"id": f"28:{BOT}"}, entities=[mention(who, "Agent")])

    assert read(document, replace(AGENT, bot=BOT)).addressed is addressed
    assert read(document, AgentIds(AGENT.tenant, bot=BOT)).addressed is addressed
