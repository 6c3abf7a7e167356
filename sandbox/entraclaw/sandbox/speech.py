"""What people do in Teams: they say, change, take back and react.

Each act is written as the activity the agent is told, and put into the
transcript, where everybody in the conversation sees it at once, whether the
agent is told or not.
"""

import uuid
from dataclasses import dataclass, replace

from entraclaw.sandbox.activities import (
    Quotation,
    Stamp,
    Utterance,
    deletion,
    edit,
    message,
    reaction,
)
from entraclaw.sandbox.agent import Agent
from entraclaw.sandbox.conversations import Conversation, Conversations, Kind, thread_of
from entraclaw.sandbox.directory import Directory, Person
from entraclaw.sandbox.documents import DocumentError, Json
from entraclaw.sandbox.messages import Message, Messages
from entraclaw.sandbox.passes import Passes
from entraclaw.sandbox.transcript import Act, Author, Line, Transcript


@dataclass(frozen=True, slots=True)
class Deed:
    """One act on an earlier message: what was recorded of it, and what the agent is told."""

    said: Utterance
    activity: Json


class Speech:
    """Turns what people do into activities and into lines of the transcript."""

    def __init__(
        self,
        *,
        directory: Directory,
        conversations: Conversations,
        transcript: Transcript,
        messages: Messages,
        passes: Passes,
    ) -> None:
        self._directory, self._conversations = directory, conversations
        self._transcript, self._messages, self._passes = transcript, messages, passes

    def hear(self, person: Person, agent: Agent, kind: Kind = Kind.PERSONAL) -> Conversation:
        """The conversation in which *person* speaks to *agent*."""
        return self._conversations.between(person, agent, kind)

    def thread(self, conversation: Conversation, name: str) -> str:
        """The thread of *conversation* that the message *name* began.

        Raises:
            DocumentError: It began none there.
        """
        first = self._transcript.find(name)
        if first is None or first.conversation != conversation.address(name):
            raise DocumentError("there is no such thread in this conversation")
        return name

    def quotation(self, conversation: Conversation, name: str) -> Quotation:
        """The message *name* of *conversation*, to be quoted.

        Raises:
            DocumentError: It is not there.
        """
        found = self._messages.find(conversation.id, name)
        if found is None or found.is_event:
            raise DocumentError("there is no such message in this conversation")
        author = found.line.author
        return Quotation(name, author.oid, author.name, found.line.text)

    def write(self, said: Utterance, *, sent_at: float | None = None) -> Json:
        """Write the activity for *said*, with an id of its own; nothing is sent.

        *sent_at* is a time (seconds since 1970) for it to claim instead of now.
        """
        name = self._transcript.stamp() if sent_at is None else str(int(sent_at * 1000))
        return message(said, self._stamp(said.agent, name, name))

    def record(
        self,
        said: Utterance,
        activity: Json,
        *,
        application: str | None = None,
        sent_at: float | None = None,
    ) -> None:
        """Put a person's message, or what Teams says of people, into the transcript."""
        shown: object = activity.get("text")
        told: object = activity.get("id")
        name = told if isinstance(told, str) else self._transcript.stamp()
        is_message = activity.get("type") == "message"
        quote = said.quotation.id if said.quotation else None
        line = Line(
            conversation=said.address(name),
            id=name,
            act=Act.MESSAGE if is_message else Act.EVENT,
            author=Author(said.person.oid, said.person.name),
            text=shown if isinstance(shown, str) and is_message else "",
            reply_to=quote,
            addressed=said.mention or said.conversation.kind is Kind.PERSONAL,
            html=said.html,
            quote=quote,
            holdings=said.holdings,
            application=application,
            sent_at=sent_at,
        )
        self._transcript.append(line)

    def edit(self, person: Person, name: str, text: str, html: str | None) -> Deed:
        """Let *person* change the words of a message of theirs.

        Raises:
            DocumentError: There is no such message of theirs.
        """
        old, agent, place = self._own(person, name)
        mention = f"<at>{agent.name}</at>" in old.line.text
        said = replace(_again(old, person, agent, place), text=text, mention=mention, html=html)
        activity = edit(said, self._restamp(agent, name), event="editMessage")
        line = replace(old.line, act=Act.UPDATE, text=activity["text"], html=html)
        self._transcript.append(line)
        return Deed(said, activity)

    def restore(self, person: Person, name: str) -> Deed:
        """Let *person* bring back a message of theirs that they had deleted."""
        old, agent, place = self._own(person, name)
        if old.deleted is None:
            raise DocumentError("the message is not deleted")
        said = replace(_again(old, person, agent, place), html=old.line.html)
        activity = edit(said, self._restamp(agent, name), event="undeleteMessage")
        self._transcript.append(replace(old.line, act=Act.UPDATE))
        return Deed(said, activity)

    def delete(self, person: Person, name: str) -> Deed:
        """Let *person* take a message of theirs back."""
        old, agent, place = self._own(person, name)
        said = _again(old, person, agent, place)
        self._transcript.append(Line(old.line.conversation, name, Act.DELETE, old.line.author))
        return Deed(said, deletion(said, self._restamp(agent, name)))

    def react(
        self, person: Person, name: str, added: tuple[str, ...], removed: tuple[str, ...]
    ) -> Deed:
        """Let *person* say what they think of anybody's message."""
        old, agent, place = self._known(name)
        if person.oid not in place.members:
            raise DocumentError("the person is not in this conversation")
        said = _again(old, person, agent, place)
        author = Author(person.oid, person.name)
        for act, kinds in ((Act.REACTION, added), (Act.UNREACTION, removed)):
            for kind in kinds:
                line = Line(old.line.conversation, name, act, author, kind, reply_to=name)
                self._transcript.append(line)
        stamp = replace(self._restamp(agent, name), id=f"f:{uuid.uuid4()}")
        return Deed(said, reaction(said, stamp, added=added, removed=removed))

    def _own(self, person: Person, name: str) -> tuple[Message, Agent, Conversation]:
        known = self._known(name)
        if known[0].line.author.oid != person.oid:
            raise DocumentError("the message is somebody else's")
        return known

    def _known(self, name: str) -> tuple[Message, Agent, Conversation]:
        line = self._transcript.find(name)
        place = self._conversations.find(line.conversation) if line else None
        agent = self._directory.agent(place.agent) if place else None
        found = self._messages.find(place.id, name) if place else None
        if found is None or agent is None or place is None:
            raise DocumentError("there is no such message")
        return found, agent, place

    def _restamp(self, agent: Agent, name: str) -> Stamp:
        # An act on an earlier message has that message's id, and a time of its own.
        at = int(self._transcript.stamp()) / 1000
        return replace(self._stamp(agent, name, name), at=at)

    def _stamp(self, agent: Agent, made: str, name: str) -> Stamp:
        at = int(name) / 1000 if name.isdecimal() else 0.0
        return Stamp(made, name, at, self._passes.service_url(agent.tenant))


def _again(old: Message, person: Person, agent: Agent, place: Conversation) -> Utterance:
    line, at = old.line, f"<at>{agent.name}</at> "
    return Utterance(
        person=person,
        agent=agent,
        conversation=place,
        text=line.text.removeprefix(at),
        mention=line.text.startswith(at),
        thread=thread_of(line.conversation),
        holdings=line.holdings,
    )
