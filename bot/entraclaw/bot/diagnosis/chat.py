"""Look at one conversation: who is in it, as far as that can be found out, and who may speak."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.acquaintance import in_graph
from entraclaw.bot.diagnosis.gather import GRAPH_S, at_graph, in_time
from entraclaw.bot.diagnosis.voices import Somebody, Voice, voices
from entraclaw.bot.directory import Directory
from entraclaw.bot.gate import Kind, Known
from entraclaw.bot.gate import Place as Setting
from entraclaw.bot.inbox import Entry
from entraclaw.bot.labels import sender
from entraclaw.bot.places import Place
from entraclaw.bot.settings import Settings
from entraclaw.errors import EntraclawError
from entraclaw.identity import AgentIds
from entraclaw.tools import Graph, roster, sponsors

_GROUP_ID = "19:"


@dataclass(frozen=True, slots=True)
class Heard:
    """Who could speak in a conversation.

    Attributes:
        people: Everybody that is known to be in it.
        is_all: Nobody else is; otherwise these are the ones who wrote there.
        unknown: Why it is not known who may speak; empty where it is.
    """

    people: Sequence[Voice]
    is_all: bool
    unknown: str = ""


async def hear(
    settings: Settings, agent: AgentIds, place: Place, entries: Sequence[Entry]
) -> Heard:
    """Find out who may speak in *place*, of which *entries* came.

    Raises:
        BadSettings: The CA bundle cannot be used.
        AccessUnreadable: The list of who may speak cannot be read.
    """
    wrote = _who_wrote(entries)
    async with at_graph(settings, agent) as graph:
        if not isinstance(graph, Graph):
            return Heard((), is_all=False, unknown=str(graph or "a bot has no sponsors to ask for"))
        named = await in_time(sponsors(graph, agent.user), "Graph", GRAPH_S)
        if isinstance(named, EntraclawError):
            return Heard((), is_all=False, unknown=f"its sponsors cannot be read: {named}")
        members = await _members(graph, agent, place, wrote)
        people = [] if members is None else members
        directory = Directory(in_graph(graph), agent.tenant, time.monotonic)
        proved = [
            Somebody(one.name, one.oid, await _home(directory, one))
            for one in people or wrote.values()
        ]
    access = AccessFile(settings.folder).load()
    known = Known(frozenset(one.oid for one in named), agent.tenant, access)
    setting = Setting(Kind.read(place.kind), addressed=True)
    return Heard(voices(proved, setting, known, time.time()), is_all=members is not None)


async def _members(
    graph: Graph, agent: AgentIds, place: Place, wrote: Mapping[str, Somebody]
) -> list[Somebody] | None:
    """List the others in *place*; None where nobody tells."""
    if place.person:
        return [wrote.get(place.person, Somebody("", place.person, ""))]
    names = (name for name in (place.id, place.twin) if name.startswith(_GROUP_ID))
    chat = next(names, "")
    if not chat or place.kind == Kind.CHANNEL:
        return None
    found = await in_time(roster(graph, chat), "Graph", GRAPH_S)
    if isinstance(found, EntraclawError):
        return None
    return [Somebody(one.name, one.oid, one.tenant) for one in found if one.oid != agent.user]


async def _home(directory: Directory, one: Somebody) -> str:
    home = await in_time(directory.home_of(one.oid, one.tenant, {}), "Graph", GRAPH_S)
    return "" if isinstance(home, EntraclawError) else home


def _who_wrote(entries: Sequence[Entry]) -> Mapping[str, Somebody]:
    """List who wrote, by object id, the last name first."""
    found: dict[str, Somebody] = {}
    for entry in entries:
        oid = entry.arrival.sender
        if oid:
            found.setdefault(oid, Somebody(sender(entry), oid, ""))
    return found
