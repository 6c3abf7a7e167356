"""What an activity holds, once it is read: values, safe to show and bounded.

Everything in them is somebody else's words; nothing in them is an instruction.
`entraclaw.bot.reading` makes them.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an activity asks of us."""

    MESSAGE = "message"
    EDIT = "edit"
    UNDELETE = "undelete"
    DELETE = "delete"
    REACTION = "reaction"
    MEMBERSHIP = "membership"
    INSTALLATION = "installation"
    TYPING = "typing"
    INVOKE = "invoke"
    LIFECYCLE = "lifecycle"
    EMAIL = "email"
    COMMENT = "comment"
    OTHER = "other"


class ConversationKind(StrEnum):
    """Whose rules a conversation has, in the words of the platform."""

    PERSONAL = "personal"
    GROUP = "groupChat"
    CHANNEL = "channel"


class AttachmentKind(StrEnum):
    """What an attachment is to a person."""

    IMAGE = "image"
    FILE = "file"
    CARD = "card"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody mentioned, other than the agent.

    Attributes:
        name: As Teams shows it.
        oid: Entra object id, lower case; empty for teams, tags and whom Teams does not name so.
    """

    name: str
    oid: str


@dataclass(frozen=True, slots=True)
class Quote:
    """A message that was quoted in a reply. What is not told is empty.

    Attributes:
        message: Its id.
        name: Its author, as Teams shows it.
        oid: Entra object id of the author, lower case.
        text: Its beginning, as the sender's client tells it: nobody has checked it.
    """

    message: str
    name: str
    oid: str
    text: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """Something attached to a message; what is in it is fetched only when asked for.

    Attributes:
        id: Names it within its message, always the same: its number, from ``0``.
        name: Of the file, safe to show; may be empty.
        content_type: As Teams tells it, such as ``image/*`` or ``reference``.
        kind: What it is to a person.
        url: Where it is; empty when it is nowhere or the address is no https address.
        size: Bytes, where told.
    """

    id: str
    name: str
    content_type: str
    kind: AttachmentKind
    url: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Content:
    """An activity, read.

    Attributes:
        kind: What it asks of us.
        text: What a person would read, the mention of the agent taken out.
        addressed: It is said to the agent: in a personal chat, by a real mention, or in reply
            to a message of the agent. Never by the words alone.
        mentions: Everybody else who is mentioned.
        more_mentions: How many mentions were left out.
        quote: The message it replies to, where one is quoted.
        reply_to: Id of the message it hangs under; empty if none.
        attachments: What is attached, the text itself and quotes not counted.
        more_attachments: How many attachments were left out.
        edited: The text is not the first one.
        reactions_added: Such as ``like``.
        reactions_removed: Such as ``like``.
        target: Id of the message that an edit, deletion or reaction is about.
        conversation_kind: Whose rules the conversation has.
        is_meeting: It is the chat of a meeting, which has the rules of a group.
        place_name: Topic of the chat, or team and channel, as Teams shows them; may be empty.
        sent_at: ISO 8601 in UTC, as Teams dated it; empty when it did not.
        unknown: Types of entities and attachments that this version does not know.
    """

    kind: Kind
    text: str
    addressed: bool
    mentions: tuple[Mention, ...]
    more_mentions: int
    quote: Quote | None
    reply_to: str
    attachments: tuple[Attachment, ...]
    more_attachments: int
    edited: bool
    reactions_added: tuple[str, ...]
    reactions_removed: tuple[str, ...]
    target: str
    conversation_kind: ConversationKind
    is_meeting: bool
    place_name: str
    sent_at: str
    unknown: tuple[str, ...]
