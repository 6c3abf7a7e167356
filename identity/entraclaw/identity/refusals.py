"""What Entra's refusals mean for this chain: a code, and the operator's next step.

Codes: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from collections.abc import Mapping
from typing import cast

from entraclaw.identity.values import Hop

KNOWN: Mapping[str, str] = {
    "AADSTS700027": "this machine's certificate is not registered on the blueprint, or expired",
    "AADSTS700024": "the proof is not valid now; check this machine's clock",
    "AADSTS700211": "the agent identity does not belong to this blueprint; check both ids",
    "AADSTS700016": "no such application in this tenant; check blueprint, agent and tenant",
    "AADSTS65001": "consent is missing: an administrator must grant the agent this permission",
    "AADSTS50034": "the agent user does not exist, or is another agent's; check user",
    "AADSTS50057": "the agent user is disabled; an administrator must enable it",
    "AADSTS500011": "the resource is not known in the tenant; a fresh licence takes some minutes",
    "AADSTS53003": "a Conditional Access policy of the tenant blocks the agent",
    "AADSTS53000": "a Conditional Access policy asks for a compliant device",
    "AADSTS82001": "agents get no app-only token for this resource",
    "AADSTS90002": "there is no such tenant in this cloud; check tenant and cloud",
    "AADSTS7000215": "the credential is wrong",
    "AADSTS7000222": "the credential has expired",
}


def code_of(answer: Mapping[str, object]) -> str:
    """Find the most telling code in an error answer: ``AADSTS…``, else OAuth's word."""
    codes = answer.get("error_codes")
    if isinstance(codes, list) and codes:
        return f"AADSTS{cast('list[object]', codes)[0]}"
    return str(answer.get("error") or "no reason given")


def hint_for(hop: Hop, code: str) -> str:
    """Say what to look at when *hop* was refused with *code*."""
    page = f"docs/identity/token-chain.md#{hop}"
    known = KNOWN.get(code)
    return f"{known} ({page})" if known else page
