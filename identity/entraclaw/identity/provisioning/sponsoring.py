"""Read, add and remove the sponsors of an agent: of its user, its identity, its blueprint.

The user's sponsors are those who may tell the agent what to do. The identity's and the
blueprint's are whom Entra holds responsible for them; Microsoft documents no way for a person
who signs in to read or change the identity's, so that a refusal there is an answer.

https://learn.microsoft.com/graph/api/agentuser-post-sponsors
https://learn.microsoft.com/graph/api/agentidentity-post-sponsors
https://learn.microsoft.com/graph/api/agentidentityblueprint-post-sponsors
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from entraclaw.errors import CallRefused, EntraclawError
from entraclaw.identity.cloud import Cloud
from entraclaw.identity.provisioning.calls import Call, Document, Orders, Reply, key, text
from entraclaw.identity.provisioning.refused import accepted, listed, refusal
from entraclaw.identity.values import AgentIds

_SHOWN = "$select=id,displayName,userPrincipalName"
_GROUP = "#microsoft.graph.group"
_AGENT = "#microsoft.graph.agentUser"
_THERE_ALREADY = "already exist"
_BY_HAND = (
    "Microsoft documents no way for a person who signs in to change the sponsors of an agent "
    "identity by Graph: the Entra admin centre does, under Agent ID, Agent identities"
)


class Of(StrEnum):
    """Whose sponsor somebody is."""

    USER = "user"
    IDENTITY = "identity"
    BLUEPRINT = "blueprint"


READING = frozenset({"User.Read.All", "AgentIdentity.Read.All", "Application.Read.All"})
_CHANGING = {
    Of.USER: frozenset({"AgentIdUser.ReadWrite.All"}),
    Of.IDENTITY: frozenset({"AgentIdentity.ReadWrite.All"}),
    Of.BLUEPRINT: frozenset({"AgentIdentityBlueprint.ReadWrite.All"}),
}


@dataclass(frozen=True, slots=True)
class Sponsor:
    """A person or a group.

    Attributes:
        oid: Object id.
        name: As the directory has it; may be empty.
        upn: Of a person, the name to sign in with; may be empty.
        is_group: Whether it is a group, whose members we do not let speak.
    """

    oid: str
    name: str
    upn: str
    is_group: bool


@dataclass(frozen=True, slots=True)
class Sponsors:
    """The sponsors of one object, or why they are not shown."""

    of: Of
    people: tuple[Sponsor, ...] = ()
    refused: str = ""


class SponsorRefused(EntraclawError):
    """Nobody can become a sponsor so, or must not stop being one."""


def writing(kinds: Sequence[Of]) -> frozenset[str]:
    """Name the permissions that changing sponsors of *kinds* needs."""
    return frozenset({"User.Read.All"}).union(*(_CHANGING[one] for one in kinds))


def look(ids: AgentIds, kinds: Sequence[Of] = tuple(Of)) -> Orders[tuple[Sponsors, ...]]:
    """Read the sponsors of each of *kinds*; gives the refusal in the place of what is not shown."""
    found: list[Sponsors] = []
    for kind in kinds:
        try:
            found.append(Sponsors(kind, (yield from _all(ids, kind))))
        except CallRefused as refused:
            found.append(Sponsors(kind, refused=refused.code))
    return tuple(found)


def person(who: str) -> Orders[Sponsor]:
    """Find the person *who*, by object id or by the name to sign in with.

    Raises:
        SponsorRefused: There is no such person, or it is an agent.
        CallRefused: Whoever signed in may not look.
    """
    reply = yield Call("GET", f"/v1.0/users/{key(who)}?{_SHOWN}")
    if reply.status in {HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}:
        raise SponsorRefused(
            f"the tenant has nobody called {who}",
            hint="give the name to sign in with (ada@contoso.com), or an object id; of groups "
            "nobody may tell the agent anything, and the Entra admin centre sets them",
        )
    shown = accepted(reply)
    if shown.get("@odata.type") == _AGENT:
        raise SponsorRefused(f"{who} is an agent", hint="a sponsor is a person")
    return _sponsor(shown)


def add(ids: AgentIds, kind: Of, who: Sponsor, cloud: Cloud) -> Orders[bool]:
    """Make *who* a sponsor; gives whether they were none before.

    Raises:
        CallRefused: It was refused.
    """
    if who.oid in {one.oid for one in (yield from _known(ids, kind))}:
        return False
    place = yield from _place(ids, kind)
    body = {"@odata.id": f"{cloud.graph}/v1.0/users/{key(who.oid)}"}
    reply = yield Call("POST", f"{place}/sponsors/$ref", body)
    if not reply.is_good and _THERE_ALREADY in reply.message:
        return False
    _taken(reply, kind)
    return True


def remove(ids: AgentIds, kind: Of, who: Sponsor) -> Orders[bool]:
    """Have *who* be no sponsor any more; gives whether they were one.

    Raises:
        SponsorRefused: It is the last one.
        CallRefused: It was refused.
    """
    people = yield from _known(ids, kind)
    if people and who.oid not in {one.oid for one in people}:
        return False
    if len(people) == 1:
        raise SponsorRefused(
            f"{who.name or who.oid} is the only sponsor of the agent's {kind}",
            hint="add another one first: an agent without a sponsor answers to nobody",
        )
    place = yield from _place(ids, kind)
    reply = yield Call("DELETE", f"{place}/sponsors/{key(who.oid)}/$ref")
    if reply.status == HTTPStatus.NOT_FOUND:
        return False
    _taken(reply, kind)
    return True


def _known(ids: AgentIds, kind: Of) -> Orders[tuple[Sponsor, ...]]:
    """Read who sponsors *kind*; nobody where that is not shown, which does not hinder a change."""
    seen = yield from look(ids, [kind])
    return seen[0].people


def _all(ids: AgentIds, kind: Of) -> Orders[tuple[Sponsor, ...]]:
    place = yield from _place(ids, kind)
    found = yield from listed(f"{place}/sponsors")
    return tuple(_sponsor(one) for one in found)


def _place(ids: AgentIds, kind: Of) -> Orders[str]:
    match kind:
        case Of.USER:
            return f"/v1.0/users/{key(ids.user)}"
        case Of.IDENTITY:
            return f"/v1.0/servicePrincipals/{key(ids.agent)}/microsoft.graph.agentIdentity"
        case _:
            # Its references are known under its object id alone.
            path = f"/v1.0/applications(appId='{key(ids.blueprint)}')?$select=id"
            name = text(accepted((yield Call("GET", path))), "id")
            return f"/v1.0/applications/{key(name)}/microsoft.graph.agentIdentityBlueprint"


def _taken(reply: Reply, kind: Of) -> None:
    """Raise what a refusal of a change is.

    Raises:
        CallRefused: It was refused.
    """
    if reply.is_good:
        return
    is_denied = reply.status == HTTPStatus.FORBIDDEN and kind is Of.IDENTITY
    raise refusal(reply, _BY_HAND if is_denied else "")


def _sponsor(shown: Document) -> Sponsor:
    return Sponsor(
        oid=text(shown, "id").lower(),
        name=str(shown.get("displayName") or ""),
        upn=str(shown.get("userPrincipalName") or ""),
        is_group=shown.get("@odata.type") == _GROUP,
    )
