"""`entraclaw status`: ask the daemon, and show its answer."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from entraclaw.bot.commands.showing import (
    as_json_option,
    console,
    folder_of,
    labels,
    print_json,
    safe,
    short,
    state_text,
)
from entraclaw.bot.commands.status_sessions import session_rows
from entraclaw.bot.inbox_look import look
from entraclaw.bot.labels import Labels
from entraclaw.bot.lifecycle import State
from entraclaw.bot.local_client import ask
from entraclaw.errors import InboxUnreadable, NotRunning


@click.command(name="status")
@as_json_option
@click.pass_obj
def command(profile: str, *, as_json: bool) -> None:
    """Show what the daemon is doing; exit 1 if none runs."""
    folder = folder_of(profile)
    try:
        document = ask(str(folder))
    except NotRunning:
        if as_json:
            click.echo(json.dumps({"daemon": "stopped", "profile": profile, "webhook": None}))
            sys.exit(1)
        raise
    if as_json:
        print_json(document)
    else:
        _show(document, _names(folder))


def next_step(document: Mapping[str, Any]) -> str:
    """Name the one thing that a person should do now; empty if there is none."""
    inbox = document["inbox"]
    steps = {
        "entraclaw doctor": document["locked"] or document["trouble"] or document["warnings"],
        "entraclaw approvals list": document["approvals"],
        "name an agent in config.toml: docs/settings.md": not document["identity"]["agent_user"],
        _cure(document["tokens"]): document["tokens"],
        "entraclaw inbox list --state ambiguous": inbox[State.AMBIGUOUS],
        "entraclaw inbox list --state dead": inbox[State.DEAD],
        "start your host with `entraclaw mcp` as an MCP server": not document["sessions"],
    }
    return next((step for step, is_due in steps.items() if is_due), "")


def _cure(tokens: Sequence[Mapping[str, Any]]) -> str:
    return next((str(one["cure"]) for one in tokens if one["cure"]), "try again in a minute")


def _show(document: Mapping[str, Any], names: Labels) -> None:
    out = console()
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in _rows(document, names):
        grid.add_row(name, value)
    out.print(grid)
    step = next_step(document)
    if step:
        out.print(Text.assemble("\n", ("next step  ", "bold"), (step, "cyan")))


def _rows(document: Mapping[str, Any], names: Labels) -> Iterator[tuple[str, Text]]:
    identity = document["identity"]
    running = f"running, pid {document['pid']}, version {document['version']}"
    yield "daemon", Text.assemble(("● ", "green"), running)
    yield "profile", safe(document["profile"])
    yield "agent", _agent(identity)
    yield "acts as", safe(identity["acts_as"])
    yield "webhook", safe(document["webhook"] or "closed")
    yield from _key_rows(document["key"])
    yield from _seal_rows(document["seal"])
    yield "inbox", _counts(document["inbox"])
    for queue in document["queues"]:
        yield "", safe(f"{names[queue['conversation']]}: queued ({queue['queued']})")
    for number, row in enumerate(session_rows(document["sessions"], names)):
        yield "" if number else "sessions", row
    if document["locked"]:
        yield "locked", safe(document["locked"], "bold red")
    if document["trouble"]:
        yield "trouble", safe(document["trouble"], "red")
    for one in document["tokens"]:
        said = f"{one['state']} since {one['since']}: {one['cause']} for {one['resource']}"
        yield "tokens", safe(f"{said}; {one['cure']}" if one["cure"] else said, "red")
    for warning in document["warnings"]:
        yield "warning", safe(warning, "yellow")
    if document["offers"]:
        yield (
            "offers",
            safe(f"new agent users that can be adopted: {', '.join(document['offers'])}"),
        )


def _agent(identity: Mapping[str, Any]) -> Text:
    named = [identity["name"], identity["upn"]]
    known = ", ".join(word for word in named if word) or identity["agent_user"]
    return safe(known or "none yet: config.toml names none")


def _key_rows(key: Mapping[str, Any] | None) -> Iterator[tuple[str, Text]]:
    if key is None:
        return
    said = {True: ", its keys can be copied", False: ", its keys cannot leave it", None: ""}
    yield "key store", safe(f"{key['store']}{said[key['exportable']]}")
    if key["trouble"]:
        yield "", safe(key["trouble"], "red")


def _seal_rows(seal: Mapping[str, Any] | None) -> Iterator[tuple[str, Text]]:
    """Say what protects the list of who may speak."""
    if seal is None:
        return
    kept = {"keyring": "its key is in the keyring", "file": "its key is in a plain file: weak"}
    style = "yellow" if seal["is_weak"] else ""
    yield "seal", safe(kept.get(seal["kept"], "not open yet"), style)
    if seal["adopted"]:
        when = short(seal["adopted"])
        yield "", safe(f"the list was sealed as it was found, {when}: look at it", "yellow")


def _counts(inbox: Mapping[str, int]) -> Text:
    counted = [
        Text.assemble(f"{number:,} ", state_text(State(state)))
        for state, number in inbox.items()
        if number
    ]
    return Text(", ").join(counted) if counted else Text("empty")


def _names(folder: Path) -> Labels:
    try:
        with look(folder / "inbox.db") as seen:
            return labels(seen)
    except InboxUnreadable:
        return Labels()
