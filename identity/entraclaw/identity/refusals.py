"""What Entra's refusals mean for this chain: a code, and the operator's next step.

Codes: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from entraclaw.identity.values import Hop

KNOWN: Mapping[str, str] = {
    "AADSTS700027": "this machine's certificate is not registered on the blueprint, or expired",
    "AADSTS700024": "the proof is not valid now; check this machine's clock",
    "AADSTS700211": "the agent identity does not belong to this blueprint; check both ids",
    "AADSTS700016": "no such application in this tenant; check blueprint, agent and tenant",
    "AADSTS7000229": "the application has no principal in this tenant: an administrator makes one",
    "AADSTS65001": "consent is missing: an administrator must grant the agent this permission",
    "AADSTS50034": "the agent user does not exist, or is another agent's; check user",
    "AADSTS50057": "the agent user is disabled; an administrator must enable it",
    "AADSTS7000112": "the blueprint or the agent is disabled; an administrator must enable it",
    "AADSTS500011": "the resource is not known in the tenant; a fresh licence takes some minutes",
    "AADSTS53003": "a Conditional Access policy of the tenant blocks the agent",
    "AADSTS53000": "a Conditional Access policy asks for a compliant device",
    "AADSTS82001": "agents get no app-only token for this resource",
    "AADSTS90002": "there is no such tenant in this cloud; check tenant and cloud",
    "AADSTS7000215": "the credential is wrong",
    "AADSTS7000222": "the credential has expired",
}

# What is said otherwise of a bot, which is an application like any other.
_OF_A_BOT: Mapping[str, str] = {
    "AADSTS700027": "this machine's certificate is not registered on the bot, or expired",
    "AADSTS700016": "no such application in this tenant; check bot and tenant",
    "AADSTS7000112": "the bot's application is disabled; an administrator must enable it",
    "AADSTS500011": "the Bot Framework is not known in the tenant; register the bot with Azure Bot",
    "AADSTS82001": "bot names a blueprint, which is no bot: name the bot's own application",
}


class Standing(StrEnum):
    """What a refusal makes of the agent, in words for `status`."""

    BLOCKED = "blocked by a policy"
    DISABLED = "agent disabled"
    NO_CONSENT = "consent missing"
    NO_RESOURCE = "licence or resource missing"
    NO_USER = "agent user missing"
    NO_KEY = "key unavailable"
    NO_CREDENTIAL = "credential not accepted"
    CLOCK = "clock is off"
    WRONG_IDS = "ids do not fit together"
    UNREACHABLE = "Entra cannot be reached"
    REFUSED = "refused"


_STANDINGS: Mapping[str, Standing] = {
    "AADSTS53003": Standing.BLOCKED,
    "AADSTS53000": Standing.BLOCKED,
    "AADSTS50057": Standing.DISABLED,
    "AADSTS7000112": Standing.DISABLED,
    "AADSTS65001": Standing.NO_CONSENT,
    "AADSTS500011": Standing.NO_RESOURCE,
    "AADSTS50034": Standing.NO_USER,
    "AADSTS700024": Standing.CLOCK,
    **dict.fromkeys(("AADSTS700027", "AADSTS7000215", "AADSTS7000222"), Standing.NO_CREDENTIAL),
    **dict.fromkeys(
        ("AADSTS90002", "AADSTS700016", "AADSTS7000229", "AADSTS700211"), Standing.WRONG_IDS
    ),
}

# Entra's own faults, which the same request a little later does not meet.
_PASSING = frozenset(
    {
        "AADSTS90006",  # ExternalServerRetryableError
        "AADSTS90012",  # RequestTimeout
        "AADSTS90024",  # RequestBudgetExceededError
        "AADSTS90033",  # MsodsServiceUnavailable
        "AADSTS90055",  # TenantThrottlingError
        "temporarily_unavailable",
    }
)

# What is said of a proof that was good once: Entra's signing key, or its clock, has moved on.
_STALE = frozenset({"AADSTS50013", "AADSTS50027", "AADSTS700024", "AADSTS700211"})

_SKEW = "AADSTS700024"
_SKEWED_S = 60.0
_TOO_MANY, _SERVER_FAULT = 429, 500
_LONGEST_S = 3600.0


@dataclass(slots=True, eq=False)
class Said(Exception):
    """What Entra said in place of a token, before anybody knows at which hop.

    Attributes:
        code: ``AADSTS…``, else OAuth's word, else the HTTP status.
        status: The HTTP status.
        retry_after: Seconds it asks to be left alone; None if it does not say.
    """

    code: str
    status: int
    retry_after: float | None

    @property
    def is_passing(self) -> bool:
        """Whether the same request may be granted a little later, with nothing changed."""
        return self.code in _PASSING or self.status == _TOO_MANY or self.status >= _SERVER_FAULT

    def hint(self, hop: Hop, skew_s: float) -> str:
        """Say what to do about it at *hop*; *skew_s* as for `hint_for`."""
        if not self.is_passing:
            return hint_for(hop, self.code, skew_s)
        after = (
            f"; it asks to be left alone for {self.retry_after:.0f} s" if self.retry_after else ""
        )
        return f"Entra is busy, which passes{after}"


def code_of(answer: Mapping[str, object]) -> str:
    """Find the most telling code in an error answer: ``AADSTS…``, else OAuth's word."""
    codes = answer.get("error_codes")
    if isinstance(codes, list) and codes:
        return f"AADSTS{cast('list[object]', codes)[0]}"
    return str(answer.get("error") or "no reason given")


def hint_for(hop: Hop, code: str, skew_s: float = 0.0) -> str:
    """Say what to look at when *hop* was refused with *code*.

    *skew_s* is by how much Entra's clock is ahead of ours, in seconds.
    """
    page = f"docs/identity/token-chain.md#{hop}"
    known = (_OF_A_BOT.get(code) if hop is Hop.BOT else None) or KNOWN.get(code)
    if code == _SKEW and abs(skew_s) >= _SKEWED_S:
        way = "behind" if skew_s > 0 else "ahead of"
        known = f"this machine's clock is {abs(skew_s) / 60:.0f} min {way} Entra's; set it"
    return f"{known} ({page})" if known else page


def standing_of(code: str) -> Standing:
    """Say in a word what a refusal with *code* makes of the agent."""
    return _STANDINGS.get(code, Standing.REFUSED)


def is_stale(hop: Hop, code: str) -> bool:
    """Tell whether *hop* was refused for the proof it showed, which a new one may cure."""
    return hop in {Hop.AGENT, Hop.USER} and code in _STALE


def seconds_of(retry_after: str) -> float | None:
    """Read a ``Retry-After`` in seconds, an hour at most; None where there is no number."""
    if not (retry_after.isascii() and retry_after.isdigit()):
        return None
    return min(float(retry_after), _LONGEST_S)
