"""Show what an agent is granted: as a page, and as a document for programs."""

from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from entraclaw.bot.commands.showing import console, safe
from entraclaw.identity.provisioning.granted import Row, Standing

_MAKING = (
    "Microsoft makes one with the licence it belongs to, or an administrator does "
    "(docs/permissions.md)"
)
_STYLES = {"granted": "green", "inherited": "green", "missing": "red", "extra": "yellow"}


def print_page(standing: Standing) -> None:
    """Print a line for each resource and each kind of permission there."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for row in standing.rows:
        name = safe(row.resource.name, "bold")
        for kind, scopes in _kinds(row):
            table.add_row(name, Text(kind, _STYLES[kind]), safe(" ".join(scopes)))
            name = Text()
        for reason in reasons(row):
            table.add_row(Text(), Text("why", "dim"), safe(reason, "dim"))
    for role in standing.roles:
        table.add_row(safe(role.resource, "bold"), Text("as itself", "yellow"), safe(role.name))
    console().print(table)
    if standing.unread:
        console().print(safe(standing.unread, "dim"))
    if standing.lacks:
        console().print(Text("`entraclaw permissions grant` grants what is missing", "dim"))


def reasons(row: Row) -> list[str]:
    """Say why what is missing of *row* cannot simply be granted."""
    if not row.missing:
        return []
    if not row.is_here:
        return [f"the tenant has no service principal of {row.resource.app}: {_MAKING}"]
    told = [f"{one}: no agent is ever granted it" for one in row.never]
    return told + [f"{one}: the resource has no such permission" for one in row.unknown]


def left_after(before: Standing, done: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Say by resource why something is missing still, once *done* was granted."""
    left: dict[str, list[str]] = {}
    for row in before.lacks:
        rest = set(row.missing) - set(done.get(row.resource.name, ()))
        if rest:
            left[row.resource.name] = reasons(row) or sorted(rest)
    return left


def document(standing: Standing) -> dict[str, object]:
    """Shape *standing* for programs."""
    return {
        "ok": not standing.lacks,
        "resources": [
            {
                "name": row.resource.name,
                "app": row.resource.app,
                "here": row.is_here,
                "wanted": sorted(row.wanted),
                "granted": sorted({one for grant in row.grants for one in grant.scopes}),
                "inherited": sorted(row.inherited),
                "missing": list(row.missing),
                "extra": list(row.extra),
                "never": list(row.never),
                "unknown": list(row.unknown),
            }
            for row in standing.rows
        ],
        "roles": [{"resource": role.resource, "name": role.name} for role in standing.roles],
        "unread": standing.unread or None,
    }


def _kinds(row: Row) -> Iterator[tuple[str, Sequence[str]]]:
    granted = {one for grant in row.grants for one in grant.scopes} - set(row.extra)
    kinds = {
        "granted": sorted(granted),
        "inherited": sorted(row.inherited),
        "missing": row.missing,
        "extra": row.extra,
    }
    for kind, scopes in kinds.items():
        if scopes:
            yield kind, scopes
