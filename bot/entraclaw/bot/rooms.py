"""What deciding about an activity needs, and what is known of one while it is decided."""

from collections.abc import Callable
from dataclasses import dataclass

from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.activity import Json
from entraclaw.bot.content import Content
from entraclaw.bot.desk import Desk
from entraclaw.bot.directory import Directory
from entraclaw.bot.inbox import Entry, Inbox
from entraclaw.bot.lifecycle_events import Lifecycle
from entraclaw.bot.notices import Notices
from entraclaw.bot.outbox import Outbox
from entraclaw.bot.pipeline import Pipeline
from entraclaw.bot.places import Place, Places
from entraclaw.bot.proving import Proving
from entraclaw.bot.speaker import Speaker
from entraclaw.bot.sponsors import Sponsors
from entraclaw.identity import AgentIds


@dataclass(frozen=True, slots=True)
class Rooms:
    """What deciding needs.

    Attributes:
        agent: Who we are.
        inbox: Where the entries are.
        outbox: What was sent.
        places: The conversations.
        desk: Where turns are opened.
        pipeline: The Agents SDK.
        sponsors: Who they are.
        directory: Whose tenant somebody is of.
        access: The list kept on this machine.
        proving: What waits for a sponsor's proof.
        notices: The daemon's own lines.
        lifecycle: What the directory says about our agent.
        now: Epoch seconds.
        marks: Whether we speak as a person somewhere, and mark that.
    """

    agent: AgentIds
    inbox: Inbox
    outbox: Outbox
    places: Places
    desk: Desk
    pipeline: Pipeline
    sponsors: Sponsors
    directory: Directory
    access: AccessFile
    proving: Proving
    notices: Notices
    lifecycle: Lifecycle
    now: Callable[[], float]
    marks: bool


@dataclass(frozen=True, slots=True)
class Said:
    """One activity of a person, with all that is known about it."""

    entry: Entry
    document: Json
    content: Content
    speaker: Speaker
    place: Place
