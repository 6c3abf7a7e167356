"""`entraclaw status`: ask the daemon, and show its answer."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from entraclaw.bot import health
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
from entraclaw.bot.health import Patient
from entraclaw.bot.inbox_look import look
from entraclaw.bot.labels import Labels
from entraclaw.bot.lifecycle import State
from entraclaw.bot.local_client import ask
from entraclaw.bot.services.here import seen
from entraclaw.bot.wellness import NO_DAEMON, unwell
from entraclaw.errors import InboxUnreadable, NotRunning


@click.command(name="status")
@click.option("--strict", is_flag=True, help="Exit 1 when anything is not well.")
@as_json_option
@click.pass_obj
def command(profile: str, *, strict: bool, as_json: bool) -> None:
    """Show what the daemon is doing; exit 1 if none runs.

    With --strict also when something needs a person: a lock, a token that is refused, an
    entry in doubt, messages that wait for no host, a full disk. Microsoft is not asked:
    that is `entraclaw doctor`.
    """
    folder, service = folder_of(profile), seen(os.environ, profile)
    installed = service.document() if service else None
    try:
        document = {**ask(str(folder)), "service": installed}
    except NotRunning as error:
        if as_json:
            stopped = {"daemon": "stopped", "profile": profile, "webhook": None}
            print_json(stopped | {"service": installed, "well": False, "unwell": [NO_DAEMON]})
            sys.exit(1)
        if service is not None:
            click.echo(f"service: {service.says}", err=True)
            error.hint = service.trouble.cure if service.trouble else service.start_with
        raise
    wrong = [*unwell(document), *(_on_this_machine(folder) if strict else ())]
    if as_json:
        print_json(document | {"well": not wrong, "unwell": wrong})
    else:
        show(document, folder)
        if strict and wrong:
            console().print(Text(f"not well: {', '.join(wrong)}", "bold red"))
    sys.exit(1 if strict and wrong else 0)


def _on_this_machine(folder: Path) -> Iterator[str]:
    found = health.glance(Patient(folder, os.environ))
    return (finding.name for finding in found if not finding.is_well)


def next_step(document: Mapping[str, Any]) -> str:
    """Name the one thing that a person should do now; empty if there is none."""
    inbox = document["inbox"]
    service = document.get("service") or {"cure": None}
    steps = {
        "entraclaw doctor": document["locked"] or document["trouble"] or document["warnings"],
        "entraclaw approvals list": document["approvals"],
        "entraclaw sign-in": _is_signed_out(document["identity"]),
        "entraclaw setup": not document["identity"]["tenant"],
        _cure(document["tokens"]): document["tokens"],
        "entraclaw inbox list --state ambiguous": inbox[State.AMBIGUOUS],
        "entraclaw inbox list --state dead": inbox[State.DEAD],
        "entraclaw key rotate": bool(document["key"] and document["key"]["warning"]),
        str(service["cure"]): service["cure"],
        "start your host with `entraclaw mcp` as an MCP server": not document["sessions"],
    }
    return next((step for step, is_due in steps.items() if is_due), "")


def _cure(tokens: Sequence[Mapping[str, Any]]) -> str:
    return next((str(one["cure"]) for one in tokens if one["cure"]), "try again in a minute")


def show(document: Mapping[str, Any], folder: Path) -> None:
    """Print the status *document* of the profile in *folder* for a person."""
    out, names = console(), _names(folder)
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
    yield "receives", _receives(identity)
    yield "acts as", _acts_as(identity)
    yield "webhook", safe(document["webhook"] or "closed")
    yield from _service_rows(document.get("service"))
    yield from _key_rows(document["key"])
    yield from _seal_rows(document["seal"])
    yield "inbox", counts(document["inbox"])
    for queue in document["queues"]:
        yield "", safe(f"{names[queue['conversation']]}: queued ({queue['queued']})")
    for number, row in enumerate(session_rows(document["sessions"], names)):
        yield "" if number else "sessions", row
    if document["locked"]:
        yield "locked", safe(document["locked"], "bold red")
    if document["trouble"]:
        yield "trouble", safe(document["trouble"], "red")
    for one in document["tokens"]:
        whose = f"{one['state']} since {one['since']} as {one['principal']}"
        said = f"{whose}: {one['cause']} for {one['resource']}"
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
    known = ", ".join(word for word in named if word) or identity["agent_user"] or identity["bot"]
    return safe(known or "none yet: config.toml names none")


def _is_signed_out(identity: Mapping[str, Any]) -> bool:
    person: Mapping[str, Any] = identity.get("delegated") or {}
    return bool(person) and not person["signed_in"] and not person["trouble"]


def _acts_as(identity: Mapping[str, Any]) -> Text:
    person = identity["delegated"]
    if not person:
        return safe(identity["acts_as"])
    who = f" for {person['name']}, {person['upn']}, {person['oid']}" if person["oid"] else ""
    if person["signed_in"]:
        return safe(f"delegated{who}, signed in since {person['since']}")
    return safe(f"delegated{who}: {person['trouble'] or 'signed out'}", "red")


def _receives(identity: Mapping[str, Any]) -> Text:
    if identity["catches_up"]:
        return safe(f"{identity['inbound']}, answers as {identity['answers_as']}")
    lacks = "what comes while no daemon runs is lost"
    return safe(f"{identity['inbound']} {identity['bot'] or ''}, answers as the bot; {lacks}")


def _service_rows(service: Mapping[str, Any] | None) -> Iterator[tuple[str, Text]]:
    if service is None:
        return
    yield "service", safe(f"{service['manager']}: {service['place']}")
    if service["trouble"]:
        yield "", safe(service["trouble"], "red")


def _key_rows(key: Mapping[str, Any] | None) -> Iterator[tuple[str, Text]]:
    if key is None:
        return
    said = {True: ", its keys can be copied", False: ", its keys cannot leave it", None: ""}
    yield "key store", safe(f"{key['store']}{said[key['exportable']]}")
    if key["trouble"]:
        yield "", safe(key["trouble"], "red")
    if key["warning"]:
        yield "", safe(key["warning"], "yellow")


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


def counts(inbox: Mapping[str, int]) -> Text:
    """Write how many entries are in each state."""
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
