"""`entraclaw sign-in`: let the agent act for whoever signs in here."""

import logging
import os
import time

import click

from entraclaw.bot.commands.pages import device_code_option, page_of, show_code
from entraclaw.bot.commands.showing import as_json_option, iso, print_json
from entraclaw.bot.delegating import sign_in_file
from entraclaw.bot.plain import plain_text
from entraclaw.bot.principal import ActsAs
from entraclaw.bot.settings import Settings
from entraclaw.errors import BadSettings, Problem
from entraclaw.identity import AgentIds
from entraclaw.identity.signing_in import SigningIn

_show_page = page_of("entraclaw sign-in")


@click.command(name="sign-in")
@device_code_option
@as_json_option
@click.pass_obj
def command(profile: str, *, device_code: bool, as_json: bool) -> None:
    """Sign in as the person that this profile acts for.

    Only where acts_as is delegated. A page opens in your browser; whoever signs in there is
    whom the agent acts for at Microsoft Graph, and whatever it sends says so. A running
    daemon takes it up by itself. docs/identity/delegated.md
    """
    settings, agent = acting_for_a_person(profile)
    # msal says in warnings what an answer held that it could not take.
    logging.getLogger("msal").setLevel(logging.CRITICAL)
    file = sign_in_file(settings, agent)
    signing_in = SigningIn(file, settings.cloud, (agent.tenant, settings.client), time)
    account = signing_in.by_code(show_code) if device_code else signing_in.by_browser(_show_page)
    if as_json:
        who = {"oid": account.oid, "name": account.name, "upn": account.upn}
        print_json({"profile": profile, **who, "since": iso(account.since)})
    else:
        name = plain_text(f"{account.name} ({account.upn})")
        click.echo(f"signed in: {profile} acts for {name}, and marks what it sends")


def acting_for_a_person(profile: str) -> tuple[Settings, AgentIds]:
    """Read the settings of *profile*, which must act for a person.

    Raises:
        BadSettings: It does not, or something else is wrong.
    """
    settings = Settings.read(os.environ, profile)
    if settings.acts_as is not ActsAs.DELEGATED or settings.agent is None:
        raise BadSettings(
            [
                Problem(
                    "acts_as",
                    f"is {settings.acts_as}: nobody signs in for this profile",
                    "set it to delegated, with inbound, bot and client: docs/identity/delegated.md",
                )
            ]
        )
    return settings, settings.agent
