"""`entraclaw sponsors`: who may tell the agent what to do, and answers for it."""

from collections.abc import Mapping

import click
from rich.table import Table

from entraclaw.bot.administrator_desk import SPONSOR
from entraclaw.bot.commands.administrating import (
    administering,
    agent_user_of,
    here_option,
    proved,
)
from entraclaw.bot.commands.pages import device_code_option
from entraclaw.bot.commands.showing import as_json_option, console, print_json, safe
from entraclaw.bot.plain import plain_text
from entraclaw.identity.provisioning import sponsoring
from entraclaw.identity.provisioning.sponsoring import Of, Sponsor, Sponsors

_TYPED = "entraclaw sponsors"
_on = click.option(
    "--on",
    "kinds",
    type=click.Choice([one.value for one in Of]),
    multiple=True,
    default=[Of.USER.value],
    show_default=True,
    help="Whose sponsor; may be given more than once.",
)


@click.group(name="sponsors")
def command() -> None:
    """See, add and remove the agent's sponsors.

    The sponsors of the agent user may tell it what to do; a running daemon learns of a change
    within five minutes. An administrator signs in for each command, and is forgotten when it
    ends. docs/sponsors.md
    """


@command.command(name="list")
@device_code_option
@as_json_option
@click.pass_obj
def list_sponsors(profile: str, *, device_code: bool, as_json: bool) -> None:
    """Show who sponsors the agent's user, its identity and its blueprint."""
    settings, agent = agent_user_of(profile)
    with administering(
        settings, agent.tenant, sponsoring.READING, command=f"{_TYPED} list", by_code=device_code
    ) as graph:
        seen = graph.run(sponsoring.look(agent))
    if as_json:
        print_json({"profile": profile, **{one.of.value: _document(one) for one in seen}})
    else:
        _print(seen)


@command.command()
@click.argument("person")
@_on
@here_option
@device_code_option
@as_json_option
@click.pass_obj
def add(
    profile: str,
    person: str,
    *,
    kinds: tuple[str, ...],
    here: bool,
    device_code: bool,
    as_json: bool,
) -> None:
    """Make PERSON a sponsor, by sign-in name or object id; needs a proof."""
    settings, agent = agent_user_of(profile)
    chosen = [Of(one) for one in kinds]
    with administering(
        settings,
        agent.tenant,
        sponsoring.writing(chosen),
        command=f"{_TYPED} add",
        by_code=device_code,
    ) as graph:
        who = graph.run(sponsoring.person(person))
        seen = graph.run(sponsoring.look(agent, chosen))
        new = [one.of.value for one in seen if who.oid not in {each.oid for each in one.people}]
        if new:
            proved(profile, {"do": SPONSOR, "person": who.oid, "on": new}, here=here)
        done = {one: graph.run(sponsoring.add(agent, one, who, settings.cloud)) for one in chosen}
    _say(profile, who, done, ("is a sponsor of", "was a sponsor already of"), as_json=as_json)


@command.command()
@click.argument("person")
@_on
@device_code_option
@as_json_option
@click.pass_obj
def remove(
    profile: str, person: str, *, kinds: tuple[str, ...], device_code: bool, as_json: bool
) -> None:
    """Have PERSON be no sponsor any more; the last one stays."""
    settings, agent = agent_user_of(profile)
    chosen = [Of(one) for one in kinds]
    with administering(
        settings,
        agent.tenant,
        sponsoring.writing(chosen),
        command=f"{_TYPED} remove",
        by_code=device_code,
    ) as graph:
        who = graph.run(sponsoring.person(person))
        done = {one: graph.run(sponsoring.remove(agent, one, who)) for one in chosen}
    _say(profile, who, done, ("is no sponsor any more of", "was no sponsor of"), as_json=as_json)


def _say(
    profile: str,
    who: Sponsor,
    done: Mapping[Of, bool],
    words: tuple[str, str],
    *,
    as_json: bool,
) -> None:
    if as_json:
        changed = {kind.value: is_new for kind, is_new in done.items()}
        print_json({"profile": profile, "oid": who.oid, "name": who.name, "changed": changed})
        return
    for kind, is_new in done.items():
        click.echo(plain_text(f"{who.name or who.oid} {words[not is_new]} the agent's {kind}"))


def _print(seen: tuple[Sponsors, ...]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("of the agent's", "name", "signs in as", "object id"):
        table.add_column(title)
    for one in seen:
        if one.refused:
            table.add_row(one.of.value, safe(f"not shown ({one.refused})", "yellow"), "", "")
        elif not one.people:
            table.add_row(one.of.value, safe("nobody", "red"), "", "")
        for person in one.people:
            name = f"{person.name} (a group)" if person.is_group else person.name
            table.add_row(one.of.value, safe(name), safe(person.upn), safe(person.oid))
    console().print(table)


def _document(one: Sponsors) -> dict[str, object]:
    people = [
        {"oid": who.oid, "name": who.name, "upn": who.upn or None, "group": who.is_group}
        for who in one.people
    ]
    return {"refused": one.refused or None, "sponsors": people}
