"""What the commands that show something have in common: the console, moments, safe words."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from entraclaw.bot.inbox_look import Look
from entraclaw.bot.labels import Labels
from entraclaw.bot.lifecycle import State
from entraclaw.bot.plain import plain_text
from entraclaw.bot.settings import profile_folder

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
text_option = click.option("--text", "with_text", is_flag=True, help="Show what was said, too.")

_COLOURS = {
    State.ADMITTED: "blue",
    State.WAITING: "cyan",
    State.LEASED: "yellow",
    State.DONE: "green",
    State.AMBIGUOUS: "bold magenta",
    State.DEAD: "bold red",
    State.DROPPED: "dim",
    State.SUPERSEDED: "dim",
}


def console(*, to_stderr: bool = False) -> Console:
    """Make a console that colours what we say and nothing that others said."""
    return Console(highlight=False, markup=False, emoji=False, stderr=to_stderr)


def folder_of(profile: str) -> Path:
    """Find the folder of *profile*."""
    return profile_folder(os.environ, profile)


def print_json(document: object) -> None:
    """Print one document on one line."""
    click.echo(json.dumps(document))


def wait_for_proof(asked: Mapping[str, object]) -> None:
    """Say, beside the output, what is waited for before something is done."""
    click.echo(f"entraclaw: asked: {plain_text(str(asked['what']))}", err=True)
    if "code" in asked:
        click.echo(
            f"entraclaw: to confirm it, a sponsor writes  confirm {asked['code']}  to the agent,"
            " in their own 1:1 chat. Waiting ten minutes; Ctrl-C takes it back.",
            err=True,
        )
    else:
        click.echo("entraclaw: the system asks you to confirm it", err=True)


def iso(unix: float) -> str | None:
    """Write a moment for programs; 0.0 is none."""
    return datetime.fromtimestamp(unix, UTC).isoformat(" ", "seconds") if unix else None


def short(unix: float) -> str:
    """Write a moment, UTC, in 16 characters."""
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d %H:%M")


def safe(words: object, style: str = "") -> Text:
    """Make words of others harmless to a terminal."""
    return Text(plain_text(str(words)), style)


def state_text(state: State) -> Text:
    """Write a state in its colour."""
    return Text(state.value, _COLOURS[state])


def labels(seen: Look) -> Labels:
    """Learn what the conversations are called."""
    return Labels.of(seen.places())
