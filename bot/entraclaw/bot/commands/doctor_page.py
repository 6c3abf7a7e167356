"""The doctor's page: a group under each heading, a line for each thing, its cure below it."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from entraclaw.bot.commands.showing import console, safe
from entraclaw.bot.diagnosis.finding import Finding, Group

_WELL, _WRONG, _NOTE = Text("✓", "green"), Text("✗", "bold red"), Text("·", "dim")
_ADDRESS = "https://"
_SHORT = 48  # an address that fits behind its words stays there


def print_page(findings: Sequence[Finding]) -> None:
    """Print *findings* for a person."""
    out = console()
    width = max(len(finding.name) for finding in findings)
    for group in Group:
        members = [finding for finding in findings if finding.group is group]
        if members:
            out.print(Text(group.value, "bold"))
            for finding in members:
                _print(out, finding, width)
            out.print()
    out.print(_summary(findings))


def _print(out: Console, finding: Finding, width: int) -> None:
    mark, style = _NOTE if finding.is_note else _WELL if finding.is_well else _WRONG, ""
    if finding.is_note:
        style = "dim"
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, width=width)
    grid.add_column(overflow="fold")
    name = safe(finding.name, "" if finding.is_well else "bold red")
    grid.add_row(Text.assemble("  ", mark), name, safe(finding.says, style))
    words, address = _parted(finding.cure)
    if words:
        style = "dim" if finding.is_note else "cyan"
        grid.add_row("", Text("→".rjust(width), style), safe(words, style))
    out.print(grid)
    if address:
        out.print(safe(address, "cyan"), soft_wrap=True)  # whole, so that it can be opened


def _parted(cure: str) -> tuple[str, str]:
    """Part a cure from an address in it that is too long for its column."""
    words, begins, rest = cure.partition(_ADDRESS)
    if len(rest.split(" ", 1)[0]) <= _SHORT:
        return cure, ""
    return f"{words.rstrip()} this, and accepts:", begins + rest


def _summary(findings: Sequence[Finding]) -> Text:
    wrong = [finding.name for finding in findings if not finding.is_well]
    if not wrong:
        return Text("All is well.", "bold green")
    need = "needs you" if len(wrong) == 1 else "need you"
    return Text(f"{len(wrong)} of {len(findings)} {need}: {', '.join(wrong)}", "bold red")
