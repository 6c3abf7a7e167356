"""What waits for which session."""

from collections import Counter
from collections.abc import Mapping

from entraclaw.bot.inbox import Inbox, Mine
from entraclaw.bot.lifecycle import rings
from entraclaw.bot.seats import Seats


class Due:
    """Counts, each from one look at the inbox."""

    def __init__(self, inbox: Inbox, seats: Seats) -> None:
        """Count what is in *inbox* as *seats* say whose it is."""
        self._inbox, self._seats = inbox, seats

    def mine(self, session: str) -> Mine:
        """Tell whose a conversation is when asked: what was given away meanwhile is not taken."""
        return lambda lane, person: self._seats.owner(lane, person) == session

    async def by_session(self) -> Mapping[str, int]:
        """Count what each session is to be rung for: what it can be handed now."""
        owed = await self._inbox.owed()
        due = Counter(owed.amending)
        for queue in owed.queues:
            if rings(queue.attempt) and not queue.is_held:
                due[self._seats.owner(queue.lane, queue.person)] += queue.waiting
        return {session: number for session, number in due.items() if session and number}

    async def waiting(self, session: str) -> int:
        """Count the turns that wait for *session*, those behind its own open ones too."""
        if self._seats.routes.has_all(session):
            return await self._inbox.waiting()
        mine = self.mine(session)
        queues = (await self._inbox.owed()).queues
        return sum(queue.waiting for queue in queues if mine(queue.lane, queue.person))
