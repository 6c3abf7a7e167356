"""Entries as the inbox commands show them, to programs and to people."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import orjson
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from entraclaw.bot.commands.showing import console, iso, safe, short, state_text
from entraclaw.bot.fields import text
from entraclaw.bot.inbox import Entry
from entraclaw.bot.inbox_look import Record
from entraclaw.bot.labels import Labels, said, sender
from entraclaw.bot.outbox import Part
from entraclaw.bot.why import Moment, erased, story, when

_ERASED = "(erased)"


def document(entry: Entry, names: Labels, *, with_text: bool) -> dict[str, Any]:
    """Shape an entry for programs."""
    arrival = entry.arrival
    shaped: dict[str, Any] = {
        "seq": entry.seq,
        "received": iso(arrival.received),
        "kind": arrival.kind,
        "from": sender(entry) or None,
        "conversation": arrival.conversation,
        "place": names[arrival.conversation],
        "activity": arrival.activity,
        "late": arrival.late,
        "state": entry.state,
        "attempt": entry.attempt,
        "turn": entry.turn,
        "joined": entry.joined,
        "session": entry.session,
        "reason": entry.reason,
        "ended": iso(entry.ended),
        "erased": erased(entry),
    }
    if with_text:
        shaped["text"] = None if erased(entry) else said(entry)
    return shaped


def full(record: Record, names: Labels, *, with_text: bool) -> dict[str, Any]:
    """Shape all that is kept of an entry for programs."""
    entry = record.entry
    return {
        **document(entry, names, with_text=with_text),
        "sender": entry.arrival.sender,
        "tenant": entry.arrival.tenant,
        "relation": _relation(entry) or None,
        "until": iso(entry.until),
        "head": record.head.seq if record.head else None,
        "with_it": [one.seq for one in record.joined],
        "parts": [_part(part, with_text=with_text) for part in record.parts],
    }


def print_list(entries: Sequence[Entry], names: Labels, *, with_text: bool) -> None:
    """Print a table of *entries* for a person."""
    out = console()
    if not entries:
        out.print("Nothing here.")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("seq", justify="right")
    table.add_column("received (UTC)", no_wrap=True)
    table.add_column("from", max_width=20, no_wrap=True, overflow="ellipsis")
    table.add_column("state", no_wrap=True)
    table.add_column("said" if with_text else "about", ratio=1)
    for entry in entries:
        table.add_row(
            str(entry.seq),
            short(entry.arrival.received),
            safe(sender(entry) or "-"),
            state_text(entry.state),
            _said(entry) if with_text else safe(", ".join(_about(entry, names))),
        )
    out.print(table)


def print_record(record: Record, names: Labels, *, with_text: bool) -> None:
    """Print all that is kept of an entry for a person."""
    entry, out = record.entry, console()
    out.print(Text.assemble((f"Entry {entry.seq}", "bold"), "  ", state_text(entry.state)))
    grid = _grid()
    for name, value in _facts(record, names):
        grid.add_row(name, safe(value))
    for part in record.parts:
        grid.add_row("answer", safe(_part_line(part)))
        if with_text:
            grid.add_row("", safe(part.text or _ERASED, "italic"))
    if with_text:
        grid.add_row("said", _said(entry))
    out.print(_indented(grid, 2))


def tell(records: Sequence[Record], moment: Moment) -> list[dict[str, Any]]:
    """Shape the stories of entries for programs."""
    return [
        {"seq": record.entry.seq, "state": record.entry.state, **asdict(story(record, moment))}
        for record in records
    ]


def print_stories(records: Sequence[Record], told: Sequence[dict[str, Any]], names: Labels) -> None:
    """Print the stories of entries for a person."""
    out = console()
    for record, one in zip(records, told, strict=True):
        entry = record.entry
        out.print(
            Text.assemble(
                (f"Entry {entry.seq}", "bold"),
                f", {_title(entry, names)}: ",
                state_text(entry.state),
            )
        )
        for sentence in one["happened"]:
            out.print(_indented(safe(sentence), 2))
        out.print(_indented(Text.assemble(("Next: ", "bold"), f"{one['next']}."), 2))
        for cure in one["cures"]:
            # Not wrapped: it is there to be copied.
            out.print(Text.assemble("    ", (cure["command"], "cyan")), soft_wrap=True)
            out.print(_indented(Text(cure["does"], "dim"), 6))


def _title(entry: Entry, names: Labels) -> Text:
    who = sender(entry)
    place = names[entry.arrival.conversation]
    where = "" if place == who else f" in {place}"
    return safe(f"{entry.arrival.kind} of {who or 'somebody'}{where}")


def _about(entry: Entry, names: Labels) -> Iterator[str]:
    place = names[entry.arrival.conversation]
    if place != sender(entry):
        yield place
    if entry.arrival.kind != "message":
        yield entry.arrival.kind
    if entry.arrival.late:
        yield "late"
    if entry.reason:
        yield entry.reason
    elif entry.attempt > 1:
        yield f"attempt {entry.attempt}"


def _facts(record: Record, names: Labels) -> Iterator[tuple[str, str]]:
    entry, arrival = record.entry, record.entry.arrival
    late = ", found by catching up" if arrival.late else ""
    yield "kind", arrival.kind
    yield "received", f"{when(arrival.received)}{late}"
    relation = f" ({_relation(entry)})" if _relation(entry) else ""
    yield "from", f"{sender(entry) or _ERASED}{relation}"
    yield "in", names[arrival.conversation]
    yield "activity", arrival.activity or "-"
    yield from _turn(record)
    if entry.reason:
        yield "reason", entry.reason
    if entry.ended:
        yield "ended", when(entry.ended)


def _turn(record: Record) -> Iterator[tuple[str, str]]:
    entry = record.entry
    if entry.joined:
        head = f"of entry {record.head.seq}" if record.head else ""
        yield "turn", f"{entry.joined} {head}".rstrip()
    elif entry.turn:
        yield "turn", entry.turn
    if entry.attempt:
        yield "attempt", str(entry.attempt)
    if entry.session:
        yield "session", f"{entry.session}, until {when(entry.until)}"
    others = ", ".join(str(one.seq) for one in record.joined if one.seq != entry.seq)
    if others:
        yield "with it", others


def _part(part: Part, *, with_text: bool) -> dict[str, Any]:
    shaped: dict[str, Any] = {
        "number": part.number,
        "kind": part.kind,
        "outcome": part.outcome,
        "final": part.final,
        "began": iso(part.began),
        "sent": part.activity or None,
    }
    if with_text:
        shaped["text"] = part.text or None
    return shaped


def _part_line(part: Part) -> str:
    words = [f"{part.kind} {part.number}", part.outcome.value, when(part.began)]
    if part.activity:
        words.append(f"id {part.activity}")
    return ", ".join(words)


def _said(entry: Entry) -> Text:
    return safe(_ERASED, "dim") if erased(entry) else safe(said(entry) or "-")


def _relation(entry: Entry) -> str:
    return text(orjson.loads(entry.view), "relation") if entry.view else ""


def _indented(what: RenderableType, by: int) -> Padding:
    return Padding(what, (0, 0, 0, by), expand=False)


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid
