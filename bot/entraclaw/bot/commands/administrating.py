"""What the commands of an administrator have in common: the sign-in, and what is waited for."""

import logging
import os
import time
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from entraclaw.bot.administrator_desk import CHANGE, AdministratorDesk
from entraclaw.bot.commands.pages import page_of, show_code
from entraclaw.bot.commands.showing import console, folder_of, wait_for_proof
from entraclaw.bot.plain import plain_text
from entraclaw.bot.settings import Settings
from entraclaw.bot.wishing import wish
from entraclaw.errors import BadSettings, Problem
from entraclaw.identity import AgentIds
from entraclaw.identity.provisioning.administrator import ANY_TENANT, Administrator, Person
from entraclaw.identity.provisioning.driving import Driver, Waiting
from entraclaw.identity.provisioning.graph_admin import GraphAdmin

if TYPE_CHECKING:
    from rich.status import Status


def agent_user_of(profile: str) -> tuple[Settings, AgentIds]:
    """Read the settings of *profile*, which must have an agent user.

    Raises:
        BadSettings: It has none, or something else is wrong.
    """
    settings = Settings.read(os.environ, profile)
    if settings.agent is None or not settings.agent.user:
        problem = Problem(
            "user",
            "is missing: this is about an agent user, and the profile has none",
            "`entraclaw setup` makes one; or name tenant, blueprint, agent and user",
        )
        raise BadSettings([problem])
    return settings, settings.agent


here_option = click.option("--here", is_flag=True, help="Prove it at this machine, not in a chat.")


@contextmanager
def administering(
    settings: Settings, tenant: str, permissions: Collection[str], *, command: str, by_code: bool
) -> Generator[Driver]:
    """Sign an administrator of *tenant* in, and run orders, for as long as the block runs.

    Raises:
        SignInRefused: Nobody was signed in.
        Unreachable: Entra did not answer.
    """
    with (
        signed_in(settings, tenant, permissions, command=command, by_code=by_code) as (graph, _),
        waiting() as tell,
    ):
        yield Driver(graph, tell)


@contextmanager
def signed_in(
    settings: Settings, tenant: str, permissions: Collection[str], *, command: str, by_code: bool
) -> Generator[tuple[GraphAdmin, Person]]:
    """Sign an administrator of *tenant* in, for as long as the block runs.

    Args:
        settings: Of the profile.
        tenant: A GUID, or `ANY_TENANT`.
        permissions: Graph's, that are asked for.
        command: As it is typed.
        by_code: Whether to sign in by a code.

    Raises:
        SignInRefused: Nobody was signed in.
        Unreachable: Entra did not answer.
    """
    # msal says in warnings what an answer held that it could not take.
    logging.getLogger("msal").setLevel(logging.CRITICAL)
    place = (tenant, settings.admin_client)
    administrator = Administrator(settings.cloud, place, permissions, time)
    which = "your tenant" if tenant == ANY_TENANT else tenant
    click.echo(f"sign in as an administrator of {which}", err=True)
    if by_code:
        person = administrator.by_code(show_code)
    else:
        person = administrator.by_browser(page_of(command))
    click.echo(f"signed in: {plain_text(person.upn or person.oid)}, for this command", err=True)
    with GraphAdmin(settings.cloud, administrator.token) as graph:
        yield graph, person


def proved(profile: str, request: Mapping[str, object], *, here: bool) -> None:
    """Go on only once a person who may has proved that they want what *request* asks.

    Raises:
        ProofRefused: Nobody did.
        EntraclawError: It cannot be asked for.
    """
    asked = {"change": CHANGE, "here": here, **request}
    wish(folder_of(profile), asked, AdministratorDesk().bind, wait_for_proof)


@contextmanager
def waiting() -> Generator["Teller"]:
    """Show on stderr what is waited for, while the block runs."""
    teller = Teller()
    try:
        yield teller
    finally:
        teller.close()


class Teller:
    """Says what is waited for: on a terminal in one line that changes, else once for each."""

    def __init__(self) -> None:
        """Say nothing yet."""
        self._console = console(to_stderr=True)
        self._status: Status | None = None
        self._said = ""

    def __call__(self, waiting: Waiting) -> None:
        """Say that *waiting* goes on."""
        what = f"waiting for {waiting.call.awaits or 'an answer'}: {waiting.why}"
        if not self._console.is_terminal:
            if what != self._said:
                click.echo(what, err=True)
            self._said = what
            return
        line = f"{what} ({waiting.waited_s:.0f} s)"
        if self._status is None:
            self._status = self._console.status(line)
            self._status.start()
        self._status.update(line)

    def close(self) -> None:
        """Take the line away."""
        if self._status is not None:
            self._status.stop()
        self._status = None
