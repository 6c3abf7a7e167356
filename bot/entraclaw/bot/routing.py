"""Which session gets which conversation. Pure.

A conversation goes to one session at most. Who was attached to it by name comes first,
then the rules that name it or its person, then who was attached to all the rest, then
the other rules. docs/hosts.md shows it as a table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

ALL = ""  # in place of a conversation: everything that nobody else has


@dataclass(frozen=True, slots=True)
class Seat:
    """A session that is here, or may be back in a moment.

    Attributes:
        session: Its id.
        since: When it came, epoch seconds.
        project: The folder it works in, absolute; empty if its host does not say.
        by_rule: Whether rules may give it anything. Sub-agents and sessions that nobody
            sits at get only what they are attached to.
    """

    session: str
    since: float
    project: str = ""
    by_rule: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """Who gets what without being asked; what is empty fits all.

    Attributes:
        project: A folder: sessions that work in it or below.
        conversation: One conversation, by its one id.
        sponsor: One person's object id: the 1:1 with them.
    """

    project: str = ""
    conversation: str = ""
    sponsor: str = ""

    @property
    def is_named(self) -> bool:
        """Whether it says which conversations it is about."""
        return bool(self.conversation or self.sponsor)

    def fits(self, lane: str, person: str) -> bool:
        """Whether it is about the conversation *lane*, a 1:1 with *person* unless empty."""
        return self.conversation in {"", lane} and self.sponsor in {"", person}

    def takes(self, seat: Seat) -> bool:
        """Whether it gives to *seat*."""
        if not seat.by_rule:
            return False
        if not self.project:
            return True
        return bool(seat.project) and PurePath(seat.project).is_relative_to(self.project)


EVERYTHING = (Rule(),)  # the rules of who writes none: the first that comes gets all


@dataclass(frozen=True, slots=True)
class Routes:
    """All that decides it.

    Attributes:
        seats: Who is here, those that came first in front.
        attached: The session that was given a conversation, or `ALL`, by name. It counts
            while that session is here.
        rules: Tried in order.
    """

    seats: Sequence[Seat] = ()
    attached: Mapping[str, str] = field(default_factory=dict[str, str])
    rules: Sequence[Rule] = EVERYTHING

    def owner(self, lane: str, person: str = "") -> str:
        """Name the session that gets the conversation *lane*; empty if none does.

        Args:
            lane: The conversation's one id.
            person: Object id of the person in a 1:1; empty elsewhere.
        """
        given = self._here(self.attached.get(lane, ""))
        if given:
            return given
        fitting = [rule for rule in self.rules if rule.fits(lane, person)]
        for rule in fitting:
            if rule.is_named:
                return self._first(rule)  # it is the last word on what it names
        rest = self._here(self.attached.get(ALL, ""))
        if rest:
            return rest
        return next((found for rule in fitting if (found := self._first(rule))), "")

    def has_all(self, session: str) -> bool:
        """Whether *session* gets every conversation, whatever it is."""
        if any(rule.is_named for rule in self.rules):
            return False
        others = {self._here(one) for lane, one in self.attached.items() if lane != ALL}
        return not others - {"", session} and self.owner(ALL) == session

    def how(self, session: str) -> tuple[bool, Sequence[str]]:
        """Tell whether *session* gets what nobody else has, and what it was given by name."""
        named = [lane for lane, one in self.attached.items() if lane and one == session]
        rest = self._here(self.attached.get(ALL, ""))
        if rest:
            return rest == session, named
        takers = {self._first(rule) for rule in self.rules if not rule.is_named}
        return session in takers, named

    def _here(self, session: str) -> str:
        return session if any(seat.session == session for seat in self.seats) else ""

    def _first(self, rule: Rule) -> str:
        return next((seat.session for seat in self.seats if rule.takes(seat)), "")
