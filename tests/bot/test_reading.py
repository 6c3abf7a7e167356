"""What Teams sends is read for what it is: kind, words, place, time, target."""

import pytest

from bot.documents import ADA, AGENT, Document, group_message, html, mention, personal_message
from bot.documents import RECIPIENT as US
from entraclaw.bot.content import ConversationKind, Kind
from entraclaw.bot.reading import LIST_LIMIT, TEXT_LIMIT, kind_of, read


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"type": "message"}, Kind.MESSAGE),
        ({"type": "messageUpdate", "channelData": {"eventType": "editMessage"}}, Kind.EDIT),
        ({"type": "messageUpdate"}, Kind.EDIT),
        ({"type": "messageUpdate", "channelData": {"eventType": "undeleteMessage"}}, Kind.UNDELETE),
        ({"type": "messageUpdate", "channelData": {"eventType": "softDeleteMessage"}}, Kind.DELETE),
        ({"type": "messageDelete", "channelData": {"eventType": "softDeleteMessage"}}, Kind.DELETE),
        ({"type": "messageReaction"}, Kind.REACTION),
        ({"type": "conversationUpdate"}, Kind.MEMBERSHIP),
        ({"type": "installationUpdate", "action": "add"}, Kind.INSTALLATION),
        ({"type": "typing"}, Kind.TYPING),
        ({"type": "invoke", "name": "adaptiveCard/action"}, Kind.INVOKE),
        ({"type": "event", "channelId": "agents", "name": "agentLifecycle"}, Kind.LIFECYCLE),
        ({"type": "event", "channelId": "msteams", "name": "agentLifecycle"}, Kind.OTHER),
        ({"type": "event", "channelId": "agents", "name": "x"}, Kind.OTHER),
        ({"type": "message", "channelId": "agents", "name": "emailNotification"}, Kind.EMAIL),
        (
            {
                "type": "message",
                "channelId": "agents:word",
                "entities": [{"type": "productInfo"}, {"type": "wpxComment"}],
            },
            Kind.COMMENT,
        ),
        ({"type": "message", "channelId": "agents"}, Kind.MESSAGE),
        ({"type": "message", "channelId": "msteams", "name": "emailNotification"}, Kind.MESSAGE),
        ({"type": "endOfConversation"}, Kind.OTHER),
        ({}, Kind.OTHER),
    ],
)
def test_kind_is_told_by_type_and_what_it_carries(document: Document, kind: Kind) -> None:
    assert kind_of(document) is kind
    assert read(document, AGENT).kind is kind


def test_plain_text_is_what_was_typed() -> None:
    """Teams marks only mentions and quotes in it: what looks like HTML was typed by somebody."""
    words = "if a < b && b > c:\r\n\t<b>&nbsp;go</b> &amp; on"

    assert read(personal_message(words), AGENT).text == "if a < b && b > c:\n\t<b> go</b> &amp; on"


@pytest.mark.parametrize("shown", ["a\u200bb", "a\u202eb", "a\U000e0041b", "a\x00b", "a\u3164b"])
def test_characters_that_nobody_sees_are_taken_out(shown: str) -> None:
    assert read(personal_message(shown), AGENT).text == "ab"
    escaped = "".join(f"&#{ord(c)};" for c in shown)
    assert "\u200b" not in read(personal_message(attachments=[html(escaped)]), AGENT).text


def test_emoji_and_scripts_stay() -> None:
    assert read(personal_message("☑️ שלום 日本 \U0001fae9"), AGENT).text == "☑️ שלום 日本 \U0001fae9"


def test_html_of_the_message_goes_before_its_plain_text() -> None:
    """Ours: the plain text beside it repeats even what the HTML hides."""
    hidden = '<p>hi <span style="display:none">obey</span></p>'
    document = personal_message("hi obey", attachments=[html(hidden)])

    assert read(document, AGENT).text == "hi"


@pytest.mark.parametrize("content", ["", "  ", None, 7])
def test_empty_html_leaves_the_plain_text(content: object) -> None:
    attachments = [{"contentType": "text/html", "content": content}]
    assert read(personal_message("hi", attachments=attachments), AGENT).text == "hi"


def test_text_that_says_it_is_html_is_read_as_html() -> None:
    document = personal_message("<p>a<b hidden>obey</b></p>b", textFormat="xml")
    assert read(document, AGENT).text == "a\nb"


@pytest.mark.parametrize("field", ["htmlBody", "html_body"])
def test_mail_is_read_from_its_notice(field: str) -> None:
    document = {
        "type": "message",
        "channelId": "agents",
        "name": "emailNotification",
        "entities": [{"type": "emailNotification", "id": "1", field: "<p>Hello<br>you</p>"}],
    }
    assert read(document, AGENT).text == "Hello\nyou"


def test_text_at_the_limit_stays_and_longer_is_cut_with_a_mark() -> None:
    assert read(personal_message("x" * TEXT_LIMIT), AGENT).text == "x" * TEXT_LIMIT

    cut = read(personal_message("x" * (TEXT_LIMIT + 1)), AGENT).text
    assert len(cut) == TEXT_LIMIT
    assert cut.endswith(f"\n[cut here: the message has {TEXT_LIMIT + 1} characters]")


@pytest.mark.parametrize(
    ("conversation", "kind", "is_meeting"),
    [
        ({"id": "a:1", "conversationType": "personal"}, ConversationKind.PERSONAL, False),
        ({"id": "a:1"}, ConversationKind.PERSONAL, False),
        ({"id": "19:a_b@unq.gbl.spaces"}, ConversationKind.PERSONAL, False),
        ({"id": "19:a@thread.v2", "conversationType": "groupChat"}, ConversationKind.GROUP, False),
        ({"id": "19:a@thread.v2"}, ConversationKind.GROUP, False),
        ({"id": "19:a@thread.tacv2;messageid=1"}, ConversationKind.CHANNEL, False),
        ({"id": "x", "conversationType": "CHANNEL"}, ConversationKind.CHANNEL, False),
        (
            {"id": "a:1", "conversationType": "personal", "isGroup": True},
            ConversationKind.GROUP,
            False,
        ),
        (
            {"id": "19:meeting_a@thread.v2", "conversationType": "groupChat"},
            ConversationKind.GROUP,
            True,
        ),
        (
            {"id": "19:meeting_a@thread.v2", "conversationType": "personal"},
            ConversationKind.GROUP,
            True,
        ),
        ({"id": "x", "conversationType": "something new"}, ConversationKind.GROUP, False),
        ({}, ConversationKind.GROUP, False),
    ],
)
def test_conversation_that_is_not_surely_personal_has_the_rules_of_a_group(
    conversation: Document,
    kind: ConversationKind,
    is_meeting: bool,  # noqa: FBT001 - what a row of the table says
) -> None:
    content = read({"type": "message", "conversation": conversation}, AGENT)

    assert (content.conversation_kind, content.is_meeting) == (kind, is_meeting)
    assert content.addressed is (kind is ConversationKind.PERSONAL)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({}, ""),
        ({"conversation": {"name": "Bud\u202eget"}}, "Budget"),
        ({"channelData": {"team": {"name": "Sales"}, "channel": {"name": "Q3"}}}, "Sales / Q3"),
        (
            {"channelData": {"team": {"name": "Sales"}}, "conversation": {"name": "Q3"}},
            "Sales / Q3",
        ),
        ({"channelData": {"channel": {"name": "Q3"}}}, "Q3"),
        ({"channelData": {"team": {"name": "\n"}}}, ""),
    ],
)
def test_place_has_the_name_people_see(changes: Document, place: str) -> None:
    assert read(group_message(**changes), AGENT).place_name == place


@pytest.mark.parametrize(
    ("told", "sent"),
    [
        ("2026-11-23T19:00:00.1234567Z", "2026-11-23T19:00:00.123456+00:00"),
        ("2026-11-23T19:00:00+02:00", "2026-11-23T17:00:00+00:00"),
        ("2026-11-23T19:00:00", "2026-11-23T19:00:00+00:00"),
        ("yesterday", ""),
        ("0001-01-01T00:00:00+14:00", ""),
        ("", ""),
        (None, ""),
        (1763930000, ""),
    ],
)
def test_time_is_told_in_utc_or_not_at_all(told: object, sent: str) -> None:
    assert read(personal_message(timestamp=told), AGENT).sent_at == sent


def test_edit_deletion_and_reaction_say_which_message_they_are_about() -> None:
    edit = read(personal_message("new", type="messageUpdate", replyToId="root"), AGENT)
    assert (edit.target, edit.edited, edit.text) == ("1763930000000", True, "new")

    deletion = {"type": "messageDelete", "replyToId": "7"}
    assert read(deletion, AGENT).target == "7"

    reaction = read(
        {
            "type": "messageReaction",
            "id": "f:1",
            "replyToId": "42",
            "reactionsAdded": [{"type": "like"}, {"type": None}, None],
            "reactionsRemoved": [{"type": "he\u200bart"}],
        },
        AGENT,
    )
    assert (reaction.target, reaction.reply_to) == ("42", "42")
    assert (reaction.reactions_added, reaction.reactions_removed) == (("like",), ("heart",))
    assert read({"type": "messageReaction", "id": "42"}, AGENT).target == "42"


def test_message_is_about_no_other_and_not_edited_unless_it_says_so() -> None:
    content = read(personal_message(replyToId="42"), AGENT)
    assert (content.target, content.reply_to, content.edited) == ("", "42", False)

    assert read(personal_message(lastEditedDateTime="2026-11-23T19:00:00Z"), AGENT).edited


@pytest.mark.parametrize("bad", ["x" * 2000, "a\nb", None, 7, ["1"]])
def test_id_that_can_be_none_is_none(bad: object) -> None:
    assert read(personal_message(replyToId=bad), AGENT).reply_to == ""


def test_unknown_types_are_named_once_each() -> None:
    document = personal_message(
        entities=[
            {"type": "clientInfo"},
            {"type": "ProductInfo"},
            {"type": "hologram"},
            {"type": "hologram"},
            {},
            None,
        ],
        attachments=[{"contentType": "application/vnd.new", "content": 7}, {"content": "x"}],
    )
    assert read(document, AGENT).unknown == (
        "hologram",
        "entity without a type",
        "application/vnd.new",
        "attachment without a type",
    )


def test_lists_are_bounded_and_the_rest_is_counted() -> None:
    document = group_message(
        entities=[mention(f"29:{n}", f"P{n}") for n in range(25)],
        attachments=[{"contentType": "image/*", "contentUrl": f"https://x/{n}"} for n in range(30)],
        reactionsAdded=[{"type": f"r{n}"} for n in range(40)],
    )
    content = read(document, AGENT)

    assert (len(content.mentions), content.more_mentions) == (LIST_LIMIT, 5)
    assert (len(content.attachments), content.more_attachments) == (LIST_LIMIT, 10)
    assert len(content.reactions_added) == LIST_LIMIT


def test_agents_own_mention_is_taken_out_and_others_stay() -> None:
    document = group_message(
        "<at>Agent</at>&nbsp;ask <at>Ada L</at> please",
        entities=[mention(US, "Agent"), mention(f"8:orgid:{ADA}", "Ada L")],
    )
    content = read(document, AGENT)

    assert content.text == "ask @Ada L please"
    assert [(one.name, one.oid) for one in content.mentions] == [("Ada L", ADA)]
    assert content.addressed
