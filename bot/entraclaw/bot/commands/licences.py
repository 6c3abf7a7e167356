"""`entraclaw licences`: what the tenant has, and what of it the agent has."""

import click
from rich.table import Table

from entraclaw.bot.commands.administrating import administering, agent_user_of
from entraclaw.bot.commands.pages import device_code_option
from entraclaw.bot.commands.showing import as_json_option, console, print_json, safe
from entraclaw.identity.provisioning import licensing
from entraclaw.identity.provisioning.licensing import Licences
from entraclaw.identity.provisioning.pools import Pool

_TYPED = "entraclaw licences"


@click.group(name="licences")
def command() -> None:
    """See what licences the tenant has, give the agent one, take it away.

    An administrator signs in for each command, and is forgotten when it ends. Without a
    licence that has Teams nobody can write to the agent user. docs/licences.md
    """


@command.command(name="list")
@device_code_option
@as_json_option
@click.pass_obj
def list_pools(profile: str, *, device_code: bool, as_json: bool) -> None:
    """Show each product with its free seats, and what the agent has; exit 1 if it has no Teams."""
    settings, agent = agent_user_of(profile)
    with administering(
        settings, agent.tenant, licensing.READING, command=f"{_TYPED} list", by_code=device_code
    ) as graph:
        seen = graph.run(licensing.look(agent.user))
    if as_json:
        print_json({"profile": profile, **_document(seen)})
    else:
        _print(seen)
    if not has_teams(seen):
        raise click.exceptions.Exit(1)


@command.command()
@click.argument("product", default="")
@click.option("--location", default="", metavar="CC", help="The country it is used in: DE.")
@device_code_option
@as_json_option
@click.pass_obj
def assign(profile: str, product: str, *, location: str, device_code: bool, as_json: bool) -> None:
    """Give the agent a seat of PRODUCT, a part number such as SPE_E5.

    Without PRODUCT the only one that has Teams and a free seat; where there are several, none
    is chosen. The country is the agent's own, else the tenant's.
    """
    settings, agent = agent_user_of(profile)
    with administering(
        settings, agent.tenant, licensing.WRITING, command=f"{_TYPED} assign", by_code=device_code
    ) as graph:
        given = graph.run(licensing.assign(agent.user, product, location))
    if as_json:
        told = {"product": given.pool.name, "sku": given.pool.sku, "location": given.location}
        print_json({"profile": profile, **told, "new": given.is_new})
        return
    done = "has a seat of" if given.is_new else "had a seat of"
    click.echo(f"the agent {done} {given.pool.name}, used in {given.location}")
    if given.is_new:
        click.echo("a mailbox and Teams take up to 15 minutes; `entraclaw doctor` says when")


@command.command()
@click.argument("product")
@device_code_option
@as_json_option
@click.pass_obj
def remove(profile: str, product: str, *, device_code: bool, as_json: bool) -> None:
    """Take the seat of PRODUCT from the agent."""
    settings, agent = agent_user_of(profile)
    with administering(
        settings, agent.tenant, licensing.WRITING, command=f"{_TYPED} remove", by_code=device_code
    ) as graph:
        pool = graph.run(licensing.remove(agent.user, product))
    if as_json:
        print_json({"profile": profile, "product": pool.name, "sku": pool.sku, "removed": True})
    else:
        click.echo(f"the agent has no seat of {pool.name} any more")


def has_teams(seen: Licences) -> bool:
    """Tell whether the agent has a licence that lets people write to it."""
    return any(pool.has_teams for pool in seen.pools if pool.sku in seen.held)


def _print(seen: Licences) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("product", "free", "of", "teams", "mailbox", "the agent's"):
        table.add_column(title, justify="right" if title in {"free", "of"} else "left")
    for pool in sorted(seen.pools, key=lambda pool: pool.name.lower()):
        table.add_row(safe(pool.name), str(pool.free), str(pool.total), *_marks(pool, seen))
    console().print(table)
    console().print(f"country: {seen.location or 'none yet'}", style="dim")


def _marks(pool: Pool, seen: Licences) -> list[str]:
    held = pool.sku in seen.held
    return ["yes" if one else "-" for one in (pool.has_teams, pool.has_mailbox, held)]


def _document(seen: Licences) -> dict[str, object]:
    pools = [
        {
            "product": pool.name,
            "sku": pool.sku,
            "free": pool.free,
            "total": pool.total,
            "teams": pool.has_teams,
            "mailbox": pool.has_mailbox,
            "held": pool.sku in seen.held,
        }
        for pool in seen.pools
    ]
    return {"ok": has_teams(seen), "location": seen.location or None, "products": pools}
