"""`entraclaw doctor`: look at what can be wrong, and say what puts it right."""

import os
import sys

import click
from rich.table import Table
from rich.text import Text

from entraclaw.bot import health
from entraclaw.bot.commands.showing import as_json_option, console, folder_of, print_json, safe
from entraclaw.bot.health import Finding, Patient


@click.command(name="doctor")
@click.option("--fix", is_flag=True, help="Put right what needs no choice, then look again.")
@as_json_option
@click.pass_obj
def command(profile: str, *, fix: bool, as_json: bool) -> None:
    """Look at what can be wrong; exit 1 if anything is.

    Works with and without a daemon, and changes nothing without --fix.
    """
    findings = health.examine(Patient(folder_of(profile), os.environ), fix=fix)
    is_well = all(finding.is_well for finding in findings)
    if as_json:
        print_json({"ok": is_well, "findings": [_document(finding) for finding in findings]})
    else:
        _print(findings)
    sys.exit(0 if is_well else 1)


def _document(finding: Finding) -> dict[str, object]:
    return {
        "name": finding.name,
        "ok": finding.is_well,
        "says": finding.says,
        "cure": finding.cure or None,
        "fixable": finding.remedy is not None,
    }


def _print(findings: list[Finding]) -> None:
    out = console()
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for finding in findings:
        mark = Text("ok", "green") if finding.is_well else Text("!!", "bold red")
        grid.add_row(mark, finding.name, safe(finding.says))
        if finding.cure:
            grid.add_row("", "", safe(finding.cure, "cyan"))
    out.print(grid)
    wrong = sum(not finding.is_well for finding in findings)
    out.print(f"{wrong} of {len(findings)} need you" if wrong else "All is well.")
