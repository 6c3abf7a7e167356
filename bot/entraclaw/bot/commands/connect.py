"""`entraclaw connect`: have a host start entraclaw with each of its sessions."""

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import click

from entraclaw.bot import claude_settings, home, plugin_copy
from entraclaw.bot.claude_connection import Connection, Outcome
from entraclaw.bot.plugin_copy import Machine
from entraclaw.bot.settings import profile_folder


@click.group(name="connect")
def command() -> None:
    """Have a host start entraclaw with each of its sessions.

    Only your own settings of that host are changed, never those of a repository.
    """


@command.command()
@click.option("--undo", is_flag=True, help="Take out exactly what was put in.")
@click.option("--plan", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def claude(profile: str, *, undo: bool, plan: bool, as_json: bool) -> None:
    """Install the plugin for Claude Code, for you, from this profile.

    Your settings are kept beside themselves before the first change. One profile at a time:
    connecting another takes the place of this one.
    """
    connection = Connection(profile_folder(os.environ, profile), _settings())
    if undo:
        outcome = connection.undo(plan=plan)
    else:
        rendered = plugin_copy.render(_machine(profile), version("entraclaw"))
        outcome = connection.connect(rendered, plan=plan)
    if as_json:
        click.echo(json.dumps(outcome.document()))
    else:
        _print(outcome, undo=undo, plan=plan)


def _settings() -> Path:
    base = os.environ.get("CLAUDE_CONFIG_DIR")
    return (Path(base) if base else Path.home() / ".claude") / "settings.json"


def _added_by_hand() -> list[str]:
    """Look where the server was added without the plugin: it would be started twice."""
    own = Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home()) / ".claude.json"
    try:
        document: object = json.loads(own.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(document, dict):
        return []
    return claude_settings.by_hand(cast("dict[str, Any]", document), plugin_copy.NAME)


def _machine(profile: str) -> Machine:
    # Absolute, but not resolved: a virtual environment's interpreter is a link.
    return Machine(
        python=str(Path(sys.executable).absolute()),
        code=str(Path(home.__file__).absolute().parents[2]),
        home=str(profile_folder(os.environ, profile).absolute().parent),
        profile=profile,
        platform=sys.platform,
    )


def _print(outcome: Outcome, *, undo: bool, plan: bool) -> None:
    would = "would be " if plan else ""
    done = "taken out of" if undo else "put into"
    for what in outcome.changed:
        click.echo(f"{would}{done} {outcome.settings}: {what}")
    if not outcome.changed:
        click.echo(f"{outcome.settings}: nothing to change")
    if outcome.backup:
        click.echo(f"as it was before: {outcome.backup}")
    if plan or undo:
        return
    click.echo(f"plugin: {outcome.folder}")
    for where in _added_by_hand():
        click.echo(f"added by hand too, {where}: take it out with `claude mcp remove entraclaw`")
    click.echo("next: start `claude` anew, then write to the agent in Teams")
