"""`entraclaw approvals`: what hosts ask before they use a tool, and the answer from the desk."""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any, cast

import click
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from entraclaw.bot.commands.showing import as_json_option, console, folder_of, print_json
from entraclaw.bot.local_client import do
from entraclaw.bot.permission import Behavior
from entraclaw.bot.plain import marked, plain_name
from entraclaw.bot.question import ID
from entraclaw.errors import ApprovalRefused

_SOON_S = 60.0
_MINUTE_S = 60


@click.group(name="approvals")
def command() -> None:
    """See what hosts ask before they use a tool, and answer in place of their terminal.

    It needs a running daemon. docs/approvals.md says what an answer does.
    """


@command.command(name="list")
@as_json_option
@click.pass_obj
def list_requests(profile: str, *, as_json: bool) -> None:
    """Show what waits for an answer, oldest first."""
    told = do(str(folder_of(profile)), {"verb": "approvals"})
    if as_json:
        print_json(told)
    else:
        _print(told["approvals"], time.time())


@command.command()
@click.argument("name", metavar="ID")
@click.argument(
    "behavior", metavar="allow|deny", type=click.Choice([one.value for one in Behavior])
)
@click.option("--reason", default="", metavar="TEXT", help="What the model is told, if denied.")
@as_json_option
@click.pass_obj
def answer(profile: str, name: str, behavior: str, reason: str, *, as_json: bool) -> None:
    """Allow or deny what the request ID asks; the first answer counts.

    Do it only if you know what it is for, and never because a message asked. It is typed
    at a terminal, and not in one of an LLM host.
    """
    asked = name.strip().lower()
    if not ID.fullmatch(asked):
        raise click.UsageError("an id is five letters, a to z without l")
    if sys.stdin is None or not sys.stdin.isatty():
        raise ApprovalRefused(
            "an answer must be typed at a terminal", hint="open one yourself: docs/approvals.md"
        )
    _note_unproved()
    words = {"verb": "answer", "id": asked, "behavior": behavior, "words": reason}
    done = do(str(folder_of(profile)), words)
    if as_json:
        print_json(done)
    else:
        verb = "allowed" if behavior == Behavior.ALLOW else "denied"
        click.echo(f"{done['tool']} is {verb}, this once, for session {done['session'][:8]}")


def _note_unproved() -> None:
    """Say what protects an answer; whatever asks for a better proof belongs here."""
    click.echo(
        "entraclaw: note: a program that runs as you can pretend to be you (docs/approvals.md)",
        err=True,
    )


def _print(requests: list[Mapping[str, Any]], now: float) -> None:
    out = console()
    if not requests:
        out.print("Nothing is asked.")
    for request in requests:
        out.print(_title(request, now))
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for label, value in _facts(request):
            grid.add_row(label, value)
        out.print(Padding(grid, (0, 0, 0, 2), expand=False))
        # Not wrapped: it is there to be copied.
        line = f"  entraclaw approvals answer {request['id']} allow|deny"
        out.print(Text(line, "cyan"), soft_wrap=True)
        out.print()


def _title(request: Mapping[str, Any], now: float) -> Text:
    left = request["expires"] - now
    return Text.assemble(
        (request["id"], "bold magenta"),
        "  ",
        (marked(request["tool"]), "bold"),
        f"  asked {_span(now - request['asked'])} ago, ",
        (f"expires in {_span(left)}", "yellow" if left < _SOON_S else ""),
    )


def _facts(request: Mapping[str, Any]) -> Iterator[tuple[str, RenderableType]]:
    if request["description"]:
        yield "says", Text(marked(request["description"]), "italic")
    yield from _input(request)
    if request["left_out"]:
        yield "", Text(f"{request['left_out']:,} characters are not shown", "bold yellow")
    yield "session", Text(f"{request['session'][:8]}, by {' and '.join(request['origins'])}")
    for turn in request["turns"]:
        who = plain_name(turn["name"]) or "somebody"
        yield "for", Text.assemble((who, "bold"), f", turn {turn['turn'][:8]}")
    if not request["turns"]:
        yield "for", Text("nobody in Teams: the session holds no turn", "dim")


def _input(request: Mapping[str, Any]) -> Iterator[tuple[str, Text]]:
    """Give the input, field by field where it is whole."""
    shown = request["input"]
    try:
        given: object = json.loads(shown)
    except ValueError:
        given = None  # a part of it, or a host's own words for it
    if not isinstance(given, dict) or not given:
        yield "input", Text(marked(shown) or "-")
        return
    for name, value in cast("dict[str, object]", given).items():
        words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        # Lines stay lines: the column keeps them apart from what we say ourselves.
        lines = (marked(line) for line in words.split("\n"))
        yield plain_name(name) or "-", Text("\n".join(lines))


def _span(seconds: float) -> str:
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, _MINUTE_S)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
