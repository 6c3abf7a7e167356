"""`entraclaw status`: ask the daemon, and show its answer."""

import json
import os
import sys
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from entraclaw.bot.local_client import ask
from entraclaw.bot.settings import profile_folder
from entraclaw.errors import NotRunning


@click.command(name="status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def command(profile: str, *, as_json: bool) -> None:
    """Show what the daemon is doing; exit 1 if none runs."""
    folder = profile_folder(os.environ, profile)
    try:
        document = ask(str(folder))
    except NotRunning:
        if as_json:
            click.echo(json.dumps({"daemon": "stopped", "profile": profile, "webhook": None}))
            sys.exit(1)
        raise
    if as_json:
        click.echo(json.dumps(document))
    else:
        _show(document)


def _show(document: dict[str, Any]) -> None:
    identity, inbox = document["identity"], document["inbox"]
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    rows = {
        "daemon": f"running, pid {document['pid']}, version {document['version']}",
        "profile": document["profile"],
        "agent": identity["upn"] or identity["agent_user"] or "none yet: config.toml names none",
        "acts as": identity["acts_as"],
        "webhook": document["webhook"] or "closed",
        "key store": document["key_store"],
        "inbox": ", ".join(f"{number} {state}" for state, number in inbox.items() if number)
        or "empty",
        "sessions": ", ".join(
            f"{one['session']} (pid {one['pid']})" for one in document["sessions"]
        )
        or "none attached: start your host with `entraclaw mcp` as an MCP server",
    }
    for name, text in rows.items():
        table.add_row(name, str(text))
    Console(highlight=False).print(table)
