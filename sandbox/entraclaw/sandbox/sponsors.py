"""Who may stand up for an agent's objects, and how a request names them.

People of the tenant and some of its groups may; agents and applications may not.

https://learn.microsoft.com/graph/api/agentidentityblueprint-post-sponsors,
https://learn.microsoft.com/graph/api/agentidentity-post-sponsors
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.directory import HOME, Directory, Person
from entraclaw.sandbox.documents import Json, text, texts
from entraclaw.sandbox.envelopes import GraphError

_MOST, _MOST_GROUPS = 100, 5
_GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_REFERENCE = re.compile(
    rf"https://[^/]+/(?:v1\.0|beta)/(?:users|groups|directoryObjects)/({_GUID})"
)
_SPONSORS, _OWNERS = "sponsors@odata.bind", "owners@odata.bind"


@dataclass(frozen=True, slots=True)
class Group:
    """A group of the tenant; only Microsoft 365 groups without a role may be sponsors."""

    id: str
    tenant: str
    name: str
    unified: bool = True
    assignable: bool = False


GROUPS = (
    Group("d1d1d1d1-4444-4444-8444-dddddddddddd", HOME.id, "Agent sponsors"),
    Group("d2d2d2d2-5555-4555-8555-dddddddddddd", HOME.id, "Building access", unified=False),
    Group("d3d3d3d3-6666-4666-8666-dddddddddddd", HOME.id, "Help desk", assignable=True),
)


def referred(address: str) -> str:
    """Read the object id out of the address in an `@odata.id` or `@odata.bind`.

    Raises:
        GraphError: It is no address of a user, a group or a directory object.
    """
    found = _REFERENCE.fullmatch(address.strip())
    if found is None:
        raise _bad("Invalid URI format specified for one or more reference properties.")
    return found[1].lower()


def sponsors_of_new(body: Json, bearer: Bearer, directory: Directory) -> tuple[str, ...]:
    """Read the sponsors of what *body* asks to be made; whoever asks is one if nobody is named.

    Raises:
        GraphError: Somebody cannot be a sponsor, or an application names nobody.
    """
    named = tuple(referred(one) for one in texts({_SPONSORS: [], **body}, _SPONSORS))
    if not named and bearer.idtyp == "user":
        named = (bearer.oid,)
    if not named:
        raise _bad("No sponsor specified. Please provide at least one sponsor.")
    return checked(named, bearer.tid, directory)


def owners_of_new(body: Json, bearer: Bearer) -> tuple[str, ...]:
    """Read the owners of what *body* asks to be made; a person who asks is always one.

    Raises:
        GraphError: An address is none.
    """
    named = [referred(one) for one in texts({_OWNERS: [], **body}, _OWNERS)]
    own = [bearer.oid] if bearer.idtyp == "user" else []
    return tuple(dict.fromkeys([*own, *named]))


def with_sponsor(
    current: tuple[str, ...], body: Json, tenant: str, directory: Directory
) -> tuple[str, ...]:
    """Add the sponsor that the body of a `$ref` names.

    Raises:
        GraphError: It cannot be one, or is one already.
    """
    new = referred(text(body, "@odata.id"))
    if new in current:
        raise _bad(
            "One or more added object references already exist for the following modified "
            "properties: 'sponsors'."
        )
    checked([new], tenant, directory)
    # Who was one before and is gone from the tenant counts all the same.
    return _counted((*current, new), tenant, GROUPS)


def without_sponsor(current: tuple[str, ...], name: str, *, least: int) -> tuple[str, ...]:
    """Take the sponsor *name* away; *least* is how many there must be afterwards.

    Raises:
        GraphError: It is none, or too few would be left.
    """
    rest = tuple(one for one in current if one != name.lower())
    if len(rest) == len(current):
        raise GraphError(
            404,
            "Request_ResourceNotFound",
            f"Resource '{name}' does not exist or one of its queried reference-property "
            "objects are not present.",
        )
    if len(rest) < least:
        raise _bad("The object must have at least one sponsor.")
    return rest


def checked(
    named: Sequence[str], tenant: str, directory: Directory, groups: Sequence[Group] = GROUPS
) -> tuple[str, ...]:
    """Let *named*, object ids, be the sponsors of something in *tenant*, which has *groups*.

    Raises:
        GraphError: One is not in the tenant or cannot be a sponsor, or there are too many.
    """
    unique = tuple(dict.fromkeys(named))
    for one in unique:
        _admit(one, tenant, directory, groups)
    return _counted(unique, tenant, groups)


def person_of(name: str, tenant: str, directory: Directory) -> Person | None:
    """Find a person of *tenant* by object id."""
    return next((one for one in directory.people(tenant) if one.oid == name), None)


def group_of(name: str, tenant: str, groups: Sequence[Group] = GROUPS) -> Group | None:
    """Find one of the *groups* of *tenant* by object id."""
    return next((one for one in groups if (one.id, one.tenant) == (name, tenant)), None)


def _counted(named: tuple[str, ...], tenant: str, groups: Sequence[Group]) -> tuple[str, ...]:
    of_groups = sum(1 for one in named if group_of(one, tenant, groups))
    if len(named) > _MOST or of_groups > _MOST_GROUPS:
        raise _bad("The number of sponsors exceeds the limit: 100, of which 5 may be groups.")
    return named


def _admit(name: str, tenant: str, directory: Directory, groups: Sequence[Group]) -> None:
    if person_of(name, tenant, directory):
        return
    group = group_of(name, tenant, groups)
    if group and group.unified and not group.assignable:
        return
    shelves = directory.shelves
    kinds = (shelves.users, shelves.identities, shelves.principals)
    if group or any(shelf.find(tenant, name) for shelf in kinds):
        raise _bad("The specified object type is not supported as a sponsor.")
    raise _bad(
        f"Resource '{name}' does not exist or one of its queried reference-property objects "
        "are not present."
    )


def _bad(message: str) -> GraphError:
    return GraphError(400, "Request_BadRequest", message)
