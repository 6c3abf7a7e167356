"""`entraclaw key`: where the agent's key is kept, and a new one where there is none."""

import os
import sys
from collections.abc import Sequence

import click
from rich.table import Table
from rich.text import Text

from entraclaw.bot.commands.showing import as_json_option, console, print_json, safe
from entraclaw.bot.key_look import Facts, Seen, see
from entraclaw.bot.keystores import ProfileKey, stores_of
from entraclaw.bot.settings import Settings, Store
from entraclaw.errors import BadSettings, KeyUnavailable, Problem
from entraclaw.identity.keys import Binding, KeyStore

_SHOWN = tuple(store for store in Store if store is not Store.AUTO)


@click.group(name="key")
def command() -> None:
    """See where the agent's key is kept, and make one where there is none.

    Works with and without a daemon. docs/identity/keys.md compares the stores.
    """


@command.command(name="list")
@as_json_option
@click.pass_obj
def list_keys(profile: str, *, as_json: bool) -> None:
    """Show every key store, why it cannot be used here, and the key in it.

    Exit 1 if none of those that the profile allows has the key.
    """
    settings = Settings.read(os.environ, profile)
    seen = see(stores_of(settings, _SHOWN), profile)
    allowed = {name.value for name in stores_of(settings)}
    if as_json:
        stores = [one.document() | {"allowed": one.store in allowed} for one in seen]
        print_json({"profile": profile, "key_store": settings.key_store, "stores": stores})
    else:
        _print(seen, allowed)
    sys.exit(0 if any(one.key and one.store in allowed for one in seen) else 1)


@command.command()
@click.pass_obj
def new(profile: str) -> None:
    """Make a key in the first store that can, and print its certificate.

    Register the certificate on the blueprint in Entra; the key is good for nothing before.
    A profile that has a key keeps it.
    """
    settings = Settings.read(os.environ, profile)
    if settings.agent is None:
        raise BadSettings(
            [Problem("tenant", "is missing", "name the agent in config.toml: a key is for one")]
        )
    stores = stores_of(settings)
    held = next((one for one in see(stores, profile) if one.key), None)
    if held is not None:
        raise KeyUnavailable(
            f"the profile {profile!r} has a key in {held.store}", hint="`entraclaw key list`"
        )
    name, store = _first_usable(stores)
    key = store.create(profile, Binding(settings.cloud.login, settings.agent.tenant))
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


def _first_usable(stores: dict[Store, KeyStore]) -> tuple[Store, KeyStore]:
    reasons: list[str] = []
    for name, store in stores.items():
        reason = store.unavailable()
        if reason is None:
            return name, store
        reasons.append(f"{name}: {reason}")
    raise KeyUnavailable(
        f"no key store can be used here: {'; '.join(reasons)}",
        hint="docs/identity/keys.md says what each needs",
    )


def _print(seen: Sequence[Seen], allowed: set[str]) -> None:
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
    console().print(grid)


def _facts(key: Facts) -> Text:
    return safe(f"{key.algorithm}, for {key.tenant}, until {key.ends}, {key.thumbprint}", "green")
