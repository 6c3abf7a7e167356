"""`entraclaw key rotate`: a new key in the place of the old one, step by step."""

import os
import time
from collections.abc import Generator
from contextlib import contextmanager

import click
from rich.text import Text

from entraclaw.bot.commands.showing import as_json_option, console, print_json, safe
from entraclaw.bot.keystores import ProfileKey
from entraclaw.bot.rotating import (
    Tools,
    applications_of,
    begun,
    is_registered,
    one_at_a_time,
)
from entraclaw.bot.settings import Settings
from entraclaw.errors import BadSettings, HopRefused, Problem, RotationUnfinished
from entraclaw.identity import AgentIds
from entraclaw.identity.assertion import thumbprint
from entraclaw.identity.keys import Binding
from entraclaw.identity.registration import Registration

_COLOURS = {"waiting": "dim", "warning": "yellow"}
_NOT_REGISTERED = "AADSTS700027"


@click.command()
@as_json_option
@click.pass_obj
def rotate(profile: str, *, as_json: bool) -> None:
    """Put a new key in the place of the profile's key.

    The new key is registered and proven by a token before the old one goes; other machines
    keep theirs. A running daemon needs no restart. Broken off, it leaves a working key, and
    the next `key rotate` finishes it.
    """
    settings = Settings.read(os.environ, profile)
    agent = agent_of(settings)
    steps: list[dict[str, str]] = []

    def tell(step: str, words: str) -> None:
        steps.append({"step": step, "text": words})
        if not as_json:
            line = Text.assemble((f"{step:<11}", "bold"), safe(words, _COLOURS.get(step, "")))
            console().print(line, soft_wrap=True)

    with one_at_a_time(settings.folder), _registration(settings, agent) as registration:
        key = ProfileKey(settings)
        old = key()
        binding = Binding(settings.cloud.login, agent.tenant)
        try:
            begun(key, binding, agent, Tools(registration, time.sleep, tell)).run()
        except KeyboardInterrupt:
            raise RotationUnfinished(
                "the rotation was broken off; a working key is in use",
                hint="run `entraclaw key rotate` again: it goes on, or undoes what was begun",
            ) from None
        new = key()
    if as_json:
        named = {"old": thumbprint(old.certificate), "key": thumbprint(new.certificate)}
        print_json({"profile": profile, "store": key.document()["store"], **named, "steps": steps})


def agent_of(settings: Settings) -> AgentIds:
    """Say for whom the key is.

    Raises:
        BadSettings: The profile has no agent.
    """
    if settings.agent is None:
        raise BadSettings(
            [Problem("tenant", "is missing", "`entraclaw setup` makes an agent, and its key")]
        )
    return settings.agent


def registered(settings: Settings) -> bool:
    """Ask Microsoft whether the profile's key is registered wherever it must be.

    Raises:
        EntraclawError: It cannot be asked.
    """
    agent = agent_of(settings)
    with _registration(settings, agent) as registration:
        try:
            return is_registered(ProfileKey(settings)(), applications_of(agent), registration)
        except HopRefused as refusal:
            if refusal.code != _NOT_REGISTERED:
                raise
            return False


@contextmanager
def _registration(settings: Settings, agent: AgentIds) -> Generator[Registration]:
    registration = Registration(settings.cloud, agent.tenant, agent.blueprint, time.time)
    try:
        yield registration
    finally:
        registration.close()
