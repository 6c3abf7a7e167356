"""What `setup` and `teardown` show: the plan, a line for each part, and how far it is."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from entraclaw.bot.commands.showing import console, safe
from entraclaw.bot.plain import plain_text
from entraclaw.bot.setup.taking_down import Going
from entraclaw.identity.provisioning.facts import Facts
from entraclaw.identity.provisioning.orphans import Orphan
from entraclaw.identity.provisioning.plan import Row, State, blocked

_MARKS: Mapping[State, tuple[str, str]] = {
    State.EXISTS: ("✓", "green"),
    State.MAKE: ("+", "bold blue"),
    State.CONSENT: ("?", "bold yellow"),
    State.CLICKS: ("☞", "yellow"),
    State.BLOCKED: ("✗", "bold red"),
}
_ADDRESS = "https://"


def print_plan(rows: Sequence[Row], facts: Facts, profile: str) -> None:
    """Print the plan for a person."""
    out = console()
    tenant = facts.tenant.name or facts.tenant.id
    who = facts.me.name or facts.me.upn
    out.print(safe(f"{profile}, in {tenant}, by {who}", "bold"))
    width = max(len(row.part) for row in rows)
    for row in rows:
        _print(out, row, width)
    out.print()
    out.print(_summary(rows))


def rows_document(rows: Sequence[Row]) -> list[dict[str, str | None]]:
    """Shape the plan for programs."""
    return [
        {
            "part": row.part,
            "state": row.state.value,
            "says": row.says,
            "by": row.by or None,
            "cure": row.cure or None,
        }
        for row in rows
    ]


def print_going(going: Going, *, is_plan: bool) -> None:
    """Print what a teardown takes, or took, away."""
    out = console()
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for part, says in going.rows:
        grid.add_row(Text("  -", "bold red"), part, safe(says))
    out.print(grid)
    if going.what.siblings:
        many = going.what.siblings
        out.print(safe(f"{many} other agents have the same blueprint", "yellow"))
    if is_plan:
        out.print(Text("nothing was changed", "bold"))
        return
    out.print(Text("all of it is gone", "bold"))
    if going.in_bin:
        out.print(
            safe(f"in the directory's bin for 30 days: {', '.join(going.in_bin)}", "dim"),
        )


def print_orphans(orphans: Sequence[Orphan], *, is_gone: bool) -> None:
    """Print what bears marks that no profile here knows."""
    out = console()
    for one in orphans:
        out.print(safe(one.mark, "bold"))
        for name in one.names:
            out.print(safe(f"  {name}"))
    if is_gone:
        out.print(Text("all of it is gone; it is in the directory's bin for 30 days", "bold"))
    elif orphans:
        words = "another machine may use them; `--orphans --mark MARK` deletes what bears one"
        out.print(safe(words, "dim"))
    else:
        out.print(Text("nothing bears a mark that no profile here knows"))


def print_page_to_open(address: str, words: str) -> None:
    """Print an address whole, so that it can be opened, with *words* before it; to stderr."""
    out = console(to_stderr=True)
    out.print(safe(words, "bold yellow"))
    out.print(safe(address, "cyan"), soft_wrap=True)


def _print(out: Console, row: Row, width: int) -> None:
    mark, style = _MARKS[row.state]
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, width=width)
    grid.add_column(overflow="fold", ratio=1)
    grid.add_column(justify="right", no_wrap=True)
    quiet = "dim" if row.state is State.EXISTS else ""
    grid.add_row(Text(f"  {mark}", style), row.part, safe(row.says, quiet), Text(row.by, "dim"))
    if row.cure:
        grid.add_row("", Text("→".rjust(width), "cyan"), safe(row.cure, "cyan"), "")
    out.print(grid)


def _summary(rows: Sequence[Row]) -> Text:
    hindering = len(blocked(tuple(rows)))
    if hindering:
        words = "1 thing is in the way" if hindering == 1 else f"{hindering} things are in the way"
        return Text(f"{words}; nothing was made", "bold red")
    making = sum(1 for row in rows if row.state in {State.MAKE, State.CONSENT})
    return Text(f"{making} of {len(rows)} are to be done" if making else "all of it is there")


class Stepping:
    """Shows which step goes on, and what it waits for: a bar on a terminal, else a line each."""

    def __init__(self, steps: int, *, is_quiet: bool) -> None:
        """Expect so many *steps*; *is_quiet* shows nothing but keeps count."""
        self.done: list[dict[str, str]] = []
        out = console(to_stderr=True)
        self._is_quiet = is_quiet
        self._bar = None if is_quiet or not out.is_terminal else _bar(out)
        self._task = self._bar.add_task("", total=steps, waits="") if self._bar else None
        self._said = ""

    def begin(self, name: str, says: str) -> None:
        """The step *name* begins."""
        self.done.append({"step": name, "text": says})
        self._said = ""
        words = plain_text(f"{name:<14}  {says}")
        if self._bar is not None and self._task is not None:
            self._bar.console.print(safe(f"  {words}"), soft_wrap=True)
            self._bar.update(self._task, completed=len(self.done) - 1, description=name, waits="")
        elif not self._is_quiet:
            click.echo(words, err=True)

    def wait(self, why: str) -> None:
        """Something is waited for."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, waits=f"waiting for {plain_text(why)}")
        elif not self._is_quiet and why != self._said:
            click.echo(f"{'':<14}  waiting for {plain_text(why)}", err=True)
        self._said = why

    @contextmanager
    def shown(self) -> Generator["Stepping"]:
        """Show it while the block runs."""
        if self._bar is None:
            yield self
            return
        with self._bar:
            yield self


def _bar(out: Console) -> Progress:
    return Progress(
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.fields[waits]}", style="dim", markup=False),
        TimeElapsedColumn(),
        console=out,
        transient=True,
    )
