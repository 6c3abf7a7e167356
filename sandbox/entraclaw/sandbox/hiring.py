"""An agent made at once, as the control API hires one: its objects, grants, licence, sponsors.

What an administrator reaches in a dozen calls, here in one step.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from entraclaw.sandbox.certificates import Certificate
from entraclaw.sandbox.licences import USUAL
from entraclaw.sandbox.objects import (
    AgentUser,
    Blueprint,
    DirectoryObject,
    Identity,
    Life,
    Principal,
    addressed,
    object_id,
)
from entraclaw.sandbox.resources import AGENT_CHANNEL, GRAPH, STORAGE

# What an administrator consents to for a useful agent, by resource.
USUAL_GRANTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        GRAPH: (
            *("Calendars.ReadWrite", "Chat.ReadWrite", "ChatMessage.Send", "Files.ReadWrite.All"),
            *("Mail.ReadWrite", "Mail.Send", "User.Read", "User.ReadBasic.All"),
        ),
        STORAGE: ("user_impersonation",),
        AGENT_CHANNEL: ("AgentData.ReadWrite",),
    }
)


@dataclass(frozen=True, slots=True)
class Job:
    """Who is hired: *sponsors* are object ids; *domain* is the tenant's, for the address."""

    name: str
    certificate: Certificate
    sponsors: tuple[str, ...]
    endpoint: str | None
    tenant: str
    domain: str


def hired(job: Job, now: float) -> Sequence[DirectoryObject]:
    """Make the objects of one agent, which are known everywhere at once; the user is the last."""
    app, identity, user = (str(uuid.uuid4()) for _ in range(3))
    name = "".join(c if c.isalnum() and c.isascii() else "-" for c in job.name.lower())
    # Two agents may share a name, never an address.
    nickname = f"{name.strip('-') or 'agent'}-{user[:8]}"
    life = Life(made=now)
    return (
        Blueprint(
            id=object_id(app),
            app=app,
            tenant=job.tenant,
            name=job.name,
            certificates=(job.certificate,),
            sponsors=job.sponsors,
            communication=addressed({}, job.endpoint),
            life=life,
        ),
        Principal(str(uuid.uuid4()), app, job.tenant, life=life),
        Identity(
            id=identity,
            blueprint=app,
            tenant=job.tenant,
            name=job.name,
            sponsors=job.sponsors,
            life=life,
        ),
        AgentUser(
            id=user,
            identity=identity,
            tenant=job.tenant,
            name=job.name,
            upn=f"{nickname}@{job.domain}",
            nickname=nickname,
            country="US",
            sponsors=job.sponsors,
            licences=(USUAL,),
            life=life,
        ),
    )
