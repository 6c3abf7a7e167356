"""`entraclaw key`: where the agent's key is kept, and a new one where there is none, or no good."""

import os
import sys
from collections.abc import Sequence

import click
from rich.table import Table
from rich.text import Text

from entraclaw.bot import memory
from entraclaw.bot.commands.key_rotate import agent_of, registered, rotate
from entraclaw.bot.commands.showing import as_json_option, console, print_json, safe
from entraclaw.bot.key_look import Facts, Seen, see
from entraclaw.bot.key_making import made
from entraclaw.bot.key_note import KeyNote
from entraclaw.bot.keystores import ProfileKey, candidates, stores_of
from entraclaw.bot.rotating import one_at_a_time
from entraclaw.bot.settings import Settings, Store
from entraclaw.identity.keys import Binding
from entraclaw.identity.rotation_orders import Phase

_SHOWN = tuple(store for store in Store if store is not Store.AUTO)


@click.group(name="key")
def command() -> None:
    """See where the agent's key is kept, make one where there is none, or change it.

    Works with and without a daemon. docs/identity/keys.md compares the stores.
    """
    memory.seal()


command.add_command(rotate)


@command.command(name="list")
@click.option("--ask", is_flag=True, help="Ask Microsoft whether the key is registered.")
@as_json_option
@click.pass_obj
def list_keys(profile: str, *, ask: bool, as_json: bool) -> None:
    """Show every key store, why it cannot be used here, and the key in it.

    Exit 1 if none of those that the profile allows has the key, or it is not registered.
    """
    settings = Settings.read(os.environ, profile)
    noted = KeyNote(settings.folder, profile)
    seen = see(stores_of(settings, _SHOWN), candidates(noted))
    allowed = {name.value for name in stores_of(settings)}
    note = noted.read()
    is_unfinished = note is not None and note.phase is not Phase.SETTLED
    is_known = registered(settings) if ask else None
    if as_json:
        print_json(
            {
                "profile": profile,
                "key_store": settings.key_store,
                "stores": [one.document() | {"allowed": one.store in allowed} for one in seen],
                "registered": is_known,
                "rotation": "unfinished" if is_unfinished else None,
            }
        )
    else:
        _print(seen, allowed, is_known=is_known, is_unfinished=is_unfinished)
    has_key = any(one.key and one.store in allowed for one in seen)
    sys.exit(0 if has_key and is_known is not False else 1)


@command.command()
@click.pass_obj
def new(profile: str) -> None:
    """Make a key in the first store that can, and print its certificate.

    Register the certificate on the blueprint in Entra; the key is good for nothing before.
    A profile that has a key keeps it, unless its certificate has ended.
    """
    settings = Settings.read(os.environ, profile)
    binding = Binding(settings.cloud.login, agent_of(settings).tenant)
    with one_at_a_time(settings.folder):
        name, key = made(stores_of(settings), KeyNote(settings.folder, profile), binding)
    click.echo(f"made in {name}; register this certificate on the blueprint:", err=True)
    click.echo(key.certificate.decode("ascii"), nl=False)


@command.command()
@click.pass_obj
def certificate(profile: str) -> None:
    """Print the certificate of the profile's key, to register it.

    It is public: whoever has it can tell what the key signed, and nothing else.
    """
    _, key, _ = ProfileKey(Settings.read(os.environ, profile)).held()
    click.echo(key.certificate.decode("ascii"), nl=False)


def _print(
    seen: Sequence[Seen], allowed: set[str], *, is_known: bool | None, is_unfinished: bool
) -> None:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for one in seen:
        copied = "its keys can be copied" if one.exportable else "its keys cannot leave it"
        grid.add_row(one.store, copied if one.store in allowed else f"{copied}; not allowed")
        if one.why_not:
            grid.add_row("", safe(one.why_not, "yellow"))
        elif one.key is None:
            grid.add_row("", Text("no key of this profile", "dim"))
        if one.key is not None:
            grid.add_row("", _facts(one.key))
    if is_known is not None:
        told = safe("yes", "green") if is_known else safe("no: an administrator must do it", "red")
        grid.add_row("registered", told)
    if is_unfinished:
        grid.add_row("rotation", safe("unfinished: `entraclaw key rotate` goes on", "yellow"))
    console().print(grid)


def _facts(key: Facts) -> Text:
    return safe(f"{key.algorithm}, for {key.tenant}, until {key.ends}, {key.thumbprint}", "green")
