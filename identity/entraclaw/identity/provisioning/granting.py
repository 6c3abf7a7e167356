"""Read, add and take away what an agent is granted.

A grant is added to and never written anew, so that what others granted stays. What is new is
granted for the agent user alone: for everybody, it would count for every person whom the
agent might once act for.

https://learn.microsoft.com/graph/api/oauth2permissiongrant-post
https://learn.microsoft.com/graph/api/oauth2permissiongrant-update
https://learn.microsoft.com/graph/api/resources/inheritablepermission
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import cast

from entraclaw.errors import CallRefused
from entraclaw.identity.features import Want
from entraclaw.identity.provisioning.calls import (
    Call,
    Document,
    Orders,
    Reply,
    key,
    text,
    where,
)
from entraclaw.identity.provisioning.granted import (
    EVERYBODY,
    ONE,
    Found,
    Grant,
    Resource,
    Role,
    Row,
    Standing,
    app_of,
    compare,
    counts_for,
)
from entraclaw.identity.provisioning.refused import accepted, listed, refusal
from entraclaw.identity.values import AgentIds

READING = frozenset({"Application.Read.All", "Directory.Read.All"})
WRITING = frozenset({"Application.Read.All", "DelegatedPermissionGrant.ReadWrite.All"})

_GRANTS = "/v1.0/oauth2PermissionGrants"
_PRINCIPALS = "/v1.0/servicePrincipals"
_BLUEPRINTS = "/v1.0/applications/microsoft.graph.agentIdentityBlueprint"
_ABOUT = "$select=id,appId,displayName,oauth2PermissionScopes,appRoles"
_THERE_ALREADY = "already exists"
_ALL, _SOME = "allallowed", "enumerated"


def offered(wants: Sequence[Want]) -> Orders[Standing]:
    """Read what there is of *wants* for an agent that is not there yet.

    Raises:
        CallRefused: Whoever signed in may not read it.
    """
    known: dict[str, Resource] = {}
    for want in wants:
        known[app_of(want)] = yield from _resource(app_of(want), want.name)
    return compare(wants, Found(known))


def look(ids: AgentIds, wants: Sequence[Want]) -> Orders[Standing]:
    """Read what *ids* are granted, and set it beside *wants*.

    Raises:
        CallRefused: Whoever signed in may not read it.
    """
    known: dict[str, Resource] = {}
    for want in wants:
        known[app_of(want)] = yield from _resource(app_of(want), want.name)
    grants = [one for one in (yield from _grants(ids.agent)) if counts_for(one, ids.user)]
    named = {one.principal for one in known.values()}
    others: dict[str, Resource] = {}
    for principal in dict.fromkeys(grant.resource for grant in grants):
        if principal not in named:
            others[principal] = yield from _by_principal(principal)
    roles = yield from _roles(ids.agent)
    inherited, unread = yield from _handed_down(ids.blueprint, known.values())
    return compare(wants, Found(known, grants, others, inherited, roles, unread))


def add(ids: AgentIds, row: Row, start: str) -> Orders[tuple[str, ...]]:
    """Grant what is missing in *row*, from *start* on (ISO 8601); gives what was granted.

    Raises:
        CallRefused: It was refused.
    """
    missing = row.grantable
    if not missing:
        return ()
    own = next((one for one in row.grants if one.consent == ONE), None)
    if own is None:
        reply = yield Call("POST", _GRANTS, _body(ids, row, missing, start), awaits="the agent")
        if reply.is_good or not _is_there(reply):
            accepted(reply)
            return missing
        # Somebody was quicker, or the list that was read is older than the grant.
        own = yield from _own(ids, row.resource)
    yield from _write(own, own.scopes | frozenset(missing))
    return missing


def take(row: Row, scopes: Collection[str]) -> Orders[tuple[str, ...]]:
    """Take *scopes* off every grant of *row*; gives what was taken.

    Raises:
        CallRefused: It was refused.
    """
    taken: set[str] = set()
    for grant in row.grants:
        gone = grant.scopes & frozenset(scopes)
        if gone:
            yield from _write(grant, grant.scopes - gone)
            taken |= gone
    return tuple(sorted(taken))


def _write(grant: Grant, scopes: frozenset[str]) -> Orders[None]:
    path = f"{_GRANTS}/{key(grant.id)}"
    if scopes == grant.scopes:
        return
    if scopes:
        accepted((yield Call("PATCH", path, {"scope": " ".join(sorted(scopes))})))
        return
    reply = yield Call("DELETE", path)
    if reply.status != HTTPStatus.NOT_FOUND:
        accepted(reply)


def _own(ids: AgentIds, resource: Resource) -> Orders[Grant]:
    for grant in (yield from _grants(ids.agent)):
        if grant.resource == resource.principal and grant.user == ids.user:
            return grant
    raise CallRefused(
        "Microsoft Graph",
        HTTPStatus.BAD_REQUEST,
        "Request_BadRequest",
        hint="Graph says that there is a grant already, and does not show it: run the command "
        "again in a minute",
    )


def _body(ids: AgentIds, row: Row, scopes: Iterable[str], start: str) -> Document:
    return {
        "clientId": ids.agent,
        "consentType": ONE,
        "principalId": ids.user,
        "resourceId": row.resource.principal,
        "scope": " ".join(scopes),
        # Without a moment from which it holds it is refused, whatever the moment is.
        "startTime": start,
    }


def _is_there(reply: Reply) -> bool:
    if reply.status == HTTPStatus.CONFLICT:
        return True
    return reply.status == HTTPStatus.BAD_REQUEST and _THERE_ALREADY in reply.message


def _resource(app: str, name: str) -> Orders[Resource]:
    reply = yield Call("GET", f"{_PRINCIPALS}(appId='{key(app)}')?{_ABOUT}")
    if reply.status == HTTPStatus.NOT_FOUND:
        return Resource(app, name)
    return _read(accepted(reply), name)


def _by_principal(principal: str) -> Orders[Resource]:
    reply = yield Call("GET", f"{_PRINCIPALS}/{key(principal)}?{_ABOUT}")
    if reply.status == HTTPStatus.NOT_FOUND:
        return Resource("", "a resource that is gone", principal)
    return _read(accepted(reply), "")


def _read(shown: Document, name: str) -> Resource:
    offered = frozenset(str(one.get("value")) for one in _many(shown, "oauth2PermissionScopes"))
    called = name or str(shown.get("displayName") or "a resource without a name")
    return Resource(text(shown, "appId").lower(), called, text(shown, "id").lower(), offered)


def _grants(client: str) -> Orders[list[Grant]]:
    found = yield from listed(where(_GRANTS, clientId=client))
    return [_grant(one) for one in found]


def _grant(shown: Document) -> Grant:
    return Grant(
        id=text(shown, "id"),
        resource=text(shown, "resourceId").lower(),
        consent=str(shown.get("consentType")),
        user=str(shown.get("principalId") or "").lower(),
        scopes=frozenset(str(shown.get("scope") or "").split()),
    )


def _roles(agent: str) -> Orders[tuple[Role, ...]]:
    held = yield from listed(f"{_PRINCIPALS}/{key(agent)}/appRoleAssignments")
    names: dict[str, Mapping[str, str]] = {}
    for one in held:
        principal = text(one, "resourceId")
        if principal not in names:
            names[principal] = yield from _role_names(principal)
    return tuple(
        Role(
            str(one.get("resourceDisplayName") or text(one, "resourceId")),
            names[text(one, "resourceId")].get(text(one, "appRoleId"), text(one, "appRoleId")),
        )
        for one in held
    )


def _role_names(principal: str) -> Orders[Mapping[str, str]]:
    reply = yield Call("GET", f"{_PRINCIPALS}/{key(principal)}?{_ABOUT}")
    if not reply.is_good:
        return {}
    return {str(one.get("id")): str(one.get("value")) for one in _many(reply.body, "appRoles")}


def _handed_down(
    blueprint: str, resources: Iterable[Resource]
) -> Orders[tuple[Mapping[str, frozenset[str]], str]]:
    """Read what *blueprint* hands down of *resources*, and why it is not known where it is not."""
    try:
        return (yield from _inherited(blueprint, resources)), ""
    except CallRefused as refused:
        return {}, f"what the blueprint hands down was not shown ({refused.code})"


def _inherited(
    blueprint: str, resources: Iterable[Resource]
) -> Orders[Mapping[str, frozenset[str]]]:
    application = yield Call("GET", f"/v1.0/applications(appId='{key(blueprint)}')?$select=id")
    name = text(accepted(application), "id")
    rules = yield from listed(f"{_BLUEPRINTS}/{key(name)}/inheritablePermissions")
    if not rules:
        return {}
    reply = yield Call("GET", f"{_PRINCIPALS}(appId='{key(blueprint)}')?$select=id")
    if not reply.is_good:
        raise refusal(reply)
    grants = yield from _grants(text(reply.body, "id"))
    # What it hands down is no more than what it was itself granted, for everybody.
    held = {one.resource: one.scopes for one in grants if one.consent == EVERYBODY}
    passed = {str(rule.get("resourceAppId")).lower(): rule for rule in rules}
    return {
        one.app: _passes(passed[one.app], held.get(one.principal, frozenset()))
        for one in resources
        if one.app in passed
    }


def _passes(rule: Document, held: frozenset[str]) -> frozenset[str]:
    told = rule.get("inheritableScopes")
    scopes: Document = cast("Document", told) if isinstance(told, dict) else {}
    kind = f"{scopes.get('kind') or scopes.get('@odata.type') or ''}".lower()
    if _ALL in kind:
        return held
    if _SOME in kind:
        return held & frozenset(
            str(one) for one in cast("list[object]", scopes.get("scopes") or [])
        )
    return frozenset()


def _many(shown: Document, name: str) -> list[Document]:
    value = shown.get(name)
    found = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Document", one) for one in found if isinstance(one, dict)]
