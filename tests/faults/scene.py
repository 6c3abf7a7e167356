"""The parts of a run put together, and what every fault needs of them.

A fault talks, breaks something, and leaves; `heal` then brings back a daemon and a host
at work, `check` looks at what is new, and `settle`, now and then, waits until nothing is
open. State accumulates from cycle to cycle: nothing is ever cleaned away.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from random import Random

from faults.daemon import Daemon
from faults.hosts import Host, Manner
from faults.ledger import Ledger, Message, Wrong
from faults.library import Library
from faults.power import lose
from faults.rows import Rows
from faults.teams import Place, Teams

_CALM_S = 1.0  # what is not answered by then is answered beside later cycles
_READY_S = 15.0
_BY_SHIMS_S = 10.0
_TOLD_S = 10.0
_SETTLED_S = 120.0  # several leases, a restart's 30 s among them
_LOOK_S, _LOOK_AT_FILE_S = 0.01, 0.05
_COMES_BACK = 0.15


@dataclass(slots=True)
class Scene:
    """Everything a fault can reach."""

    library: Library
    teams: Teams
    daemon: Daemon
    ledger: Ledger
    rows: Rows
    environ: Mapping[str, str]
    can_fail_connector: bool
    hosts: list[Host] = field(default_factory=list[Host])
    misses: list[str] = field(default_factory=list[str])
    _left: str = ""  # the session that ended last
    _sessions: "count[int]" = field(default_factory=lambda: count(1))

    async def hire(self, manner: Manner, chance: Random, *, is_new: bool = True) -> Host:
        """Start a host of that manner; it is at work once it `is_ready`.

        Unless *is_new* it may take up the session that ended last, by its id.
        """
        name = f"h{next(self._sessions)}"
        comes_back = not is_new and self._left and chance.random() < _COMES_BACK
        session = self._left if comes_back else name
        host = Host(name, session, manner, self.ledger, Random(chance.random()))  # noqa: S311 - not a secret
        await host.start(self.environ)
        self.hosts.append(host)
        return host

    async def ready(self, host: Host) -> None:
        """Wait until *host* has shaken hands."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_READY_S):
                await host.is_ready.wait()
            return
        self.ledger.blame(Wrong.OTHER, f"no session for {host.session} in {_READY_S:.0f} s")

    async def talk(self, chance: Random, *, at_least: int = 1) -> list[Message]:
        """Let people write in several conversations at once, one to three messages in each."""
        where = self.teams.pick(chance, chance.randint(2, 4))
        plans = [(chance.choice((1, 1, 2, 3)), chance.random() < 0.5) for _ in where]

        async def lane(place: Place, length: int, *, through_channel: bool) -> list[Message]:
            return [
                await self.teams.say(place, through_channel=through_channel)
                for _ in range(max(length, at_least))
            ]

        lanes = [
            lane(place, length, through_channel=through)
            for place, (length, through) in zip(where, plans, strict=True)
        ]
        return [message for said in await asyncio.gather(*lanes) for message in said]

    async def calm(self, messages: Sequence[Message], patience_s: float = _CALM_S) -> bool:
        """Wait until *messages* are answered, as far as nothing older stands before them.

        Without a daemon, or without a host, nothing is waited for.
        """
        blocked = {
            message.conversation
            for message in self.ledger.open()
            if message.cycle != self.ledger.cycle
        }
        mine = [m for m in messages if m.is_plain and m.conversation not in blocked]

        def is_over() -> bool:
            can_be = self.daemon.is_up() and any(host.is_alive for host in self.hosts)
            return not can_be or all(m.is_closed or not m.is_kept for m in mine)

        await self.until(is_over, patience_s)
        return all(m.is_closed or not m.is_kept for m in mine)

    async def until(
        self, holds: Callable[[], bool], patience_s: float, look_s: float = _LOOK_S
    ) -> bool:
        """Wait until *holds*; False if it does not in time."""
        loop = asyncio.get_running_loop()
        end = loop.time() + patience_s
        # Hosts, the library's page and files change it: there is no one event to wait for.
        while not holds():
            if loop.time() > end:
                return False
            await asyncio.sleep(look_s)
        return True

    async def heal(self, chance: Random) -> None:
        """Bring back what a user would: a daemon that serves and one host at work."""
        self.library.disarm()
        for host in [host for host in self.hosts if not host.is_alive]:
            await self.dismiss(host)
        await self.serve()
        if not any(host.manner is not Manner.MUTE for host in self.hosts):
            manner = Manner.PUSH if chance.random() < 0.6 else Manner.POLL
            await self.ready(await self.hire(manner, chance, is_new=False))

    async def serve(self) -> None:
        """See to it that a daemon serves: a shim starts one, or we do."""
        if self.daemon.is_up():
            return
        if any(host.is_alive for host in self.hosts) and await self.daemon.up(_BY_SHIMS_S):
            return
        self.daemon.start()
        if not await self.daemon.up():
            self.ledger.blame(Wrong.OTHER, "the daemon does not start any more")
            raise RuntimeError("there is no daemon to go on with")

    async def dismiss(self, host: Host, how: Callable[[Host], None] = Host.leave) -> None:
        """End *host* and wait for that."""
        how(host)
        await host.gone()
        self.hosts.remove(host)
        self._left = host.session

    async def dismiss_all(self, how: Callable[[Host], None] = Host.leave) -> None:
        """End every host."""
        for host in self.hosts:
            how(host)
        for host in list(self.hosts):
            await self.dismiss(host, how)

    async def die_at_point(self, during: Awaitable[object], name: str) -> None:
        """Wait for the daemon's death at the armed point, while *during* goes on.

        A point that is not passed is noted, and the daemon killed where it is.
        """
        work = asyncio.ensure_future(during)
        await self.until(lambda: self.library.has_fired or work.done(), _READY_S)
        if not self.library.has_fired:
            await self.until(lambda: self.library.has_fired, _CALM_S)
        if not self.library.disarm():
            self.misses.append(name)
        await self.daemon.kill()
        await work

    async def lose_power(self, chance: Random, keep: float) -> None:
        """Take the power from everything, and from the disk what it had not been told to keep."""
        self.library.cut_power()
        self.daemon.signal(signal.SIGKILL)
        await self.dismiss_all(Host.kill_shim)
        await self.daemon.gone(_READY_S)
        await self.daemon.alone(lambda: self._take_back(chance, keep))
        self.library.restore_power()
        await self.heal(chance)
        self.check_kept()

    def _take_back(self, chance: Random, keep: float) -> None:
        lose(self.library, self.daemon.folder, chance, keep)

    async def check(self) -> None:
        """Look at what is new in the inbox and at the connector."""
        confirmed = self.ledger.take_confirmed()
        await self.teams.listen()
        self.ledger.check_confirmed(confirmed)
        self._look()
        self.ledger.check_order()
        if self.ledger.unseen():
            self.check_kept()
        await self._check_told()

    def _look(self) -> None:
        still_open = [message.seq for message in self.ledger.open()]
        self.ledger.rows(self.rows.news(still_open))

    async def _check_told(self) -> None:
        """Hold the daemon to telling its hosts of what waits: a healthy one is attached."""
        for word in await self._remaining(self.ledger.untold, _TOLD_S):
            about = f"waits, and no host was told: {self.ledger.messages[word]}"
            self.ledger.blame(Wrong.OTHER, about)
        living = {host.session for host in self.hosts if host.is_alive}
        self.ledger.delayed |= await self._remaining(lambda: self.ledger.stalled(living), _CALM_S)

    async def _remaining(self, find: Callable[[], set[str]], patience_s: float) -> set[str]:
        """Give what *find* gives now, and still does after so long."""
        found = find()

        def is_over() -> bool:
            nonlocal found
            self._look()
            found &= find()
            return not found

        if found:
            await self.until(is_over, patience_s, _LOOK_AT_FILE_S)
        return found

    def check_kept(self) -> None:
        """Look for every message that was answered 202."""
        self.ledger.check_kept(self.rows.states())

    async def settle(self, chance: Random, *, hurry: bool) -> None:
        """Wait until nothing is open: fresh hosts, no faults.

        Args:
            chance: For the hosts.
            hurry: Let sessions that are gone come back for a moment, so that their leases
                end 3 s later and not 30 s after the last start.
        """
        await self.dismiss_all()
        await self.serve()
        hosts = [await self.hire(Manner.POLL, chance) for _ in range(2)]
        for host in hosts:
            await self.ready(host)
        if hurry:
            await self._revisit(chance)
        # What stays open is found below.
        await self.until(lambda: not self.rows.count_open(), _SETTLED_S, _LOOK_AT_FILE_S)
        await self.check()
        self.check_kept()
        self.ledger.check_settled()
        await self.dismiss(hosts[1])

    async def _revisit(self, chance: Random) -> None:
        here = {host.session for host in self.hosts}
        away = set(self.rows.lease_holders()) - here
        await asyncio.gather(*(self._visit(session, chance) for session in away))

    async def _visit(self, session: str, chance: Random) -> None:
        guest = Host(session, session, Manner.MUTE, self.ledger, chance)
        await guest.start(self.environ)
        await self.ready(guest)
        guest.leave()
        await guest.gone()
