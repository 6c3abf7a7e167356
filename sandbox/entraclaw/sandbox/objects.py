"""The objects of a tenant's directory that make an agent: four of them, each on its own.

A blueprint is an application and holds the certificates; its principal is its place in the
tenant; an agent identity is made from it and holds nothing; an agent user belongs to one
agent identity. Each names the one it comes from, and none knows what was made from it.

Object model: https://learn.microsoft.com/entra/agent-id/
"""

import uuid
from dataclasses import dataclass, field
from typing import TypeAlias

from entraclaw.sandbox.certificates import Certificate
from entraclaw.sandbox.documents import Json, part

_ENDPOINT = "endpointConfiguration"


@dataclass(frozen=True, slots=True)
class Life:
    """When an object was made, from when on other calls know it, and when it was deleted.

    *login_from* is the same for Entra's login servers. All are seconds since the epoch, by the
    tenant's clock; *deleted* is None for what is there.
    """

    made: float = 0.0
    known_from: float = 0.0
    login_from: float = 0.0
    deleted: float | None = None

    def is_known(self, now: float) -> bool:
        """Whether Graph's next call finds it at *now*."""
        return self.deleted is None and now >= self.known_from

    def may_sign_in(self, now: float) -> bool:
        """Whether Entra's login servers find it at *now*."""
        return self.deleted is None and now >= self.login_from


@dataclass(frozen=True, slots=True)
class Blueprint:
    """An application of the type agentIdentityBlueprint.

    *app* is its application id, and *id* its object's. *sponsors* and *owners* are object ids.
    *more* are the properties that nothing here looks into, *communication* is where and of
    what its agents are told, as Graph's communicationConfiguration. *maker* is the
    application that made it.
    """

    id: str
    app: str
    tenant: str
    name: str
    certificates: tuple[Certificate, ...] = ()
    sponsors: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    more: Json = field(default_factory=Json)
    communication: Json = field(default_factory=Json)
    maker: str = ""
    life: Life = field(default_factory=Life)


@dataclass(frozen=True, slots=True)
class Principal:
    """A blueprint's principal: without it the tenant does not know the application."""

    id: str
    app: str
    tenant: str
    enabled: bool = True
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    maker: str = ""
    life: Life = field(default_factory=Life)


@dataclass(frozen=True, slots=True)
class Identity:
    """An agent identity, whose object id is its client id; *blueprint* is an application id.

    *communication* is its own, if its blueprint lets it have one.
    """

    id: str
    blueprint: str
    tenant: str
    name: str
    sponsors: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    enabled: bool = True
    communication: Json = field(default_factory=Json)
    maker: str = ""
    life: Life = field(default_factory=Life)


@dataclass(frozen=True, slots=True)
class AgentUser:
    """An agent user; *identity* is its agent identity's id and never changes.

    *blocked* is the AADSTS number with which a Conditional Access policy says no to it.
    Resources take no token of it that was made before *tokens_from*. Its mailbox is ready from
    *mailbox_from* on. *country* is its usageLocation, empty until it is set.
    """

    id: str
    identity: str
    tenant: str
    name: str
    upn: str
    nickname: str
    enabled: bool = True
    country: str = ""
    sponsors: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    mailbox_from: float = 0.0
    tokens_from: float = 0.0
    blocked: int | None = None
    more: Json = field(default_factory=Json)
    life: Life = field(default_factory=Life)


DirectoryObject: TypeAlias = Blueprint | Principal | Identity | AgentUser


def object_id(app: str) -> str:
    """The object id of the application *app*."""
    return str(uuid.uuid5(uuid.UUID(app), "application"))


def endpoint_of(communication: Json) -> str | None:
    """The address that messages are posted to, if the configuration names one."""
    address = part(part(communication, _ENDPOINT), "apiBased").get("callbackUri")
    return address if isinstance(address, str) else None


def addressed(communication: Json, endpoint: str | None) -> Json:
    """The same configuration with another address, or with none."""
    rest = {name: value for name, value in communication.items() if name != _ENDPOINT}
    if endpoint is None:
        return rest
    bound = {"configurationType": "apiBased", "apiBased": {"callbackUri": endpoint}}
    return {**rest, _ENDPOINT: {**bound, "botBased": None}}
