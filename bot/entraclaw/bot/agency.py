"""Everything that needs an agent, put together in one place and taken apart in order.

Tokens, Graph, the Agents SDK, the gate, the way in and the way out. Nothing else builds
these objects; what listens is started by the daemon, last.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

import aiohttp

from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.acquaintance import in_graph, on_roster, sponsors_of, trouble
from entraclaw.bot.acting import Acting
from entraclaw.bot.admission import Door
from entraclaw.bot.alarm import Alarm, Way
from entraclaw.bot.attaching import Attaching
from entraclaw.bot.background import ended, in_turn
from entraclaw.bot.catalogue import Catalogue
from entraclaw.bot.catchup import CatchUp
from entraclaw.bot.clock import Steady
from entraclaw.bot.connector import Line
from entraclaw.bot.controls import Controls
from entraclaw.bot.delegating import OneSponsor
from entraclaw.bot.desk import Desk
from entraclaw.bot.directory import Directory
from entraclaw.bot.fetching import Fetching
from entraclaw.bot.happenings import Happenings
from entraclaw.bot.inbound import keys_of, rules_of
from entraclaw.bot.inbox import Arrival, Entry
from entraclaw.bot.invoking import Invoking
from entraclaw.bot.keystores import ProfileKey
from entraclaw.bot.lanes import Lanes
from entraclaw.bot.lifecycle_events import Lifecycle
from entraclaw.bot.notices import Notice, Notices
from entraclaw.bot.pace import Pace
from entraclaw.bot.pipeline import Pipeline
from entraclaw.bot.places import Place
from entraclaw.bot.principal import ActsAs
from entraclaw.bot.profile_lock import ProfileLock
from entraclaw.bot.proof_rooms import proving_of
from entraclaw.bot.proving import Proving
from entraclaw.bot.quiet import Quiet
from entraclaw.bot.reading_tools import fetch_attachment
from entraclaw.bot.reception import Reception
from entraclaw.bot.rooms import Rooms
from entraclaw.bot.seats import Seats
from entraclaw.bot.sessions import Sessions
from entraclaw.bot.settings import Settings
from entraclaw.bot.sponsors import Sponsors
from entraclaw.bot.store import Store
from entraclaw.bot.trust import trust
from entraclaw.bot.way_out import WayOut
from entraclaw.bot.webhook import Webhook
from entraclaw.bot.whoami import WhoAmI
from entraclaw.identity import AgentIds, HopTiming
from entraclaw.identity.proxy import proxy_of
from entraclaw.identity.retrying import Trouble
from entraclaw.tools import Graph, Licences, Source, me, places_of

_HOPS_KEPT = 12
_log = logging.getLogger(__name__)


class Agency:
    """One agent's rooms; make it with `Agency.opened`."""

    def __init__(
        self,
        settings: Settings,
        agent: AgentIds,
        store: Store,
        sessions: Sessions,
        session: aiohttp.ClientSession,
        *,
        pace: Pace,
    ) -> None:
        """Connect the rooms; nothing runs yet."""
        cloud = settings.cloud
        self._agent, self._store, self.key = agent, store, ProfileKey(settings)
        self.hops: deque[HopTiming] = deque(maxlen=_HOPS_KEPT)
        self.acting = Acting(settings, agent, self.key, self.hops.append, self._in_trouble)
        answers = self.acting.answers
        self._graph, self.licences = self._at_graph(settings, session)
        self._line = Line(
            session, answers.token, cloud.service_hosts, pace, answers.refused, answers.who
        )
        self.happenings = Happenings(time.time, store.watch)
        self.lock = ProfileLock(settings.folder)
        self.access = AccessFile(settings.folder)
        self.pipeline = Pipeline(self._line)
        self._alarm, self._sponsors, self.proving = self._people(settings)
        self.lifecycle = Lifecycle(agent, self.lock, self._sponsors.forget)
        self._notices = notices = Notices(
            store.outbox, self.pipeline.send, self.lock, has_sponsors=self.acting.has_graph
        )
        self.desk = self._desk(settings, sessions)
        self.attaching = Attaching(
            self.desk,
            sessions,
            places=store.places,
            inbox=store.inbox,
            tell=lambda entry, project: notices.tell(entry, Notice.ATTACHED, project),
        )
        self._out = WayOut(
            agent, store, self._line, self.pipeline, self._graph, self.lock, self.desk, pace
        )
        self.answers = self._out.answers
        reception = Reception(self._rooms(notices))
        quiet = Quiet()
        self._lanes = Lanes(store.inbox, reception.handle, quiet)
        self._invoking = Invoking(store.inbox, reception.invoke)
        door = Door(agent, cloud.service_hosts)
        self._catch_up = CatchUp(
            self._graph, store.inbox, store.places, door, now=time.time, arrived=self._arrived
        )
        self.fetching = self._fetching(settings, session)
        self.catalogue = Catalogue([fetch_attachment(self.fetching)])
        self.controls = Controls(
            store.inbox,
            store.outbox,
            self._out.sending,
            self._catch_up,
            self.lock,
            self._lanes.put,
            self.desk.announce,
        )
        self._keys = keys_of(settings, agent, session)
        self.webhook = self._webhook(settings, door, quiet)

    def _at_graph(
        self, settings: Settings, session: aiohttp.ClientSession
    ) -> tuple[Graph, Licences]:
        cloud, permit = settings.cloud, self.acting.graph
        licences = Licences(cloud.graph_scope, time.time, self._in_trouble)
        mark = self.acting.marking(self._store.places)
        graph = Graph(
            session, cloud.graph, permit.token, permit.refused, mark=mark, licences=licences
        )
        return graph, licences

    def _people(self, settings: Settings) -> tuple[Alarm, Sponsors, Proving]:
        alarm = Alarm(self._store.outbox, self._store.places, self._ways)
        if self.acting.signed_in is not None:
            people: Sponsors = OneSponsor(self.acting.signed_in, time.monotonic, alarm.learn)
        else:
            ask = partial(sponsors_of, self._graph, self._agent.user)
            people = Sponsors(ask, time.monotonic, alarm.learn)
        proving = proving_of(settings, self.access, alarm, people, self.lock, self._graph)
        return alarm, people, proving

    def _ways(self, to: Place) -> Sequence[Way]:
        return self._out.sending.ways(to)

    def _in_trouble(self, trouble: Trouble) -> None:
        self._alarm.ring(trouble)

    def _desk(self, settings: Settings, sessions: Sessions) -> Desk:
        store = self._store
        return Desk(
            store.inbox,
            store.places,
            sessions,
            Seats(store.seats, time.time, settings.attach),
            now=Steady(time.time, time.monotonic),
            died=partial(self._notices.tell, notice=Notice.DEAD),
            lock=self.lock,
        )

    def _webhook(self, settings: Settings, door: Door, quiet: Quiet) -> Webhook:
        return Webhook(
            door=door,
            rules=rules_of(settings, self._agent),
            keys=self._keys,
            inbox=self._store.inbox,
            arrived=self._arrived,
            invoked=self._invoking.take,
            now=time.time,
            quiet=quiet,
        )

    def _fetching(self, settings: Settings, session: aiohttp.ClientSession) -> Fetching:
        places = places_of(settings.cloud, settings.cloud.file_hosts)
        source = Source(
            session,
            places,
            self._line.token,
            self.acting.graph.token,
            refused=self.acting.refused,
        )
        return Fetching(self._store.inbox, self.desk.use, source, self._agent, settings.folder)

    def _rooms(self, notices: Notices) -> Rooms:
        home = self._agent.tenant
        # Whoever signed in may not know everybody who writes to the bot; its roster does.
        ask = in_graph(self._graph) if self._agent.user else on_roster(self._line, home)
        return Rooms(
            agent=self._agent,
            inbox=self._store.inbox,
            outbox=self._store.outbox,
            places=self._store.places,
            desk=self.desk,
            pipeline=self.pipeline,
            sponsors=self._sponsors,
            directory=Directory(ask, home, time.monotonic),
            access=self.access,
            proving=self.proving,
            notices=notices,
            lifecycle=self.lifecycle,
            now=time.time,
            marks=self.acting.signed_in is not None,
        )

    @classmethod
    async def opened(
        cls,
        stack: AsyncExitStack,
        settings: Settings,
        agent: AgentIds,
        store: Store,
        sessions: Sessions,
        *,
        pace: Pace,
    ) -> "Agency":
        """Make the rooms and take up what an earlier daemon left; *stack* ends them in order."""
        connector = aiohttp.TCPConnector(ssl=trust(settings.cloud.tls_ca))
        proxy = proxy_of(settings.cloud.login)
        session = aiohttp.ClientSession(connector=connector, proxy=proxy)
        stack.push_async_callback(session.close)
        agency = cls(settings, agent, store, sessions, session, pace=pace)
        stack.push_async_callback(agency._keys.close)
        stack.push_async_callback(agency.acting.close)
        stack.push_async_callback(agency._out.settling.close)
        stack.push_async_callback(agency.answers.close)
        stack.callback(agency.desk.close)
        stack.push_async_callback(agency._notices.close)
        stack.push_async_callback(agency._alarm.close)
        stack.push_async_callback(agency.proving.close)
        stack.push_async_callback(agency._lanes.close)
        stack.push_async_callback(agency._invoking.close)
        if await store.outbox.forget_intents():
            _log.warning("answers of an earlier daemon have no outcome; they are looked for")
        await agency.desk.resume()
        await agency._lanes.resume()
        return agency

    def trouble(self) -> str | None:
        """Say what keeps the gate from knowing who may speak; None if nothing does."""
        is_lent = self.acting.signed_in is not None  # whoever signed in is a sponsor
        return trouble(self.access, self._agent, is_lent=is_lent)

    async def troubles(self) -> Sequence[tuple[ActsAs, Trouble]]:
        """List what stands between each principal and what it needs of Microsoft."""
        at_graph = self.acting.graph.who
        missing = [(at_graph, one) for one in self.licences.troubles()]
        return [*await self.acting.troubles(), *missing]

    def begin(self, stack: AsyncExitStack, who: WhoAmI) -> None:
        """Start what goes on in the background: it needs nothing but us, and nobody waits."""
        who.acts_for(self.acting.signed_in)
        ahead = (
            partial(self._keys.find, ""),
            self._sponsors.current,
            self._line.token,
            partial(asyncio.to_thread, self.key.prove),
            self.access.now,
            partial(self._learn_name, who),
            self._out.settle,
            self._catch_up.at_start,
            partial(self._store.upkeep.keep_tidy, also=self.fetching.forget),
        )
        stack.push_async_callback(ended, asyncio.create_task(in_turn(ahead), name="begin"))

    async def _learn_name(self, who: WhoAmI) -> None:
        if self.acting.signed_in is not None:
            await self.acting.graph.token()  # so that a sign-in that has ended is known
        elif self.acting.has_graph:  # a bot's own name is nowhere to be read
            who.learn(await me(self._graph))

    def _arrived(self, seq: int, arrival: Arrival) -> None:
        self.happenings.tell(
            "arrived",
            seq=seq,
            kind=arrival.kind,
            conversation=arrival.conversation,
            late=arrival.late,
        )
        self._lanes.put(Entry(seq, arrival, arrival.conversation))
