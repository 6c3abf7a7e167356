"""What somebody wants set up: the words of a command, before anything is known of the tenant."""

from dataclasses import dataclass

from entraclaw.identity.features import Feature


@dataclass(frozen=True, slots=True)
class Wish:
    """What an agent is to be.

    Attributes:
        mark: Of the profile it is for.
        name: What people call the agent.
        features: What it is to do.
        upn: Its user's address; empty to choose one.
        domain: Where its user's address is, when one is chosen; empty for the tenant's own.
        sponsors: Who answers for it, by address or object id; empty for whoever signs in.
        join: A blueprint that is there, by application id; empty to make one.
        adopt: An agent user that is there, by address or object id; empty to make one.
        bot: A classic bot that is the way in, by application id; empty for the agent itself.
        licence: The SKU to assign, by name; empty to choose one.
        wants_licence: Whether one is to be assigned at all.
        endpoint: Where messages are to be posted to; empty to leave that as it is.
    """

    mark: str
    name: str
    features: tuple[Feature, ...] = (Feature.CHAT,)
    upn: str = ""
    domain: str = ""
    sponsors: tuple[str, ...] = ()
    join: str = ""
    adopt: str = ""
    bot: str = ""
    licence: str = ""
    wants_licence: bool = True
    endpoint: str = ""
