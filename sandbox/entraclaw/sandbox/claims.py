"""What the tokens of each hop say.

Older resources (Graph, Storage, the agent channel) get version 1 claims, the
token exchange gets version 2. Facets are space-separated lists in no order (11
is an agent identity, 13 an agent user), and are written unsorted on purpose: a
reader that relies on an order fails here first.

Agent claims: https://learn.microsoft.com/entra/agent-id/
"""

from collections.abc import Iterable

from entraclaw.sandbox.assertions import Authority, managed_subject
from entraclaw.sandbox.directory import Agent
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.resources import TOKEN_EXCHANGE

_NO_FACETS = "9 3"
_AGENT_FACETS = "9 11 3"
_USER_FACETS = "13 9 3"
_MEMBER = "1"
_SERVICE = "7"
_MANAGED = "33"


def blueprint_claims(authority: Authority, agent: Agent, path: str) -> Json:
    """The blueprint's token, for the agent identity named by *path* (empty: for nobody)."""
    subject = managed_subject(agent, path) if path else agent.blueprint
    return {
        **_exchange(authority, agent.blueprint),
        "sub": subject,
        "oid": agent.blueprint,
        "xms_idrel": _MANAGED if path else _SERVICE,
    }


def agent_claims(authority: Authority, agent: Agent) -> Json:
    """The agent identity's token, to show as the user's credential."""
    return {
        **_exchange(authority, agent.identity),
        "sub": agent.identity,
        "oid": agent.identity,
        "xms_act_fct": _AGENT_FACETS,
        "xms_sub_fct": _AGENT_FACETS,
        "xms_idrel": _SERVICE,
        "xms_par_app_azp": agent.blueprint,
    }


def app_claims(authority: Authority, agent: Agent, *, client: str, resource: str) -> Json:
    """An app-only token for a real resource: the agent, or a bot, acts as itself."""
    claims = {
        **_access(authority, client, resource),
        "idtyp": "app",
        "oid": client,
        "sub": client,
        "xms_idrel": _SERVICE,
    }
    if client == agent.app:
        return claims
    return {
        **claims,
        "xms_act_fct": _AGENT_FACETS,
        "xms_sub_fct": _AGENT_FACETS,
        "xms_par_app_azp": agent.blueprint,
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
