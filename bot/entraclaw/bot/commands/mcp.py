"""`entraclaw mcp`, for `--help`: a plain `entraclaw mcp` never comes this way (see start.py)."""

import sys

import click

from entraclaw.bot import shim


@click.command(name="mcp")
@click.pass_obj
def command(profile: str) -> None:
    """Connect an LLM host to the daemon over stdio.

    Hosts start this; it ends when they close its standard input. It starts the daemon
    if none runs.
    """
    sys.exit(shim.run(profile))
