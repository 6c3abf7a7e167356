"""Choose the address of a new agent user. Pure.

Its domain must be one that the tenant has proved; the administrator's own is, but for a guest.
https://learn.microsoft.com/entra/identity/users/domains-manage
"""

import re
import unicodedata
from collections.abc import Sequence

TRIES = 20  # then somebody else names one
_LONGEST = 40


def is_address(text: str) -> bool:
    """Tell whether *text* may be an address in a directory."""
    return (
        re.fullmatch(r"[A-Za-z0-9!#^_.~'-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", text) is not None
    )


def domain_for(named: str, administrator: str, domains: Sequence[str]) -> str:
    """Name the domain: the *named* one, else the *administrator*'s, else the tenant's default.

    *domains* are those the tenant has proved, the default one first.
    """
    if named:
        return named.lower()
    own = administrator.rpartition("@")[2].lower()
    return own if own in domains else next(iter(domains), "")


def candidate(name: str, number: int) -> str:
    """Give what stands before the @: made of the agent's *name*, numbered from the second on."""
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    plain = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:_LONGEST].strip("-") or "agent"
    return plain if number == 1 else f"{plain}-{number}"
