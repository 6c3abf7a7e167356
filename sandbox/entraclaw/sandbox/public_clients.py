"""Applications that people sign in at: public clients, which have no credential.

One is in every tenant from the beginning, and is where administrators sign in.

Anybody may claim to be one, so a code goes only to this machine's own loopback
address, and only whoever made up its verifier can redeem it.

Native apps: https://www.rfc-editor.org/rfc/rfc8252
Loopback addresses: https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from entraclaw.sandbox.directory import HOME

# Microsoft Graph Command Line Tools, the same application in every tenant.
# https://learn.microsoft.com/powershell/microsoftgraph/authentication-commands
ADMIN_CLIENT = "14d82eec-204b-4c2f-b7e8-296a70dab67e"

# Registered once as http://localhost, good at every port of it.
_LOOPBACK = re.compile(r"http://(?:localhost|127\.0\.0\.1)(?::\d{1,5})?/?")


@dataclass(frozen=True, slots=True)
class PublicClient:
    """One registration.

    *is_public* is "Allow public client flows"; *may_consent* whether people may
    give it what it asks for, or only an administrator. *device_blocked* is the
    AADSTS number with which a policy says no to a device code, *blocked* to
    everything; *device_interval_s* is how often a device code may be asked about.
    """

    id: str
    tenant: str
    name: str
    is_public: bool = True
    may_consent: bool = True
    device_blocked: int | None = None
    blocked: int | None = None
    device_interval_s: float = 5.0


class PublicClients:
    """The registrations, in memory."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], PublicClient] = {}
        self.keep(PublicClient(ADMIN_CLIENT, HOME.id, "Microsoft Graph Command Line Tools"))

    def register(self, name: str) -> PublicClient:
        """Make one in the home tenant."""
        client = PublicClient(id=str(uuid.uuid4()), tenant=HOME.id, name=name)
        self.keep(client)
        return client

    def keep(self, client: PublicClient) -> None:
        """Put *client* in the place of the one with the same id."""
        self._known[client.tenant, client.id] = client

    def find(self, tenant: str, client: str) -> PublicClient | None:
        """Find one by its application id."""
        return self._known.get((tenant, client.lower()))

    def __iter__(self) -> Iterator[PublicClient]:
        """Every registration, oldest first."""
        return iter(list(self._known.values()))


def is_loopback(redirect: str) -> bool:
    """Whether *redirect* is this machine and nothing else."""
    return _LOOPBACK.fullmatch(redirect) is not None
