"""What may be turned while the sandbox runs: patience, latency, token lifetimes."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# Entra gives access tokens a random lifetime in this range.
# https://learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes
_SHORTEST_S, _LONGEST_S = 3600, 5400


class Late(StrEnum):
    """What becomes known some time after it was made.

    `login` is a blueprint, to Entra; `mailbox` is one that a licence brings.
    """

    BLUEPRINT = "blueprint"
    PRINCIPAL = "principal"
    IDENTITY = "identity"
    USER = "user"
    LOGIN = "login"
    MAILBOX = "mailbox"


@dataclass(slots=True)
class Settings:
    """Mutable on purpose: the control API changes it for every listener at once.

    *patience_s* is how long the channel waits for an answer to one delivery,
    *latency_ms* is added to every answer over TLS, *token_lifetime_s* replaces
    Entra's random lifetime when set, *propagation_s* is how long a change of
    consent takes to be known everywhere, *credentials_s* how long one of certificates does,
    *replicas* is how many of Entra there are, each of which learns of it in its time.
    *known_after_s* is how long each kind of object takes to be known after it was made,
    *quota* how many objects a tenant may have, *most* how many of a kind.
    *takes_endpoints* is whether an endpoint can be registered by Graph.
    """

    patience_s: float = 15.0
    latency_ms: float = 0.0
    token_lifetime_s: float | None = None
    propagation_s: float = 0.0
    credentials_s: float = 0.0
    replicas: int = 1
    known_after_s: Mapping[Late, float] = field(default_factory=dict[Late, float])
    # What a tenant with one verified domain has.
    quota: int = 300_000
    most: Mapping[Late, int] = field(default_factory=dict[Late, int])
    takes_endpoints: bool = True

    def lifetime(self) -> int:
        """Seconds the next access token will live."""
        if self.token_lifetime_s is not None:
            return int(self.token_lifetime_s)
        # Not a secret: no caller gains by guessing when a token expires.
        return random.randint(_SHORTEST_S, _LONGEST_S)  # noqa: S311
