"""`entraclaw teardown`: undo exactly what setup made, or find what no setup here speaks of."""

import os
from contextlib import nullcontext

import click

from entraclaw.bot import lock, memory
from entraclaw.bot.commands.administrating import signed_in
from entraclaw.bot.commands.consenting import led_to_consent
from entraclaw.bot.commands.pages import device_code_option
from entraclaw.bot.commands.setup_page import Stepping, print_going, print_orphans
from entraclaw.bot.commands.showing import as_json_option, print_json
from entraclaw.bot.settings import Settings
from entraclaw.bot.setup.profile_files import one_setup
from entraclaw.bot.setup.taking_down import TakingDown
from entraclaw.errors import BadSettings, Problem
from entraclaw.identity.provisioning.administrator import ANY_TENANT
from entraclaw.identity.provisioning.asking import for_look, for_teardown
from entraclaw.identity.provisioning.journal import Journal, Part
from entraclaw.identity.provisioning.orphans import Orphan

_TYPED = "entraclaw teardown"
_STEPS = 6


@click.command(name="teardown")
@click.option("--plan", is_flag=True, help="Say what would go; change nothing.")
@click.option("--orphans", is_flag=True, help="Find what setup made and no profile here knows.")
@click.option("--mark", default="", metavar="MARK", help="With --orphans: delete what bears it.")
@click.option("--keep-blueprint", is_flag=True, help="Leave the blueprint to its other agents.")
@device_code_option
@as_json_option
@click.pass_obj
def command(
    profile: str,
    /,
    *,
    plan: bool,
    orphans: bool,
    mark: str,
    keep_blueprint: bool,
    device_code: bool,
    as_json: bool,
) -> None:
    """Undo exactly what setup made: in the tenant, then on this machine.

    What others made stays, and a blueprint that other agents have is not deleted. What is
    deleted lies in the directory's bin for 30 days. docs/setup.md
    """
    memory.seal()
    if mark and not orphans:
        raise BadSettings([Problem("--mark", "is for --orphans", "give both")])
    settings = Settings.read(os.environ, profile)
    if orphans:
        _orphans(settings, mark, plan=plan, by_code=device_code, as_json=as_json)
        return
    with one_setup(settings.folder), nullcontext() if plan else lock.hold(settings.folder):
        _take_down(
            settings,
            plan=plan,
            keep_blueprint=keep_blueprint,
            by_code=device_code,
            as_json=as_json,
        )


def _take_down(
    settings: Settings, *, plan: bool, keep_blueprint: bool, by_code: bool, as_json: bool
) -> None:
    stepping = Stepping(_STEPS, is_quiet=as_json)
    down = TakingDown(settings, stepping)
    journal = down.journal()
    permissions = for_look() if plan else _permissions(journal)
    command = f"{_TYPED} --plan" if plan else _TYPED
    tenant = journal.tenant
    with (
        led_to_consent(settings, tenant, permissions),
        signed_in(settings, tenant, permissions, command=command, by_code=by_code) as (graph, _),
    ):
        going = down.planned(graph, journal, keep_blueprint=keep_blueprint)
        if not plan:
            down.refuse(going)
            with stepping.shown():
                down.take(graph, going)
    if as_json:
        rows = [{"part": part, "says": says} for part, says in going.rows]
        told = {"siblings": going.what.siblings, "in_bin": list(going.in_bin)}
        print_json({"profile": settings.profile, "gone": not plan, "parts": rows, **told})
    else:
        print_going(going, is_plan=plan)


def _orphans(settings: Settings, mark: str, *, plan: bool, by_code: bool, as_json: bool) -> None:
    stepping = Stepping(_STEPS, is_quiet=as_json)
    down = TakingDown(settings, stepping)
    takes = bool(mark) and not plan
    permissions = (
        for_teardown(is_pointed=False, has_seats=False, has_bot=False) if takes else for_look()
    )
    tenant = settings.agent.tenant if settings.agent else ANY_TENANT
    with (
        led_to_consent(settings, tenant, permissions),
        signed_in(
            settings, tenant, permissions, command=f"{_TYPED} --orphans", by_code=by_code
        ) as (graph, person),
    ):
        found = down.orphans(graph, person.tenant)
        named = [one for one in found if one.mark == mark.lower()]
        if mark and not named:
            raise BadSettings(
                [Problem("--mark", f"nothing bears {mark}", "`entraclaw teardown --orphans`")]
            )
        if takes:
            with stepping.shown():
                for one in named:
                    down.take_orphan(graph, one)
    if as_json:
        shown = [_document(one) for one in (named if mark else found)]
        print_json({"tenant": person.tenant, "gone": takes, "orphans": shown})
    else:
        print_orphans(named if mark else found, is_gone=takes)


def _document(orphan: Orphan) -> dict[str, object]:
    things = {part: thing.id for part, thing in orphan.journal.things.items()}
    return {"mark": orphan.mark, "names": list(orphan.names), "things": things}


def _permissions(journal: Journal) -> frozenset[str]:
    blueprint = journal.id_of(Part.BLUEPRINT)
    return for_teardown(
        is_pointed=bool(journal.endpoint),
        has_seats=bool(journal.licences) and not journal.made(Part.USER),
        has_bot=any(one != blueprint for one in journal.certificates),
    )
