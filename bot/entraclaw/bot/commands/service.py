"""`entraclaw service`: have this machine's service manager run the daemon."""

import os
from collections.abc import Iterator
from dataclasses import replace

import click

from entraclaw.bot.commands.showing import as_json_option, folder_of, print_json
from entraclaw.bot.local_client import ask
from entraclaw.bot.local_socket import unsupported
from entraclaw.bot.services.here import seen, service_of
from entraclaw.bot.services.service import Outcome, Service
from entraclaw.bot.settings import Settings, Store
from entraclaw.errors import EntraclawError, NotRunning

_OURS = ("ENTRACLAW_HOME", "ENTRACLAW_PROFILE")


@click.group(name="service")
def command() -> None:
    """Have the daemon of a profile started when you log in, and kept running.

    By launchd, systemd or the Task Scheduler, as you and nobody else.
    """


@command.command()
@as_json_option
@click.pass_obj
def install(profile: str, *, as_json: bool) -> None:
    """Start the daemon now and at each login, from this very installation.

    One that fails is started again, after a pause that grows. One whose settings are wrong
    is left. Twice is as once; after a move of the installation, do it again.
    """
    if (says := unsupported()) is not None:
        raise EntraclawError(says, hint="docs/platforms.md says what works where")
    notes = tuple(_notes(profile))
    outcome = _service(profile).install()
    _show(replace(outcome, notes=notes + outcome.notes), "written", as_json=as_json)
    if not as_json:
        click.echo("next: `entraclaw status`")


@command.command()
@as_json_option
@click.pass_obj
def remove(profile: str, *, as_json: bool) -> None:
    """Stop it, and take out exactly what `install` made."""
    _show(_service(profile).remove(), "removed", as_json=as_json)


def _service(profile: str) -> Service:
    service = service_of(os.environ, profile)
    if service is None:
        raise EntraclawError(
            "no service manager is known here",
            hint="have what starts your programs run `entraclaw serve`",
        )
    return service


def _notes(profile: str) -> Iterator[str]:
    """Say what is here now and will be otherwise for a service.

    Raises:
        BadSettings: The settings it would have are wrong.
    """
    service_has = {name: value for name, value in os.environ.items() if _is_kept(name)}
    settings = Settings.read(service_has, profile)
    if settings != _as_here(profile):
        left = sorted(name for name in os.environ if not _is_kept(name))
        yield f"the service does not see {', '.join(left)}: name that in config.toml"
    if settings.key_store is Store.PKCS11:
        yield "nobody can type a PIN there: keep it in the keyring, docs/identity/keys-pkcs11.md"
    if seen(os.environ, profile) is None:
        yield from _another(profile)


def _as_here(profile: str) -> Settings | None:
    try:
        return Settings.read(os.environ, profile)
    except EntraclawError:
        return None


def _is_kept(name: str) -> bool:
    return not name.startswith("ENTRACLAW_") or name in _OURS


def _another(profile: str) -> Iterator[str]:
    try:
        pid = ask(str(folder_of(profile)))["pid"]
    except NotRunning:
        return
    yield f"a daemon runs already (pid {pid}): the service waits until that ends"


def _show(outcome: Outcome, done: str, *, as_json: bool) -> None:
    if as_json:
        print_json(outcome.document())
        return
    said = done if outcome.was_changed else "nothing to change"
    click.echo(f"{outcome.service} of {outcome.manager}: {said}: {outcome.place}")
    for note in outcome.notes:
        click.echo(f"note: {note}")
