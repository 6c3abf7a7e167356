"""Hold what was sent, handed over and answered against what was promised.

No process, socket or file: facts go in, `Offence`s come out. A message is known by the
word in its text (`m17`), which every host repeats in its answer, so that a fact about a
turn is a fact about the messages in it.

    lost       answered 202, and in no state that keeps it or says why not
    doubled    two final answers to one message, one part of a turn sent twice, or two rows
    reordered  first hand-overs of one conversation out of the order of admission
    other      done without a hand-over; an answer that was confirmed and is nowhere;
               still open at the end; whatever else a fault expects and does not find

Told, and no offence: `stalled` messages, which a living session leases and was never given,
because the answer to its `read_messages` was cut off. They wait for the end of a lease.
"""

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

OPEN = frozenset({"admitted", "waiting", "leased"})
FINAL = frozenset({"done", "dead", "dropped", "superseded", "ambiguous"})

_SHOWN = 3  # of many messages with one trouble

_ANSWER = re.compile(
    r"re (?P<words>m\d+(?:\+m\d+)*) turn (?P<turn>\S+) part (?P<part>\w+) by (?P<by>\S+)"
)


class Wrong(StrEnum):
    """What was not kept."""

    LOST = "lost"
    DOUBLED = "doubled"
    REORDERED = "reordered"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Cycle:
    """One round of the harness: its number, counted from 1, and the fault it raised."""

    number: int
    fault: str

    def __str__(self) -> str:
        return f"cycle {self.number} ({self.fault})"


@dataclass(frozen=True, slots=True)
class Offence:
    """A broken promise: what, about which ids, and when it was found."""

    wrong: Wrong
    about: str
    found: Cycle

    def __str__(self) -> str:
        return f"{self.wrong}: {self.about}; found in {self.found}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the inbox, as far as it matters here."""

    seq: int
    conversation: str
    activity: str
    state: str
    session: str = ""
    attempt: int = 0


@dataclass(slots=True)
class Message:
    """One message of a person, and what has become of it.

    Attributes:
        word: What names it in every text.
        conversation: The connector's id.
        activity: The activity's id.
        cycle: When it was sent.
        is_plain: It can be read, and its sender may speak: it must reach a host.
        is_kept: It was answered 202.
        is_closed: A host closed its turn, as that host was told.
        seq: Its row; 0 before one was seen.
        state: Of its row, as last seen; empty before that.
        session: Who leases it, as last seen.
        attempt: How often its row was handed over, as last seen.
        handed: How often a host got it.
        answers: The cycles in which a final answer came to the connector: the first tells
            what broke off, if there are more.
    """

    word: str
    conversation: str
    activity: str
    cycle: Cycle
    is_plain: bool = True
    is_kept: bool = False
    is_closed: bool = False
    seq: int = 0
    state: str = ""
    session: str = ""
    attempt: int = 0
    handed: int = 0
    answers: list[Cycle] = field(default_factory=list[Cycle])

    def __str__(self) -> str:
        row = f"row {self.seq} {self.state}" if self.seq else "no row"
        return f"{self.word} (activity {self.activity}, {row}, sent in {self.cycle})"


@dataclass(frozen=True, slots=True)
class _HandOver:
    message: Message
    is_first: bool  # of this message, and not a repeated one


def answer_text(words: Iterable[str], turn: str, part: str, by: str) -> str:
    """Write an answer that the ledger can read again."""
    return f"re {'+'.join(words)} turn {turn} part {part} by {by}"


@dataclass(slots=True)
class Ledger:
    """Everything that happened so far; `cycle` is the one under way."""

    cycle: Cycle = Cycle(0, "none")
    messages: dict[str, Message] = field(default_factory=dict[str, Message])
    offences: list[Offence] = field(default_factory=list[Offence])
    delayed: set[str] = field(default_factory=set[str])  # were stalled once
    _by_id: dict[tuple[str, str], Message] = field(default_factory=dict[tuple[str, str], Message])
    _parts: dict[tuple[str, str, str], Cycle] = field(
        default_factory=dict[tuple[str, str, str], Cycle]
    )
    _handed: list[_HandOver] = field(default_factory=list[_HandOver])
    _latest: dict[str, Message] = field(default_factory=dict[str, Message])
    _confirmed: list[str] = field(default_factory=list[str])
    _arrived: set[str] = field(default_factory=set[str])

    def blame(self, wrong: Wrong, about: str) -> None:
        """Note an offence found in this cycle."""
        self.offences.append(Offence(wrong, about, self.cycle))

    def sent(self, message: Message) -> None:
        """Note a message before it is known how it was taken."""
        self.messages[message.word] = message
        self.named(message, message.activity)

    def named(self, message: Message, activity: str) -> None:
        """Note the id of the activity that carries a message; empty while it is not known."""
        message.activity = activity
        if activity:
            self._by_id[message.conversation, activity] = message

    def handed(self, word: str, attempt: int) -> None:
        """Note that a host was given a message."""
        message = self.messages.get(word)
        if message is not None:
            message.handed += 1
            self._handed.append(_HandOver(message, message.handed == 1 and attempt == 1))

    def closed(self, words: Iterable[str]) -> None:
        """Note that a host was told that the turn of these messages is closed."""
        for word in words:
            if word in self.messages:
                self.messages[word].is_closed = True

    def confirmed(self, activity: str) -> None:
        """Note that a host was told that its answer is the message *activity*."""
        self._confirmed.append(activity)

    def arrived(self, activity: str, text: str) -> None:
        """Note an answer at the connector."""
        self._arrived.add(activity)
        answer = _ANSWER.fullmatch(text.strip())
        if answer is None:
            return  # the daemon's own words, not a host's
        messages = [self.messages[word] for word in answer["words"].split("+")]
        part = (answer["turn"], answer["part"], answer["by"])
        if part in self._parts:
            what = f"part {part[1]} of turn {part[0]} by {part[2]}, first in {self._parts[part]}"
            self.blame(Wrong.DOUBLED, f"{what}, is there again as {activity}: {messages[0]}")
        else:
            self._parts[part] = self.cycle
            if answer["part"] == "final":
                self._final(messages, activity)

    def _final(self, messages: Iterable[Message], activity: str) -> None:
        for message in messages:
            if message.answers:
                first = f"first answered in {message.answers[0]}"
                self.blame(Wrong.DOUBLED, f"{message}, {first}, and again with {activity}")
            message.answers.append(self.cycle)

    def rows(self, rows: Iterable[Row]) -> None:
        """Note how rows of the inbox stand now."""
        for row in rows:
            message = self._by_id.get((row.conversation, row.activity))
            if message is not None:
                if message.seq not in {0, row.seq}:
                    self.blame(Wrong.DOUBLED, f"{message} has a second row, {row.seq}")
                message.seq, message.state = row.seq, row.state
                message.session, message.attempt = row.session, row.attempt

    def check_order(self) -> None:
        """Hold the hand-overs since the last check against the rows, which are known now."""
        known = [hand_over for hand_over in self._handed if hand_over.message.seq]
        self._handed = [hand_over for hand_over in self._handed if not hand_over.message.seq]
        for hand_over in known:
            message = hand_over.message
            if message.state in FINAL and not message.attempt:
                continue  # handed over by the chat's other name; this row only came later
            latest = self._latest.setdefault(message.conversation, message)
            if hand_over.is_first and message.seq < latest.seq:
                self.blame(Wrong.REORDERED, f"{message} was handed over after {latest}")
            if message.seq > latest.seq:
                self._latest[message.conversation] = message

    def take_confirmed(self) -> list[str]:
        """Give the answers confirmed since the last call, to look for them at the connector."""
        taken = list(self._confirmed)
        self._confirmed.clear()
        return taken

    def check_confirmed(self, taken: Iterable[str]) -> None:
        """Hold what hosts were told was sent against what is at the connector."""
        for activity in taken:
            if activity not in self._arrived:
                self.blame(Wrong.OTHER, f"answer {activity} was confirmed and never arrived")

    def untold(self) -> set[str]:
        """Name the messages that no host ever had, with nothing before them in the way."""
        heads: dict[str, Message] = {}
        for message in self.open():
            head = heads.setdefault(message.conversation, message)
            if message.seq < head.seq:
                heads[message.conversation] = message
        return {head.word for head in heads.values() if head.state == "waiting" and not head.handed}

    def check_kept(self, present: Mapping[tuple[str, str], str]) -> None:
        """Find kept messages that are lost, given the state of every row there is.

        A row that was final may have been cleared away since; an open one may not.
        """
        for message in self.messages.values():
            state = present.get((message.conversation, message.activity))
            gone = state is None and message.state not in FINAL
            if message.is_kept and (gone or state not in OPEN | FINAL | {None}):
                self.blame(Wrong.LOST, str(message))
                message.is_kept = False  # once is enough
            elif message.is_kept and message.is_plain and state == "done" and not message.handed:
                self.blame(Wrong.OTHER, f"done, and no host ever had it: {message}")
                message.is_plain = False

    def check_settled(self) -> None:
        """Find what is still open when nothing stands in its way; `admitted` keeps nobody.

        Only of what was answered 202: the row of anything else may go with the power.
        """
        left = [message for message in self.open() if message.is_kept]
        for message in left:
            if message.state == "admitted":
                self.blame(Wrong.LOST, f"still only admitted: {message}")
        rest = [str(message) for message in left if message.state != "admitted"]
        if rest:
            shown = "; ".join(rest[:_SHOWN])
            self.blame(Wrong.OTHER, f"still open, {len(rest)} messages: {shown}")

    def open(self) -> list[Message]:
        """List the messages whose rows are open, as last seen."""
        return [message for message in self.messages.values() if message.state in OPEN]

    def unseen(self) -> list[Message]:
        """List the kept messages whose rows were never seen."""
        return [
            message for message in self.messages.values() if message.is_kept and not message.seq
        ]

    def stalled(self, sessions: Container[str]) -> set[str]:
        """Name the messages that one of *sessions* leases and never got: they wait for its end."""
        return {
            message.word
            for message in self.open()
            if message.state == "leased" and message.session in sessions and not message.handed
        }

    def count(self, wrong: Wrong) -> int:
        """Count the offences of one kind."""
        return sum(offence.wrong is wrong for offence in self.offences)

    def state_counts(self) -> Counter[str]:
        """Count the messages by the state of their row."""
        return Counter(message.state for message in self.messages.values() if message.seq)

    def answered(self) -> int:
        """Count the messages that have an answer at the connector."""
        return sum(bool(message.answers) for message in self.messages.values())
