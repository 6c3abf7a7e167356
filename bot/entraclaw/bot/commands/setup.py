"""`entraclaw setup`: plan an agent, make it, and see a message arrive."""

import os
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from entraclaw.bot import memory
from entraclaw.bot.commands.administrating import here_option, proved, signed_in
from entraclaw.bot.commands.consenting import led_to_consent
from entraclaw.bot.commands.pages import device_code_option
from entraclaw.bot.commands.setup_page import (
    Stepping,
    print_page_to_open,
    print_plan,
    rows_document,
)
from entraclaw.bot.commands.showing import as_json_option, print_json
from entraclaw.bot.principal import ActsAs
from entraclaw.bot.settings import Settings, Store
from entraclaw.bot.setup.asked import Asked
from entraclaw.bot.setup.flow import STEPS, Flow, refuse
from entraclaw.bot.setup.profile_files import JournalFile, one_setup
from entraclaw.errors import BadSettings, Problem, SetupUnfinished
from entraclaw.identity.provisioning.administrator import ANY_TENANT, Person
from entraclaw.identity.provisioning.asking import for_plan, for_setup
from entraclaw.identity.provisioning.graph_admin import GraphAdmin
from entraclaw.identity.provisioning.plan import blocked

_TYPED = "entraclaw setup"
_WAIT_S = 900
_STORES = [one.value for one in Store]


@click.command(name="setup")
@click.option("--plan", is_flag=True, help="Say what is there and what would be made.")
@click.option("--with", "more", metavar="FEATURES", help="Besides chat: mail,calendar,files,word.")
@click.option("--name", default="Agent", show_default=True, help="What people call the agent.")
@click.option("--upn", default="", metavar="ADDRESS", help="Its user's address; else chosen.")
@click.option("--domain", default="", help="Where that is, when it is chosen.")
@click.option("--sponsor", multiple=True, metavar="WHO", help="Who answers for it; else you.")
@click.option("--join", default="", metavar="BLUEPRINT", help="Use a blueprint that is there.")
@click.option("--adopt", default="", metavar="USER", help="Use an agent user that was hired.")
@click.option("--principal", type=click.Choice(["agentic", "bot"]), help="To whom people write.")
@click.option("--bot", default="", metavar="APP", help="The classic bot they write to.")
@click.option("--licence", default="", metavar="PRODUCT", help="Which licence it gets.")
@click.option("--no-licence", is_flag=True, help="Leave its licence to somebody else.")
@click.option("--endpoint", default="", metavar="URL", help="The webhook's public address.")
@click.option("--cloud", default="", metavar="NAME", help="As in config.toml, and written there.")
@click.option("--key-store", type=click.Choice(_STORES), help="The same.")
@click.option(
    "--wait",
    default=_WAIT_S,
    show_default=True,
    metavar="SECONDS",
    type=click.IntRange(0),
    help="How long to wait for others: a consent, a message.",
)
@here_option
@device_code_option
@as_json_option
@click.pass_obj
def command(profile: str, /, *, plan: bool, as_json: bool, **options: object) -> None:
    """Make an agent in your tenant, and see a first message arrive.

    You sign in as an administrator, for this command alone. Broken off, or waiting for
    somebody, it goes on where it was when you run it again. docs/setup.md
    """
    memory.seal()
    options["cloud"] = _whole(str(options["cloud"]))
    asked = Asked(**options)  # type: ignore[arg-type]  # click gives each the type it declares
    settings = _settings(profile, asked)
    if plan:
        _plan(settings, asked, as_json=as_json)
        return
    with one_setup(settings.folder), _resumable():
        told = _set_up(settings, asked, as_json=as_json)
    if as_json:
        print_json({"profile": profile, **told})
    else:
        click.echo(f"a message has arrived: {told['upn'] or 'the agent'} is set up")
        click.echo("next: `entraclaw connect claude`, then `entraclaw service install`")


def _plan(settings: Settings, asked: Asked, *, as_json: bool) -> None:
    flow = Flow(settings, asked, JournalFile(settings.folder), Stepping(STEPS, is_quiet=True))
    with _signed_in(
        settings, flow, for_plan(flow.wish), command=f"{_TYPED} --plan", by_code=asked.device_code
    ) as (graph, person):
        facts, _, rows = flow.planned(graph, person.tenant, patiently=False)
    if as_json:
        print_json({"profile": settings.profile, "plan": rows_document(rows)})
    else:
        print_plan(rows, facts, settings.profile)
    if blocked(rows):
        raise click.exceptions.Exit(1)


def _set_up(settings: Settings, asked: Asked, *, as_json: bool) -> dict[str, object]:
    stepping = Stepping(STEPS, is_quiet=as_json)
    flow = Flow(settings, asked, JournalFile(settings.folder), stepping)
    with _signed_in(
        settings, flow, for_setup(flow.wish), command=_TYPED, by_code=asked.device_code
    ) as (graph, person):
        with stepping.shown():
            facts, journal, rows = flow.planned(graph, person.tenant, patiently=True)
        if not as_json:
            print_plan(rows, facts, settings.profile)
        refuse(rows)
        flow.prove(facts, journal, lambda one: proved(settings.profile, one, here=asked.here))
        with stepping.shown():
            made = flow.make(graph, facts, journal)
            page = flow.consent(graph, made, _show_consent)
    with stepping.shown():
        flow.see(made)
    ids = made.applied.ids
    return {
        "upn": made.upn,
        "tenant": ids.tenant,
        "blueprint": ids.blueprint,
        "agent": ids.agent,
        "user": ids.user,
        "plan": rows_document(rows),
        "steps": stepping.done,
        "consent": page or None,
        "endpoint": made.applied.journal.endpoint or None,
    }


@contextmanager
def _signed_in(
    settings: Settings, flow: Flow, permissions: frozenset[str], *, command: str, by_code: bool
) -> Generator[tuple[GraphAdmin, Person]]:
    tenant = flow.tenant or ANY_TENANT
    with ExitStack() as stack:
        with led_to_consent(settings, tenant, permissions):
            signed = signed_in(settings, tenant, permissions, command=command, by_code=by_code)
            place = stack.enter_context(signed)
        yield place


def _settings(profile: str, asked: Asked) -> Settings:
    """Read the settings of *profile* as they will be once what is asked is written down.

    Raises:
        BadSettings: Something is wrong with them.
    """
    environ = dict(os.environ)
    if asked.cloud:
        environ["ENTRACLAW_CLOUD"] = asked.cloud
    settings = asked.applied(Settings.read(environ, profile))
    if settings.acts_as is not ActsAs.AGENT_USER:
        reason = f"is {settings.acts_as}: this makes an agent user"
        cure = "set another profile up: `entraclaw --profile NAME setup`"
        raise BadSettings([Problem("acts_as", reason, cure)])
    return settings


@contextmanager
def _resumable() -> Generator[None]:
    """Say to whoever breaks it off how it goes on."""
    try:
        yield
    except KeyboardInterrupt:
        raise SetupUnfinished(
            "broken off; what was made is noted", hint="run the same command again: it goes on"
        ) from None


def _whole(cloud: str) -> str:
    """Name a cloud as ``config.toml`` does from any folder: a file by its whole path."""
    return str(Path(cloud).absolute()) if cloud.endswith(".toml") else cloud


def _show_consent(address: str) -> None:
    print_page_to_open(address, "an administrator who may consents here, once for all of it:")
