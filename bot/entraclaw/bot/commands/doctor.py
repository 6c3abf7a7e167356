"""`entraclaw doctor`: look at what can be wrong, and say what puts it right."""

import os
import sys

import click

from entraclaw.bot.commands import doctor_chat
from entraclaw.bot.commands.showing import as_json_option, folder_of, print_json
from entraclaw.bot.diagnosis.finding import Finding
from entraclaw.bot.health import Patient


@click.group(name="doctor", invoke_without_command=True)
@click.option("--fix", is_flag=True, help="Put right what needs no choice, then look again.")
@as_json_option
@click.pass_context
def command(context: click.Context, *, fix: bool, as_json: bool) -> None:
    """Look at what can be wrong; exit 1 if anything is.

    Asks Microsoft with the agent's own key, and reads only. Works with and without a
    daemon, takes 15 s at most, and changes nothing without --fix. docs/doctor.md lists
    every line with its cure.
    """
    if context.invoked_subcommand is not None:
        return
    from entraclaw.bot.commands.doctor_page import print_page  # noqa: PLC0415 - for this alone
    from entraclaw.bot.diagnosis.visit import visit  # noqa: PLC0415 - it loads msal

    profile: str = context.obj
    findings = visit(profile, Patient(folder_of(profile), os.environ), fix=fix)
    is_well = all(finding.is_well for finding in findings)
    if as_json:
        print_json({"ok": is_well, "findings": [_document(finding) for finding in findings]})
    else:
        print_page(findings)
    sys.exit(0 if is_well else 1)


def _document(finding: Finding) -> dict[str, object]:
    return {
        "group": finding.group.name.lower(),
        "name": finding.name,
        "ok": finding.is_well,
        "note": finding.is_note,
        "says": finding.says,
        "cure": finding.cure or None,
        "fixable": finding.remedy is not None,
    }


command.add_command(doctor_chat.command)
