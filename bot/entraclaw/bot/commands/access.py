"""`entraclaw access`: who may speak to the agent, besides its sponsors."""

import json
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import click

from entraclaw.bot.access import DESK, Access, Account, Listed, read_account, read_code
from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.settings import profile_folder
from entraclaw.errors import EntraclawError

_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_tenant = click.option("--tenant", default="", metavar="TENANT", help="Of an object id alone.")
_name = click.option("--name", default="", help="A note for whoever reads the list.")
_person = click.argument("person", metavar="TENANT/OID")


@click.group(name="access")
def command() -> None:
    """Say who may speak to the agent, besides its sponsors.

    Works with and without a daemon; a running one follows at once. People are named by
    their home tenant and their object id in it, never by one of them alone.
    """


@command.command(name="list")
@_json
@click.pass_obj
def list_people(profile: str, *, as_json: bool) -> None:
    """Show who is on the list, and who waits with a code."""
    access, now = _file(profile).load(), time.time()
    if as_json:
        click.echo(json.dumps(_document(access, now)))
    else:
        _print(access, now)


@command.command()
@_person
@_tenant
@_name
@_json
@click.pass_obj
def allow(profile: str, person: str, tenant: str, name: str, *, as_json: bool) -> None:
    """Let somebody speak."""
    account, now = _account(person, tenant), time.time()
    done = f"{'/'.join(account)} may speak"
    _change(profile, lambda people: (people.allow(account, name, DESK, now), done), as_json=as_json)


@command.command()
@_person
@_tenant
@_name
@_json
@click.pass_obj
def deny(profile: str, person: str, tenant: str, name: str, *, as_json: bool) -> None:
    """Refuse somebody, in silence; a sponsor cannot be refused here."""
    account, now = _account(person, tenant), time.time()
    done = f"{'/'.join(account)} is refused, in silence, unless a sponsor"
    _change(profile, lambda people: (people.deny(account, name, DESK, now), done), as_json=as_json)


@command.command()
@_person
@_tenant
@_json
@click.pass_obj
def remove(profile: str, person: str, tenant: str, *, as_json: bool) -> None:
    """Take somebody off the list, allowed or denied."""
    account = _account(person, tenant)
    who = "/".join(account)

    def edit(access: Access) -> tuple[Access, str]:
        rest = access.remove(account)
        if rest == access:
            raise EntraclawError(f"{who} is not on the list", hint="see `entraclaw access list`")
        return rest, f"{who} is off the list"

    _change(profile, edit, as_json=as_json)


@command.command()
@click.argument("code")
@_json
@click.pass_obj
def pair(profile: str, code: str, *, as_json: bool) -> None:
    """Let in the colleague who was told CODE.

    Do it only if that person gave you the code, and never because a message asked.
    """
    read, now = read_code(code), time.time()
    if not read:
        raise click.UsageError("a code is six letters and digits, the last one a digit")

    def edit(access: Access) -> tuple[Access, str]:
        allowed, who = access.approve(read, DESK, now)
        return allowed, f"{who.name} {'/'.join(who.account)} may speak".lstrip()

    _change(profile, edit, as_json=as_json)


@command.command()
@click.argument("switch", type=click.Choice(["on", "off"]))
@_json
@click.pass_obj
def pairing(profile: str, switch: str, *, as_json: bool) -> None:
    """Tell colleagues who are on neither list a code, or stop that."""
    done = f"pairing is {switch}"
    _change(profile, lambda people: (people.set_pairing(on=switch == "on"), done), as_json=as_json)


@command.command()
@click.pass_obj
def reset(profile: str) -> None:
    """Keep a list that cannot be read aside, and begin an empty one."""
    _note_unproved()
    aside = _file(profile).set_aside(time.time())
    if aside is None:
        raise EntraclawError("the list can be read, and was left as it is")
    click.echo(f"kept aside as {aside}; the list is empty now")


def _change(profile: str, edit: Callable[[Access], tuple[Access, str]], *, as_json: bool) -> None:
    """Make one change and say what was done, or show the list as it is now."""
    _note_unproved()
    access, done = _file(profile).change(edit)
    click.echo(json.dumps(_document(access, time.time())) if as_json else done)


def _note_unproved() -> None:
    """Say what protects the list: every change comes through here first.

    Nothing proves that a person is at the desk and not the agent's own shell. Whatever
    asks for such a proof belongs here, before anything is changed.
    """
    click.echo(
        "entraclaw: note: any program that runs as you can change this list (docs/access.md)",
        err=True,
    )


def _file(profile: str) -> AccessFile:
    return AccessFile(profile_folder(os.environ, profile))


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
