"""`entraclaw inbox list`: what was sent to the agent and what became of it."""

import json
import os
from datetime import UTC, datetime

import click
import orjson
from rich.console import Console
from rich.table import Table

from entraclaw.bot.inbox import Entry
from entraclaw.bot.inbox_rows import read_entries
from entraclaw.bot.settings import profile_folder


@click.group(name="inbox")
def command() -> None:
    """Look at what was sent to the agent."""


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--text", "with_text", is_flag=True, help="Show what was said, too.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@click.pass_obj
def list_entries(profile: str, *, as_json: bool, with_text: bool, limit: int) -> None:
    """List the latest entries, newest first; works with and without a daemon."""
    folder = profile_folder(os.environ, profile)
    entries = read_entries(folder / "inbox.db", limit)
    rows = [_row(entry, with_text=with_text) for entry in entries]
    if as_json:
        click.echo(json.dumps({"entries": rows}))
        return
    table = Table("seq", "received", "kind", "state", "attempt", "reason")
    if with_text:
        table.add_column("text")
    for row in rows:
        table.add_row(*(str(value) for key, value in row.items() if key in _SHOWN))
    Console(highlight=False).print(table)


_SHOWN = frozenset({"seq", "received", "kind", "state", "attempt", "reason", "text"})


def _row(entry: Entry, *, with_text: bool) -> dict[str, object]:
    row: dict[str, object] = {
        "seq": entry.seq,
        "received": datetime.fromtimestamp(entry.arrival.received, UTC).isoformat(" ", "seconds"),
        "kind": entry.arrival.kind,
        "conversation": entry.arrival.conversation,
        "activity": entry.arrival.activity,
        "state": entry.state,
        "attempt": entry.attempt,
        "turn": entry.turn,
        "session": entry.session,
        "reason": entry.reason,
    }
    if with_text:
        row["text"] = orjson.loads(entry.arrival.body).get("text") or ""
    return row
