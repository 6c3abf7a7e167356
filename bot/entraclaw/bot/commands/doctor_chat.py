"""`entraclaw doctor chat`: who could speak there, why not, and what became of the last word."""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from entraclaw.bot.commands import inbox_desk, inbox_views
from entraclaw.bot.commands.showing import (
    as_json_option,
    console,
    folder_of,
    labels,
    print_json,
    safe,
)
from entraclaw.bot.diagnosis.voices import Voice
from entraclaw.bot.gate import Kind
from entraclaw.bot.inbox_look import Look, Record, look
from entraclaw.bot.labels import Labels
from entraclaw.bot.places import Place
from entraclaw.bot.settings import Settings
from entraclaw.errors import BadSettings, EntraclawError, Problem

_LOOKED_AT = 200  # entries of a conversation, the last ones
_WHERE = {
    Kind.PERSONAL: "In a 1:1 every word is for the agent.",
    Kind.GROUP: "Only what mentions the agent, or answers it, starts a turn here.",
    Kind.CHANNEL: "Only what mentions the agent, or answers it, starts a turn here.",
}


@click.command(name="chat")
@click.argument("conversation", metavar="ID")
@as_json_option
@click.pass_obj
def command(profile: str, conversation: str, *, as_json: bool) -> None:
    """Say who could speak in a conversation, and what became of its last message.

    ID is the conversation's, or an entry's number in the inbox. Exit 1 if nobody there may
    speak.
    """
    from entraclaw.bot.diagnosis.chat import Heard, hear  # noqa: PLC0415 - it loads msal

    folder = folder_of(profile)
    settings = Settings.read(os.environ, profile)
    if settings.agent is None:
        raise BadSettings([Problem("tenant", "is missing", "`entraclaw setup`")])
    with look(folder / "inbox.db") as seen:
        place = _find(seen, conversation)
        entries, names = seen.said_in(place, _LOOKED_AT), labels(seen)
        last = [seen.record(entry) for entry in entries[:1]]
    heard: Heard = asyncio.run(hear(settings, settings.agent, place, entries))
    moment = inbox_desk.moment(folder)
    told = inbox_views.tell(last, moment)
    if as_json:
        print_json(
            {
                "conversation": place.id,
                "place": names[place.id],
                "kind": place.kind,
                "locked": moment.locked or None,
                "people": [_document(one) for one in heard.people],
                "is_all": heard.is_all,
                "unknown": heard.unknown or None,
                "last": told[0] if told else None,
            }
        )
    else:
        _print(
            place, names, heard.people, _unknown(heard.unknown, is_all=heard.is_all), moment.locked
        )
        _print_last(last, told, names)
    sys.exit(0 if any(one.may for one in heard.people) and not moment.locked else 1)


def _find(seen: Look, name: str) -> Place:
    places = {place.id: place for place in seen.places()}
    if name in places:
        return places[name]
    for entry in seen.find(name):
        if entry.arrival.conversation in places:
            return places[entry.arrival.conversation]
    raise EntraclawError(
        "nothing ever came from that conversation",
        hint="`entraclaw inbox list` shows what came; an entry's number will do",
    )


def _unknown(reason: str, *, is_all: bool) -> str:
    if reason:
        return f"Who may speak is not known: {reason}."
    return "" if is_all else "Who else is in it is not known; these wrote here."


def _document(voice: Voice) -> dict[str, Any]:
    return {**asdict(voice.who), "may": voice.may, "says": voice.says, "cure": voice.cure or None}


def _print(place: Place, names: Labels, people: Sequence[Voice], unknown: str, locked: str) -> None:
    out = console()
    out.print(safe(names[place.id], "bold"))
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, max_width=24, overflow="ellipsis")
    grid.add_column(overflow="fold")
    for voice in people:
        mark = Text("  ✓", "green") if voice.may else Text("  ✗", "bold red")
        grid.add_row(mark, safe(voice.who.name or voice.who.oid[:8]), safe(voice.says))
    out.print(grid)
    for voice in people:
        if voice.cure:
            out.print(safe(f"     {voice.cure}", "cyan"), soft_wrap=True)
    if unknown:
        out.print(safe(unknown, "yellow"))
    out.print(Text(_WHERE[Kind.read(place.kind)], "dim"))
    if locked:
        out.print(safe(f"The profile is locked: {locked}.", "bold red"))
    out.print()


def _print_last(last: list[Record], told: list[dict[str, Any]], names: Labels) -> None:
    if last:
        inbox_views.print_stories(last, told, names)
    else:
        console().print("Nothing of what came from there is kept any more.")
