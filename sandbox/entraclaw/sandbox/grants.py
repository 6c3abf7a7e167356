"""Decide one token request: what is granted, or which rule says no.

Three hops make an agent user's token. The blueprint proves itself with a
certificate and names an agent identity (`fmi_path`); the agent identity shows
that token and gets its own; with both it asks for a token of its user. Every
rule is a function of the form, the directory and the clock. A classic bot proves
itself with a certificate, too, and is granted its token at once.

Grants: https://learn.microsoft.com/entra/agent-id/
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from entraclaw.sandbox import claims
from entraclaw.sandbox.agent import Agent
from entraclaw.sandbox.assertions import (
    Authority,
    managed_subject,
    prove_application,
    prove_exchange,
)
from entraclaw.sandbox.consents import Consents, Lineage
from entraclaw.sandbox.directory import Directory
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.objects import Identity, Principal
from entraclaw.sandbox.refusals import RefusalError, Refused
from entraclaw.sandbox.resources import (
    BOT_FRAMEWORK,
    GRAPH,
    TOKEN_EXCHANGE,
    Asked,
    Catalogue,
    ScopeError,
    consented,
)

_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

# Every blueprint may make agent identities, without an administrator's word.
# https://learn.microsoft.com/graph/api/agentidentity-post
_IMPLIED = frozenset({"AgentIdentity.CreateAsManager"})

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
PERSONAL = frozenset({"authorization_code", DEVICE_CODE, "refresh_token"})  # see person_grants

Form = Mapping[str, str]


class Hop(StrEnum):
    """Which step of the chain a token is for, as the request log names it."""

    BLUEPRINT = "blueprint"
    AGENT = "agent"
    USER = "user"
    APP = "app"
    PERSON = "person"
    BOT = "bot"


@dataclass(frozen=True, slots=True)
class Granted:
    """A yes: the claims to sign, without their times; *user* is set when it acts as one.

    *more* is what else the answer holds.
    """

    hop: Hop
    scope: str
    access: Json
    identity: Json | None = None
    user: Agent | None = None
    more: Json = field(default_factory=Json)


@dataclass(frozen=True, slots=True)
class World:
    """What the rules look at: who exists, and which resources there are.

    *people* decides what only a person grants; None where that is not asked.
    """

    directory: Directory
    resources: Catalogue
    people: "Callable[[Form, Authority], Granted | Refused | None]"


def decide(form: Form, world: World, authority: Authority) -> Granted | Refused:
    """Answer one POST to the token endpoint of the authority's tenant."""
    granted = world.people(form, authority)
    if granted is not None:
        return granted
    try:
        return _chosen(form)(form, world, authority)
    except RefusalError as no:
        return no.refused
    except ScopeError as no:
        return RefusalError(no.code, no.detail).refused


def _chosen(form: Form) -> Callable[[Form, World, Authority], Granted]:
    match _required(form, "grant_type"):
        case "client_credentials":
            return _as_client
        case "user_fic":
            return _as_user
        case _:
            raise RefusalError(70003)


def _as_client(form: Form, world: World, authority: Authority) -> Granted:
    client = _required(form, "client_id")
    blueprint = world.directory.shelves.blueprint(authority.tenant, client)
    if blueprint and blueprint.life.may_sign_in(authority.now):
        principal = _principal(blueprint.app, world, authority)
        prove_application(_assertion(form), blueprint, authority)
        _is_enabled(principal)
        return _as_blueprint(form, world, authority, principal)
    if bot := world.directory.bot(authority.tenant, client):
        return _as_bot(form, world, authority, bot)
    agent = _proven_agent(form, world, authority)
    asked = _asked_of_client(form, world)
    if asked.resource != TOKEN_EXCHANGE:
        roles = _consents(world).roles(_line(agent, world), asked.resource, authority.known)
        return _as_app(form, authority, asked, roles=roles, parent=agent.blueprint)
    return Granted(Hop.AGENT, form["scope"], claims.agent_claims(authority, agent))


def _as_blueprint(form: Form, world: World, authority: Authority, principal: Principal) -> Granted:
    asked = _asked_of_client(form, world)
    if asked.resource != TOKEN_EXCHANGE:
        roles = _consents(world).own_roles(principal.id, asked.resource, authority.known)
        own = _IMPLIED if asked.resource == GRAPH else frozenset[str]()
        return _as_app(form, authority, asked, roles=roles | own)
    # Without a path the token is granted all the same, and fits no agent identity afterwards.
    path = form.get("fmi_path", "")
    access = claims.blueprint_claims(authority, principal.app, path)
    return Granted(Hop.BLUEPRINT, form["scope"], access)


def _as_bot(form: Form, world: World, authority: Authority, bot: Agent) -> Granted:
    prove_application(_assertion(form), bot, authority)
    if not bot.enabled:
        raise RefusalError(7000112)
    asked = _asked_of_client(form, world)
    # Policies for workload identities look at applications of the tenant's own.
    if bot.blocked is not None:
        raise RefusalError(bot.blocked)
    access = claims.app_claims(authority, bot.bot, resource=asked.resource)
    return Granted(Hop.BOT, form["scope"], access)


def _as_app(
    form: Form,
    authority: Authority,
    asked: Asked,
    *,
    roles: frozenset[str],
    parent: str | None = None,
) -> Granted:
    if asked.resource == BOT_FRAMEWORK:
        raise RefusalError(82001)
    client = form["client_id"].lower()
    access = claims.app_claims(
        authority, client, resource=asked.resource, parent=parent, roles=roles
    )
    return Granted(Hop.APP, form["scope"], access)


def _as_user(form: Form, world: World, authority: Authority) -> Granted:
    agent = _proven_agent(form, world, authority)
    credential = _required(form, "user_federated_identity_credential")
    prove_exchange(credential, authority, subject=agent.id)
    user = _user(form, world, authority)
    # identityParentId of the user must be the client. Which number Entra gives is not
    # documented; to a client, somebody else's user does not exist.
    if user.identity != agent.id:
        raise RefusalError(50034)
    if not user.enabled:
        raise RefusalError(50057)
    asked = world.resources.read(_required(form, "scope"))
    held = _consents(world).scopes(_line(agent, world), asked.resource, user.user, authority.known)
    scopes = consented(asked, held)
    if scopes is None:
        raise RefusalError(65001)
    # Policies are looked at for real resources, not for the token exchange.
    if user.blocked is not None:
        raise RefusalError(user.blocked)
    return Granted(
        hop=Hop.USER,
        scope=form["scope"],
        access=claims.user_claims(authority, user, resource=asked.resource, scopes=scopes),
        identity=claims.id_claims(authority, user),
        user=user,
    )


def _consents(world: World) -> Consents:
    return world.directory.consents


def _line(agent: Identity, world: World) -> Lineage:
    return world.directory.lineage(agent)


def _user(form: Form, world: World, authority: Authority) -> Agent:
    name = form.get("user_id") or form.get("username")
    if not name:
        raise RefusalError(900144, _missing("user_id"))
    user = world.directory.agent_user(authority.tenant, name)
    found = world.directory.shelves.users.find(authority.tenant, user.user) if user else None
    if user is None or found is None or not found.life.may_sign_in(authority.now):
        raise RefusalError(50034)
    return user


def _proven_agent(form: Form, world: World, authority: Authority) -> Identity:
    """Find the agent identity that asks, and look at what its blueprint gave it to show."""
    client = _required(form, "client_id")
    agent = world.directory.shelves.identities.find(authority.tenant, client)
    if agent is None or not agent.life.may_sign_in(authority.now):
        raise _unknown(client)
    subject = managed_subject(agent.tenant, agent.blueprint, agent.id)
    prove_exchange(_assertion(form), authority, subject=subject)
    principal = world.directory.shelves.principal(authority.tenant, agent.blueprint)
    # Its tokens outlive the principal that they were got through, as all tokens do.
    if not agent.enabled or (principal and not principal.enabled):
        raise RefusalError(7000112)
    return agent


def _principal(app: str, world: World, authority: Authority) -> Principal:
    found = world.directory.shelves.principal(authority.tenant, app)
    if found is None or not found.life.may_sign_in(authority.now):
        raise RefusalError(
            7000229,
            f"The client application {app} is missing service principal in the "
            f"tenant {authority.tenant}.",
        )
    return found


def _unknown(client: str) -> RefusalError:
    return RefusalError(
        700016, f"Application with identifier '{client}' was not found in the directory."
    )


def _is_enabled(principal: Principal) -> None:
    if not principal.enabled:
        raise RefusalError(7000112)


def _assertion(form: Form) -> str:
    if form.get("client_secret"):
        raise RefusalError(7000215)
    assertion = form.get("client_assertion")
    if not assertion or form.get("client_assertion_type") != _JWT_BEARER:
        raise RefusalError(7000218)
    return assertion


def _asked_of_client(form: Form, world: World) -> Asked:
    asked = world.resources.read(_required(form, "scope"))
    if asked.scopes:
        raise RefusalError(1002012)
    return asked


def _required(form: Form, name: str) -> str:
    value = form.get(name)
    if not value:
        raise RefusalError(900144, _missing(name))
    return value


def _missing(name: str) -> str:
    return f"The request body must contain the following parameter: '{name}'."
