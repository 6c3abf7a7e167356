"""`entraclaw sandbox`: the exchange, for a person to watch or a program to read."""

import asyncio
import json
import os
import shlex
import signal
import sys
from contextlib import suppress
from pathlib import Path

import click

from entraclaw.bot.children import count_left, descendants
from entraclaw.bot.exchange import (
    MESSAGES,
    SHIM,
    Stage,
    Step,
    Trip,
    hops,
    staged,
    stand_in,
    summary,
    travel,
)
from entraclaw.bot.sandbox_profile import PROFILE

_SENT = "hello"
_END_S = 15.0


@click.command(name="sandbox")
@click.option("--once", is_flag=True, help="Measure 20 more messages, then stop.")
@click.option("--port", default=0, show_default="any", type=click.IntRange(0, 65535))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document as the last line.")
def command(*, once: bool, port: int, as_json: bool) -> None:
    """Run the whole exchange against a built-in emulated tenant.

    No Microsoft account and no network: it starts an emulated Entra, Graph and Teams, a
    daemon and a small MCP host, each a process of its own, and sends a message through
    all of them. The profile it uses is named `sandbox`; look at it afterwards with
    `entraclaw --profile sandbox inbox list`.
    """
    show = _Silent() if as_json else _Person()
    try:
        result = asyncio.run(_run(show, port, once=once))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
    if as_json:
        click.echo(json.dumps(result))
    if not (result["ok"] and result["left_processes"] == 0):
        sys.exit(1)


async def _run(show: "_Silent", port: int, *, once: bool) -> dict[str, object]:
    """Play the exchange, and clean up whatever happens."""
    _cancel_on_terminate()
    processes = descendants()
    result: dict[str, object] = {}
    try:
        async with staged(port, show.step) as stage:
            try:
                result = await _play(show, stage, MESSAGES if once else 0)
                if not once:
                    show.stay(stage)
                    # Ctrl-C is how a person ends it, so it is no failure.
                    with suppress(asyncio.CancelledError):
                        await stand_in(stage, show.step)
            finally:
                processes = descendants()
    finally:
        result["left_processes"] = await count_left(processes, _END_S)
        show.end(result)
    return result


async def _play(show: "_Silent", stage: Stage, more: int) -> dict[str, object]:
    """Send one message to look at, then *more* to measure."""
    first = await travel(stage, _SENT)
    show.exchange(stage, first)
    for number in range(more):
        await travel(stage, f"message {number + 1} of {more}")
    result = summary(stage, first, _SENT)
    show.figures(result)
    return result


def _cancel_on_terminate() -> None:
    """Treat SIGTERM as asyncio already treats Ctrl-C: everything is ended in order."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def end(*_: object) -> None:
        if task is not None:
            loop.call_soon_threadsafe(task.cancel)

    signal.signal(signal.SIGTERM, end)


class _Silent:
    """Shows nothing: the JSON line says it all."""

    def step(self, step: Step) -> None:
        """A part is up."""

    def exchange(self, stage: Stage, trip: Trip) -> None:
        """The first message was answered."""

    def figures(self, result: dict[str, object]) -> None:
        """All messages were answered."""

    def stay(self, stage: Stage) -> None:
        """Everything keeps running."""

    def end(self, result: dict[str, object]) -> None:
        """Everything has ended."""


class _Person(_Silent):
    """Shows each step on a line with its time."""

    def step(self, step: Step) -> None:
        _line(step.name, step.detail, step.ms)

    def exchange(self, stage: Stage, trip: Trip) -> None:
        click.echo()
        click.echo(click.style("  Ada → Agent   ", bold=True) + _SENT)
        for hop in hops(stage, trip):
            _line(hop.name, hop.detail, hop.ms)
        click.echo(click.style("  Agent → Ada   ", bold=True) + trip.answer.text)
        if trip.answer.sender_oid == stage.agent.ids.user:
            who = f"{stage.agent.upn}, the agent user itself"
        else:
            who = f"{trip.answer.sender_oid}, somebody else!"
        click.echo(f"  Teams read from its token who sent it: {who}\n")

    def figures(self, result: dict[str, object]) -> None:
        for name, words in (("inbound_to_host_ms", "message to host"), ("answer_ms", "to answer")):
            spread = result[name]
            if isinstance(spread, dict) and spread["n"]:
                click.echo(
                    f"  {words:<18}{spread['n']} messages, median {spread['p50']} ms,"
                    f" slowest {spread['p99']} ms"
                )

    def stay(self, stage: Stage) -> None:
        click.echo("  Everything keeps running; Ctrl-C stops it.")
        click.echo(click.style("  Chat page             ", bold=True) + stage.page)
        click.echo(click.style("  Connect Claude Code   ", bold=True) + connect_line(stage.folder))
        click.echo()

    def end(self, result: dict[str, object]) -> None:
        click.echo(f"\n  Stopped; {result['left_processes']} processes left.")
        click.echo(f"  Look back with: {_program()} --profile {PROFILE} inbox list --text")


def connect_line(folder: Path) -> str:
    """Write the command that connects Claude Code to the profile in *folder*."""
    home = shlex.quote(f"ENTRACLAW_HOME={folder.parent}")
    return f"claude mcp add entraclaw --env {home} -- {shlex.join(SHIM)}"


def _program() -> str:
    """Write how this program was called, as somebody in this folder would call it again."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m entraclaw"
    return shlex.quote(os.path.relpath(called) if called.is_absolute() else str(called))


def _line(name: str, detail: str, ms: float) -> None:
    took = f"{ms:>9.1f} ms" if ms else ""
    click.echo(f"  {name:<20}{detail:<56}{took}".rstrip())
