"""`entraclaw tail`: follow what happens in the daemon."""

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from entraclaw.bot.commands.showing import (
    as_json_option,
    console,
    folder_of,
    labels,
    print_json,
    safe,
)
from entraclaw.bot.inbox_look import look
from entraclaw.bot.labels import Labels
from entraclaw.bot.local_client import tail
from entraclaw.errors import EntraclawError, InboxUnreadable

_COLOURS = {
    "answered": "green",
    "reacted": "green",
    "settled": "green",
    "handed out": "yellow",
    "lease ended": "magenta",
    "answer unknown": "bold magenta",
    "ambiguous": "bold magenta",
    "not sent": "red",
    "dead": "bold red",
    "missed": "bold red",
    "asked": "cyan",
    "allowed": "green",
    "denied": "red",
}
_FORMS = {
    "kind": "{}",
    "reason": "{}",
    "attempt": "attempt {}",
    "part": "part {}",
    "sent": "id {}",
    "session": "session {:.8}",
    "approval": "request {}",
    "tool": "{}",
    "by": "by {}",
    "number": "{} happenings: this reader was too slow",
}


@click.command(name="tail")
@as_json_option
@click.pass_obj
def command(profile: str, *, as_json: bool) -> None:
    """Follow what happens: ids and outcomes, a line each, never text.

    Ctrl-C ends it. It needs a running daemon, and says so when that ends (exit 1).
    """
    folder = folder_of(profile)
    show = print_json if as_json else _Lines(folder).show
    try:
        for happening in tail(str(folder)):
            show(happening)
    except KeyboardInterrupt:
        return
    raise EntraclawError("the daemon ended", hint="start one with `entraclaw serve`")


class _Lines:
    """Writes what happens for a person."""

    def __init__(self, folder: Path) -> None:
        """Take the names of conversations from the inbox in *folder*."""
        self._inbox = folder / "inbox.db"
        self._names = Labels()
        self._console = console()

    def show(self, happening: Mapping[str, Any]) -> None:
        """Write one line."""
        what = str(happening["what"])
        if what == "watching":
            click.echo("Following what happens, times in UTC; Ctrl-C ends it.", err=True)
            return
        at = datetime.fromtimestamp(float(happening["at"]), UTC).strftime("%H:%M:%S")
        seq = f"#{happening['seq']}" if "seq" in happening else ""
        line = Text.assemble(
            (at, "dim"), f"  {seq:<7}", (f"{what:<14}", _COLOURS.get(what, "")), " "
        )
        line.append_text(safe(self._about(happening)))
        line.truncate(self._console.width, overflow="ellipsis")
        self._console.print(line)

    def _about(self, happening: Mapping[str, Any]) -> str:
        words = [form.format(happening[name]) for name, form in _FORMS.items() if name in happening]
        if happening.get("late"):
            words.append("late")
        if "conversation" in happening:
            words.insert(0, self._name(str(happening["conversation"])))
        return ", ".join(words)

    def _name(self, conversation: str) -> str:
        """Name a conversation; what is not known yet is looked up anew, once a line."""
        if conversation not in self._names:
            with contextlib.suppress(InboxUnreadable), look(self._inbox) as seen:
                self._names = labels(seen)
        if conversation not in self._names:
            return "somewhere new"  # its name is learned right behind its first arrival
        return self._names[conversation]
