"""The sessions in `entraclaw status`: what each gets, and what wakes it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from rich.text import Text

from entraclaw.bot.commands.showing import safe
from entraclaw.bot.labels import Labels

_ID = 8  # letters of a session's id that are shown

Document = Mapping[str, Any]


def session_rows(sessions: Sequence[Document], names: Labels) -> Iterator[Text]:
    """Write a few lines for each session; one line when there is none."""
    if not sessions:
        yield Text("none attached")
    for session in sessions:
        yield Text.assemble(_dot(session), safe(_who(session)))
        yield Text.assemble("  gets    ", safe(_gets(session, names)))
        yield Text.assemble("  woken   ", _woken(session))
        for refused in session["no_wakers"]:
            yield Text(f"          not by {refused['waker']}: {refused['why_not']}", "dim")


def _dot(session: Document) -> Text:
    gets = session["gets_rest"] or session["conversations"]
    return Text("● ", "green") if gets else Text("○ ", "dim")


def _who(session: Document) -> str:
    host = session["host"] or "a host"
    place = PurePath(session["project"]).name
    where = f" in {place}" if place else ""
    return f"{session['session'][:_ID]}  {host}{where}, pid {session['pid']}"


def _gets(session: Document, names: Labels) -> str:
    named = [names[lane] for lane in session["conversations"]]
    if session["gets_rest"]:
        named.append("all that no other session has" if named else "every conversation")
    return ", ".join(named) or "nothing: `attach` gives it a conversation"


def _woken(session: Document) -> Text:
    if session["waker"] is None:
        return Text("by nothing", "yellow")
    others = ", then ".join(session["other_wakers"])
    by = f"by {session['waker']}" + (f", then {others}" if others else "")
    if not session["unheard"]:
        return Text(by)
    times = "once" if session["unheard"] == 1 else f"{session['unheard']} times"
    return Text.assemble(by, (f"; rung {times}, not read yet", "yellow"))
