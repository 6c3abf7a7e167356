"""What Entra's refusals mean for this chain: a code, and the operator's next step.

Codes: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from entraclaw.identity.values import Hop

KNOWN: Mapping[str, str] = {
    "AADSTS700027": "this machine's certificate is not registered on the blueprint, or expired; "
    "an administrator registers it",
    "AADSTS700024": "the proof is not valid now; check this machine's clock",
    "AADSTS700211": "the agent identity does not belong to this blueprint; check both ids",
    "AADSTS700016": "no such application in this tenant; check blueprint, agent and tenant",
    "AADSTS7000229": "the application has no principal in this tenant: an administrator makes one",
    "AADSTS65001": "consent is missing: an administrator must grant the agent this permission",
    "AADSTS50034": "the agent user does not exist, or is another agent's; check user",
    "AADSTS50057": "the agent user is disabled; an administrator must enable it",
    "AADSTS7000112": "the blueprint or the agent is disabled; an administrator must enable it",
    "AADSTS500011": "the resource is not known in the tenant; a fresh licence takes some minutes",
    "AADSTS53003": "a Conditional Access policy of the tenant blocks the agent; an administrator "
    "finds it in the sign-in logs, and excepts the agent",
    "AADSTS53000": "a Conditional Access policy asks for a compliant device, which no agent is; "
    "an administrator excepts the agent",
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
# And of a person who signs in, or did.
OF_A_PERSON: Mapping[str, str] = {
    "AADSTS700016": "no such application in this tenant; check client and tenant",
    "AADSTS65001": "consent is missing: sign in again, or have an administrator consent to"
    " User.Read, Chat.ReadWrite and ChatMessage.Send",
    "AADSTS90094": "an administrator must consent to User.Read, Chat.ReadWrite and"
    " ChatMessage.Send of this application",
    "AADSTS65004": "it was declined on the page",
    "AADSTS50034": "there is no such account in this tenant",
    "AADSTS50020": "that account is not of this tenant",
    "AADSTS50105": "an administrator must assign the person to this application",
    "AADSTS50057": "the person's account is disabled",
    "AADSTS50011": "register http://localhost as a redirect URI of a mobile or desktop app",
    "AADSTS7000218": "the registration is no public client: allow public client flows in it",
    "AADSTS7000112": "the application is disabled; an administrator must enable it",
    "AADSTS53003": "a Conditional Access policy of the tenant blocks this sign-in",
    "AADSTS50097": "a policy of the tenant asks for a device that it knows",
    "AADSTS53000": "a policy of the tenant asks for a compliant device",
    "AADSTS70019": "it was declined on the page",
    "AADSTS70020": "the code was not typed in time",
}
# And of an administrator who signs in for one command.
_OF_AN_ADMINISTRATOR: Mapping[str, str] = {
    **OF_A_PERSON,
    "AADSTS700016": "no such application in this tenant; check admin_client and tenant",
    "AADSTS65001": "an administrator who may must consent to what is asked for, once",
    "AADSTS90094": "an administrator who may must consent to what is asked for, once",
}
_OF: Mapping[Hop, Mapping[str, str]] = {
    Hop.BOT: _OF_A_BOT,
    Hop.PERSON: OF_A_PERSON,
    Hop.ADMINISTRATOR: _OF_AN_ADMINISTRATOR,
}
_PAGES: Mapping[Hop, str] = {
    Hop.PERSON: "docs/identity/delegated.md",
    Hop.ADMINISTRATOR: "docs/identity/administrator.md",
}

# What nothing but the person can mend, by signing in once more.
_AGAIN = frozenset(
    {
        "AADSTS50058",  # UserInformationNotProvided: no session
        "AADSTS50072",  # multi-factor authentication must be set up
        "AADSTS50074",
        "AADSTS50076",  # multi-factor authentication is asked for
        "AADSTS50078",
        "AADSTS50079",
        "AADSTS50089",
        "AADSTS50132",  # the session is not valid: a password was changed
        "AADSTS50133",
        "AADSTS50158",  # another provider's challenge
        "AADSTS50173",  # the grant was revoked
        "AADSTS70000",  # InvalidGrant
        "AADSTS70008",  # ExpiredOrRevokedGrant
        "AADSTS70043",  # a policy says how often to sign in
        "AADSTS700081",
        "AADSTS700082",  # it was not used for too long
        "invalid_grant",
        "interaction_required",
        "login_required",
    }
)
# What is asked for is not the person's to allow.
NEEDS_ADMINISTRATOR = frozenset({"AADSTS65001", "AADSTS90094"})
_BY_CODE = frozenset({"AADSTS53003", "AADSTS53000", "AADSTS50097", "AADSTS530033"})


class Standing(StrEnum):
    """What a refusal makes of the agent, in words for `status`."""

    BLOCKED = "blocked by a policy"
    DISABLED = "agent disabled"
    NO_CONSENT = "consent missing"
    NO_RESOURCE = "licence or resource missing"
    NO_USER = "agent user missing"
    NO_KEY = "key unavailable"
    SIGNED_OUT = "signed out"
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
    page = _PAGES.get(hop) or f"docs/identity/token-chain.md#{hop}"
    known = _OF.get(hop, {}).get(code) or KNOWN.get(code)
    if code == _SKEW and abs(skew_s) >= _SKEWED_S:
        way = "behind" if skew_s > 0 else "ahead of"
        known = f"this machine's clock is {abs(skew_s) / 60:.0f} min {way} Entra's; set it"
    return f"{known} ({page})" if known else page


def standing_of(code: str) -> Standing:
    """Say in a word what a refusal with *code* makes of the agent."""
    return _STANDINGS.get(code, Standing.REFUSED)


def must_sign_in(code: str) -> bool:
    """Tell whether a person's tokens were refused with *code*, which a new sign-in may cure."""
    return code in _AGAIN


def sign_in_hint(code: str, *, by_code: bool, hop: Hop = Hop.PERSON) -> str:
    """Say what to do when a sign-in was refused with *code*; *by_code*: by a device code."""
    hint = hint_for(hop, code)
    if by_code and code in _BY_CODE:
        return f"{hint}; many tenants allow no device codes: sign in without --device-code"
    return hint


def is_stale(hop: Hop, code: str) -> bool:
    """Tell whether *hop* was refused for the proof it showed, which a new one may cure."""
    return hop in {Hop.AGENT, Hop.USER} and code in _STALE


def code_in(description: str) -> str:
    """Find the code in what Entra says to a browser; empty if there is none."""
    found = re.search(r"\bAADSTS\d{3,9}\b", description)
    return found[0] if found else ""


def seconds_of(retry_after: str) -> float | None:
    """Read a ``Retry-After`` in seconds, an hour at most; None where there is no number."""
    if not (retry_after.isascii() and retry_after.isdigit()):
        return None
    return min(float(retry_after), _LONGEST_S)
