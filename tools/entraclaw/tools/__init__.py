"""What the agent can do at Microsoft, one module per area, through one authorised client.

Knows nothing of how a message came in, or of MCP.
"""

from entraclaw.tools.account import Licence, Own, licences_of, mailbox, own
from entraclaw.tools.attachment_routes import Places, places_of
from entraclaw.tools.attachments import Fetched, Source, Wanted, fetch
from entraclaw.tools.chats import Chat, ChatMessage, Member, chats, latest, messages, post, roster
from entraclaw.tools.graph import Graph
from entraclaw.tools.licences import Licences
from entraclaw.tools.marks import Mark, is_marked, marked
from entraclaw.tools.people import Person, me, person, sponsors

__all__ = [
    "Chat",
    "ChatMessage",
    "Fetched",
    "Graph",
    "Licence",
    "Licences",
    "Mark",
    "Member",
    "Own",
    "Person",
    "Places",
    "Source",
    "Wanted",
    "chats",
    "fetch",
    "is_marked",
    "latest",
    "licences_of",
    "mailbox",
    "marked",
    "me",
    "messages",
    "own",
    "person",
    "places_of",
    "post",
    "roster",
    "sponsors",
]
