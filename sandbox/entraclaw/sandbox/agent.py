"""An agent as those see it who speak with it: four objects of the directory, as one value.

The directory keeps the objects. This view is made of them when it is asked for, and what was
changed in it goes back to the object that holds it.
"""

import uuid
from dataclasses import dataclass, field, replace

from entraclaw.sandbox.account import Account
from entraclaw.sandbox.certificates import Certificate
from entraclaw.sandbox.documents import Json
from entraclaw.sandbox.licences import has_teams
from entraclaw.sandbox.objects import (
    AgentUser,
    Blueprint,
    Identity,
    addressed,
    endpoint_of,
)


@dataclass(frozen=True, slots=True)
class Agent:
    """Blueprint, agent identity and agent user of one agent, and its settings.

    A classic bot has none of the three: they are empty, but that *user*, by
    which conversations know their members, is the bot's app id there, too.
    *sponsors* are the object ids of the agent user's.
    *bot* is the app id of a classic bot, which of an agent is nobody's. *enabled* is
    the agent user;
    *identity_enabled* and *blueprint_enabled* are the other two. *blocked* is
    the AADSTS number with which a Conditional Access policy says no. Resources
    take no token that was made before *tokens_from*. *account* is what else
    stands behind it. Moments are seconds since the epoch, by the tenant's clock.
    """

    name: str
    tenant: str
    blueprint: str
    identity: str
    user: str
    upn: str
    bot: str
    certificates: tuple[Certificate, ...]
    sponsors: tuple[str, ...]
    endpoint: str | None
    enabled: bool = True
    identity_enabled: bool = True
    blueprint_enabled: bool = True
    blocked: int | None = None
    tokens_from: float = 0.0
    account: Account = field(default_factory=Account)

    @property
    def licensed(self) -> bool:
        """Whether it has Teams."""
        return has_teams(self.account.licences)

    @property
    def is_bot(self) -> bool:
        """Whether this is a classic bot."""
        return not self.blueprint

    @property
    def app(self) -> str:
        """The application that the certificates are registered on."""
        return self.blueprint or self.bot


@dataclass(frozen=True, slots=True)
class Family:
    """The objects of one agent, and whether its blueprint has a principal, and an enabled one."""

    blueprint: Blueprint
    identity: Identity
    user: AgentUser
    has_principal: bool
    is_enabled: bool

    def agent(self) -> Agent:
        """The view of them."""
        blueprint, identity, user = self.blueprint, self.identity, self.user
        return Agent(
            name=user.name,
            tenant=user.tenant,
            blueprint=blueprint.app,
            identity=identity.id,
            user=user.id,
            upn=user.upn,
            bot=str(uuid.uuid5(uuid.UUID(user.id), "bot")),
            certificates=blueprint.certificates,
            sponsors=user.sponsors,
            endpoint=endpoint_of(identity.communication) or endpoint_of(blueprint.communication),
            enabled=user.enabled,
            identity_enabled=identity.enabled,
            blueprint_enabled=self.is_enabled,
            blocked=user.blocked,
            tokens_from=user.tokens_from,
            account=Account(
                has_principal=self.has_principal,
                is_deleted=user.life.deleted is not None,
                licences=user.licences,
                mailbox_from=user.mailbox_from,
            ),
        )

    def changed(self, agent: Agent) -> "Family":
        """The objects with what *agent* has otherwise; who is deleted is not looked at."""
        before, blueprint, identity, user = self.agent(), self.blueprint, self.identity, self.user
        if agent.endpoint != before.endpoint:
            told = addressed(blueprint.communication, agent.endpoint)
            blueprint = replace(blueprint, communication=told)
            identity = replace(identity, communication=Json())
        if agent.sponsors != before.sponsors:
            blueprint = replace(blueprint, sponsors=agent.sponsors)
            identity = replace(identity, sponsors=agent.sponsors)
        return Family(
            replace(blueprint, certificates=agent.certificates),
            replace(identity, enabled=agent.identity_enabled),
            replace(
                user,
                enabled=agent.enabled,
                sponsors=agent.sponsors,
                blocked=agent.blocked,
                tokens_from=agent.tokens_from,
                licences=agent.account.licences,
                mailbox_from=agent.account.mailbox_from,
            ),
            has_principal=agent.account.has_principal,
            is_enabled=agent.blueprint_enabled,
        )
