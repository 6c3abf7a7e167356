"""What the tokens of each hop say.

Older resources (Graph, Storage, the agent channel) get version 1 claims, the
token exchange gets version 2. Facets are space-separated lists in no order (11
is an agent identity, 13 an agent user), and are written unsorted on purpose: a
reader that relies on an order fails here first.

Agent claims: https://learn.microsoft.com/entra/agent-id/
"""

from collections.abc import Iterable

from entraclaw.sandbox.agent import Agent
from entraclaw.sandbox.assertions import Authority, managed_subject
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.objects import Identity
from entraclaw.sandbox.resources import TOKEN_EXCHANGE

_NO_FACETS = "9 3"
_AGENT_FACETS = "9 11 3"
_USER_FACETS = "13 9 3"
_MEMBER = "1"
_SERVICE = "7"
_MANAGED = "33"


def blueprint_claims(authority: Authority, blueprint: str, path: str) -> Json:
    """The blueprint's token, for the agent identity named by *path* (empty: for nobody)."""
    subject = managed_subject(authority.tenant, blueprint, path) if path else blueprint
    return {
        **_exchange(authority, blueprint),
        "sub": subject,
        "oid": blueprint,
        "xms_idrel": _MANAGED if path else _SERVICE,
    }


def agent_claims(authority: Authority, agent: Identity) -> Json:
    """The agent identity's token, to show as the user's credential."""
    return {
        **_exchange(authority, agent.id),
        "sub": agent.id,
        "oid": agent.id,
        "xms_act_fct": _AGENT_FACETS,
        "xms_sub_fct": _AGENT_FACETS,
        "xms_idrel": _SERVICE,
        "xms_par_app_azp": agent.blueprint,
    }


def app_claims(
    authority: Authority,
    client: str,
    *,
    resource: str,
    parent: str | None = None,
    roles: Iterable[str] = (),
) -> Json:
    """An app-only token for a real resource: *client* acts as itself; *parent* is an agent's."""
    claims = {
        **_access(authority, client, resource),
        "idtyp": "app",
        "oid": client,
        "sub": client,
        "xms_idrel": _SERVICE,
    }
    if own := sorted(roles):
        claims["roles"] = own
    if parent is None:
        return claims
    return {
        **claims,
        "xms_act_fct": _AGENT_FACETS,
        "xms_sub_fct": _AGENT_FACETS,
        "xms_par_app_azp": parent,
    }


def user_claims(
    authority: Authority, agent: Agent, *, resource: str, scopes: Iterable[str]
) -> Json:
    """An agent user's token for a real resource."""
    return {
        **_access(authority, agent.identity, resource),
        "idtyp": "user",
        "oid": agent.user,
        "sub": agent.user,
        "scp": " ".join(sorted(scopes)),
        "name": agent.name,
        "upn": agent.upn,
        "unique_name": agent.upn,
        "xms_act_fct": _AGENT_FACETS,
        "xms_sub_fct": _USER_FACETS,
        "xms_idrel": _MEMBER,
        "xms_par_app_azp": agent.blueprint,
    }


def id_claims(authority: Authority, agent: Agent) -> Json:
    """The ID token that tells a client library whose token it got."""
    return {
        "aud": agent.identity,
        "iss": authority.issuer,
        "oid": agent.user,
        "sub": agent.user,
        "tid": authority.tenant,
        "name": agent.name,
        "preferred_username": agent.upn,
        "ver": "2.0",
    }


def _exchange(authority: Authority, client: str) -> Json:
    return {
        "aud": TOKEN_EXCHANGE,
        "iss": authority.issuer,
        "azp": client,
        "azpacr": "2",
        "idtyp": "app",
        "tid": authority.tenant,
        "ver": "2.0",
    }


def _access(authority: Authority, client: str, resource: str) -> Json:
    return {
        "aud": resource,
        "iss": f"https://sts.windows.net/{authority.tenant}/",
        "appid": client,
        "appidacr": "2",
        "tid": authority.tenant,
        "ver": "1.0",
        "xms_tnt_fct": _NO_FACETS,
    }
