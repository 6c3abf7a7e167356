"""The one page on which an administrator consents to everything an agent lacks.

For whoever may not grant it themselves: they send the address to somebody who may.

Pure. https://learn.microsoft.com/entra/identity-platform/v2-admin-consent
https://learn.microsoft.com/entra/agent-id/identity-platform/interactive-agent-request-authorization
"""

from collections.abc import Iterable
from urllib.parse import urlencode

from entraclaw.identity.cloud import Cloud

# Agents have no redirect addresses of their own: this page of Entra's takes their answer.
_AFTERWARDS = "https://entra.microsoft.com/TokenAuthorize"


def consent_page(
    cloud: Cloud,
    tenant: str,
    agent: str,
    scopes: Iterable[tuple[str, str]],
    state: str,
    *,
    back: str = _AFTERWARDS,
) -> str:
    """Give the address of the page.

    Args:
        cloud: Whose Entra.
        tenant: The agent's.
        agent: Client id of the agent identity, of its blueprint, or of another application.
        scopes: Each a resource, as a scope of it begins, and a permission of it.
        state: Comes back with the answer.
        back: Where the answer goes.
    """
    query = {
        "client_id": agent,
        "scope": " ".join(sorted(f"{resource}/{name}" for resource, name in scopes)),
        "redirect_uri": back,
        "state": state,
    }
    return f"{cloud.login}/{tenant}/v2.0/adminconsent?{urlencode(query)}"
