"""`entraclaw permissions`: what the agent is granted, against what its features need."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

import click

from entraclaw.bot import feature_setting
from entraclaw.bot.administrator_desk import PERMISSIONS
from entraclaw.bot.commands.administrating import (
    administering,
    agent_user_of,
    here_option,
    proved,
)
from entraclaw.bot.commands.pages import device_code_option
from entraclaw.bot.commands.permissions_page import document, left_after, print_page
from entraclaw.bot.commands.showing import as_json_option, print_json
from entraclaw.bot.plain import plain_text
from entraclaw.bot.settings import Settings
from entraclaw.errors import BadSettings, CallRefused, SignInRefused
from entraclaw.identity import AgentIds
from entraclaw.identity.features import Feature, wanted
from entraclaw.identity.provisioning import granting
from entraclaw.identity.provisioning.consent import consent_page
from entraclaw.identity.provisioning.driving import Driver
from entraclaw.identity.provisioning.granted import Standing, spare
from entraclaw.identity.refusals import NEEDS_ADMINISTRATOR

_TYPED = "entraclaw permissions"
_AFTER_REVOKING = (
    "tokens that were given before are good for an hour or so; take what the agent is not to do"
    " out of features in config.toml as well"
)
_with = click.option(
    "--with",
    "more",
    type=click.Choice([one.value for one in Feature if one is not Feature.CHAT]),
    multiple=True,
    help="A feature besides those of the profile; may be given more than once.",
)


@click.group(name="permissions")
def command() -> None:
    """Compare what the agent is granted with what it needs, and grant or revoke it.

    What it needs follows from `features` in config.toml. An administrator signs in for each
    command, and is forgotten when it ends. docs/permissions.md
    """


@command.command()
@_with
@device_code_option
@as_json_option
@click.pass_obj
def show(profile: str, *, more: tuple[str, ...], device_code: bool, as_json: bool) -> None:
    """Show what is granted, what is missing, and what nothing needs; exit 1 if any is missing."""
    desk = _Desk.of(profile, more)
    with administering(
        desk.settings,
        desk.agent.tenant,
        granting.READING,
        command=f"{_TYPED} show",
        by_code=device_code,
    ) as graph:
        standing = desk.look(graph)
    if as_json:
        print_json({"profile": profile, "features": list(desk.features), **document(standing)})
    else:
        print_page(standing)
    if standing.lacks:
        raise click.exceptions.Exit(1)


@dataclass(frozen=True, slots=True)
class _Desk:
    """One profile, and the features that are meant."""

    settings: Settings
    agent: AgentIds
    features: tuple[Feature, ...]

    @classmethod
    def of(cls, profile: str, more: Sequence[str] = ()) -> "_Desk":
        settings, agent = agent_user_of(profile)
        meant = {*settings.features, *(Feature(one) for one in more)}
        features = tuple(one for one in Feature if one in meant)
        problems = feature_setting.not_offered(features, settings.cloud)
        if problems:
            raise BadSettings(problems)
        return cls(settings, agent, features)

    def page(self, standing: Standing | None = None) -> str:
        """Give the page on which somebody consents to what lacks; to all where that is unknown."""
        wants = wanted(self.features, self.settings.cloud)
        scopes = [(want.resource, name) for want in wants for name in sorted(want.scopes)]
        if standing is not None:
            scopes = [(row.address, name) for row in standing.lacks for name in row.grantable]
        return consent_page(
            self.settings.cloud, self.agent.tenant, self.agent.agent, scopes, self.settings.profile
        )

    def look(self, graph: Driver) -> Standing:
        return graph.run(granting.look(self.agent, wanted(self.features, self.settings.cloud)))


@command.command()
@_with
@here_option
@device_code_option
@as_json_option
@click.pass_obj
def grant(
    profile: str, *, more: tuple[str, ...], here: bool, device_code: bool, as_json: bool
) -> None:
    """Grant what is missing; needs a proof.

    Where whoever signs in may not, the address of one page is printed on which an
    administrator who may consents to it all.
    """
    desk = _Desk.of(profile, more)
    try:
        with administering(
            desk.settings,
            desk.agent.tenant,
            granting.WRITING,
            command=f"{_TYPED} grant",
            by_code=device_code,
        ) as graph:
            before = desk.look(graph)
            asked = {row.resource.name: list(row.grantable) for row in before.lacks}
            asked = {name: scopes for name, scopes in asked.items() if scopes}
            if asked:
                proved(profile, {"do": PERMISSIONS, "scopes": asked}, here=here)
            done, is_denied = _granted(graph, desk.agent, before)
    except SignInRefused as refused:
        if refused.code not in NEEDS_ADMINISTRATOR:
            raise
        told = _Told(profile, {}, {}, desk.page())
    else:
        left = left_after(before, done)
        told = _Told(profile, done, left, desk.page(before) if is_denied else "")
    told.say(as_json=as_json)


@command.command()
@_with
@click.option("--extra", is_flag=True, help="Also what no feature needs.")
@device_code_option
@as_json_option
@click.pass_obj
def revoke(
    profile: str, *, more: tuple[str, ...], extra: bool, device_code: bool, as_json: bool
) -> None:
    """Take away what only the named features need, or what none needs.

    What the blueprint hands down, and what the agent may as itself, stay.
    """
    if not (more or extra):
        raise click.UsageError("say what goes: --with FEATURE, or --extra")
    desk = _Desk.of(profile)
    gone = frozenset(Feature(one) for one in more)
    still = [one for one in desk.features if one not in gone]
    with administering(
        desk.settings,
        desk.agent.tenant,
        granting.WRITING,
        command=f"{_TYPED} revoke",
        by_code=device_code,
    ) as graph:
        wants = wanted([*desk.features, *gone], desk.settings.cloud)
        standing = graph.run(granting.look(desk.agent, wants))
        taken = spare(standing, wanted(still, desk.settings.cloud), everything=extra)
        done = {row.resource.name: graph.run(granting.take(row, scopes)) for row, scopes in taken}
    done = {name: scopes for name, scopes in done.items() if scopes}
    if as_json:
        print_json({"profile": profile, "revoked": done})
        return
    for name, scopes in done.items():
        click.echo(f"revoked: {plain_text(name)}: {', '.join(scopes)}")
    click.echo(_AFTER_REVOKING if done else "nothing was granted that goes")


def _granted(
    graph: Driver, agent: AgentIds, before: Standing
) -> tuple[dict[str, tuple[str, ...]], bool]:
    """Grant what can be; gives what was, and whether whoever signed in may not."""
    done: dict[str, tuple[str, ...]] = {}
    start = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds")
    for row in before.lacks:
        try:
            scopes = graph.run(granting.add(agent, row, start.replace("+00:00", "Z")))
        except CallRefused as refused:
            if refused.status != HTTPStatus.FORBIDDEN:
                raise
            return done, True
        if scopes:
            done[row.resource.name] = scopes
    return done, False


@dataclass(frozen=True, slots=True)
class _Told:
    """What came of granting.

    Attributes:
        profile: Whose.
        granted: By resource.
        left: Why something is missing still, by resource.
        page: Where somebody who may consents; empty where nobody must.
    """

    profile: str
    granted: Mapping[str, Sequence[str]]
    left: Mapping[str, Sequence[str]]
    page: str

    def say(self, *, as_json: bool) -> None:
        is_done = not (self.left or self.page)
        if as_json:
            told = {"ok": is_done, "granted": self.granted, "left": self.left}
            print_json({"profile": self.profile, **told, "consent_page": self.page or None})
        else:
            self._print()
        if not is_done:
            raise click.exceptions.Exit(3)

    def _print(self) -> None:
        for name, scopes in self.granted.items():
            click.echo(f"granted: {plain_text(name)}: {', '.join(scopes)}")
        for name, reasons in self.left.items():
            for reason in reasons:
                click.echo(f"missing: {plain_text(name)}: {plain_text(reason)}")
        if self.page:
            click.echo("whoever signed in may not grant it; somebody who may opens this page:")
            click.echo(self.page)
            click.echo("then `entraclaw permissions show` says what is missing still")
        elif self.granted:
            click.echo("tokens carry it within two minutes")
        elif not self.left:
            click.echo("nothing is missing")
