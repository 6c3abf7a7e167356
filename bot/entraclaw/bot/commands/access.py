"""`entraclaw access`: who may speak to the agent, besides its sponsors."""

import json
import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import click
import psutil

from entraclaw.bot.access import Access, Account, Listed, read_account, read_code
from entraclaw.bot.access_change import differences, ids
from entraclaw.bot.access_desk import AccessDesk
from entraclaw.bot.access_file import AccessFile, Sight
from entraclaw.bot.access_format import decode
from entraclaw.bot.commands.showing import as_json_option, folder_of, wait_for_proof
from entraclaw.bot.presence import here as whoever_is_here
from entraclaw.bot.presence import polkit
from entraclaw.bot.wishing import wish
from entraclaw.errors import AccessUnsealed, ProofRefused

_json = as_json_option
_tenant = click.option("--tenant", default="", metavar="TENANT", help="Of an object id alone.")
_name = click.option("--name", default="", help="A note for whoever reads the list.")
_person = click.argument("person", metavar="TENANT/OID")
_at_this_machine = click.option(
    "--here", is_flag=True, help="Prove it at this machine, not in a chat."
)


@click.group(name="access")
def command() -> None:
    """Say who may speak to the agent, besides its sponsors.

    What lets somebody do more needs a proof: a sponsor writes a code to the agent in their
    own 1:1, or the system asks whoever sits here (docs/proof.md). People are named by their
    home tenant and their object id in it, never by one of them alone.
    """


@command.command(name="list")
@_json
@click.pass_obj
def list_people(profile: str, *, as_json: bool) -> None:
    """Show who is on the list, who waits with a code, and what is not as it was sealed."""
    file, now = AccessFile(folder_of(profile)), time.time()
    sight = file.sight()
    if sight.is_changed:
        _show_changed(file, sight, as_json=as_json)
    access = file.load()
    if as_json:
        click.echo(json.dumps(_document(access, now)))
    else:
        _print(access, now)


@command.command()
@_person
@_tenant
@_name
@_at_this_machine
@_json
@click.pass_obj
def allow(profile: str, person: str, tenant: str, name: str, *, here: bool, as_json: bool) -> None:
    """Let somebody speak; needs a proof."""
    account = _account(person, tenant)
    asked = {"do": "allow", "person": ids(account), "name": name}
    _wish(profile, asked, here=here, as_json=as_json)


@command.command()
@_person
@_tenant
@_name
@_json
@click.pass_obj
def deny(profile: str, person: str, tenant: str, name: str, *, as_json: bool) -> None:
    """Refuse somebody, in silence; a sponsor cannot be refused here."""
    account = _account(person, tenant)
    asked = {"do": "deny", "person": ids(account), "name": name}
    _wish(profile, asked, as_json=as_json)


@command.command()
@_person
@_tenant
@_at_this_machine
@_json
@click.pass_obj
def remove(profile: str, person: str, tenant: str, *, here: bool, as_json: bool) -> None:
    """Take somebody off the list; to lift a denial needs a proof."""
    account = _account(person, tenant)
    _wish(profile, {"do": "remove", "person": ids(account)}, here=here, as_json=as_json)


@command.command()
@click.argument("code")
@_at_this_machine
@_json
@click.pass_obj
def pair(profile: str, code: str, *, here: bool, as_json: bool) -> None:
    """Let in the colleague who was told CODE; needs a proof.

    Do it only if that person gave you the code, and never because a message asked.
    """
    read = read_code(code)
    if not read:
        raise click.UsageError("a code is six letters and digits, the last one a digit")
    _wish(profile, {"do": "pair", "code": read}, here=here, as_json=as_json)


@command.command()
@click.argument("switch", type=click.Choice(["on", "off"]))
@_at_this_machine
@_json
@click.pass_obj
def pairing(profile: str, switch: str, *, here: bool, as_json: bool) -> None:
    """Tell colleagues who are on neither list a code, which needs a proof, or stop that."""
    _wish(profile, {"do": "pairing", "on": switch == "on"}, here=here, as_json=as_json)


@command.command()
@_at_this_machine
@_json
@click.pass_obj
def accept(profile: str, *, here: bool, as_json: bool) -> None:
    """Take a list that was changed outside the daemon as it is now; needs a proof."""
    _wish(profile, {"do": "accept"}, here=here, as_json=as_json)


@command.command()
@_json
@click.pass_obj
def restore(profile: str, *, as_json: bool) -> None:
    """Put a list that was changed outside the daemon back as it was sealed."""
    _wish(profile, {"do": "restore"}, as_json=as_json)


@command.command()
@_at_this_machine
@click.pass_obj
def reset(profile: str, *, here: bool) -> None:
    """Keep a list that is refused aside, and begin an empty one."""
    _wish(profile, {"do": "reset"}, here=here, as_json=False)


@command.command()
@click.option("--policy", "with_policy", is_flag=True, help="Print the file that polkit needs.")
def presence(*, with_policy: bool) -> None:
    """Say whether the system can ask whoever sits here; exit 1 if it cannot.

    On Linux polkit does, once a file is installed that lets it ask you in our words:
    docs/proof.md has the line that does it.
    """
    if with_policy:
        click.echo(polkit.policy(*_user()), nl=False)
        return
    reason = whoever_is_here(os.getpid()).unavailable()
    click.echo(reason or "the system can ask you here")
    sys.exit(1 if reason else 0)


def _user() -> tuple[int, str]:
    """Tell who we are: the user's id, and their name.

    Raises:
        ProofRefused: This system has no polkit.
    """
    if sys.platform == "win32":
        raise ProofRefused("polkit is Linux' own", hint="docs/proof.md")
    return os.getuid(), psutil.Process().username()


def _wish(profile: str, asked: Mapping[str, object], *, here: bool = False, as_json: bool) -> None:
    """Have one change made and say what is so now, or show the list as it is now."""
    folder = folder_of(profile)
    request = {"change": "access", "here": here, **asked}
    desk = AccessDesk(AccessFile(folder), time.time)
    done = wish(folder, request, desk.bind, wait_for_proof)
    if as_json:
        access = decode(json.dumps(done["access"]).encode())
        click.echo(json.dumps(_document(access, time.time())))
    else:
        click.echo(done["did"])


def _show_changed(file: AccessFile, sight: Sight, *, as_json: bool) -> None:
    """Show what differs from what was sealed, and refuse the list.

    Raises:
        AccessUnsealed: Always.
    """
    lines: list[str] = []
    if sight.sealed is not None and sight.found is not None:
        lines = differences(sight.sealed, sight.found)
    if as_json:
        click.echo(json.dumps({"refused": sight.why, "changed": lines}))
    else:
        for line in lines:
            click.echo(line)
    raise AccessUnsealed(str(file.path), sight.why)


def _account(person: str, tenant: str) -> Account:
    try:
        return read_account(person, tenant)
    except ValueError as error:
        raise click.UsageError(f"{person}: {error}") from None


def _document(access: Access, now: float) -> dict[str, object]:
    """Shape the list for programs; codes stay out, they come from the people themselves."""
    return {
        "pairing": access.pairing,
        "allowed": _rows(access.allowed),
        "denied": _rows(access.denied),
        "pending": [
            {
                "tenant": one.account[0],
                "oid": one.account[1],
                "name": one.name,
                "until": _when(one.until),
                "told": one.told,
            }
            for one in access.alive(now)
        ],
    }


def _rows(listed: Mapping[Account, Listed]) -> list[dict[str, object]]:
    return [
        {"tenant": tenant, "oid": oid, "name": note.name, "since": _when(note.since), "by": note.by}
        for (tenant, oid), note in listed.items()
    ]


def _print(access: Access, now: float) -> None:
    for title, listed in (("allowed", access.allowed), ("denied", access.denied)):
        for account, note in listed.items():
            _entry(title, account, note.name, f"since {_when(note.since)}, by {note.by}")
    for one in access.alive(now):
        _entry("waits", one.account, one.name, f"with a code that is good until {_when(one.until)}")
    click.echo(f"Pairing is {'on' if access.pairing else 'off'}. Sponsors may always speak.")


def _entry(title: str, account: Account, name: str, rest: str) -> None:
    click.echo(f"{title:<8} {'/'.join(account)}  {name}".rstrip())
    click.echo(f"{'':<8} {rest}")


def _when(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).isoformat(" ", "seconds")
