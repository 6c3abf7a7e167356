"""What stands behind an agent besides its three objects: its principal, licences, mailbox.

https://learn.microsoft.com/entra/agent-id/
"""

from dataclasses import dataclass

from entraclaw.sandbox.licences import USUAL, has_mailbox


@dataclass(frozen=True, slots=True)
class Account:
    """The account of one agent user, and the blueprint's place in the tenant.

    Without *has_principal* the blueprint is an application that the tenant does
    not know. *is_deleted* is the agent user. A mailbox comes with some
    *licences*, and is ready from *mailbox_from* on, by the tenant's clock.
    """

    has_principal: bool = True
    is_deleted: bool = False
    licences: tuple[str, ...] = (USUAL,)
    mailbox_from: float = 0.0

    def has_mailbox(self, now: float) -> bool:
        """Whether Exchange answers for its mailbox at *now*."""
        return has_mailbox(self.licences) and now >= self.mailbox_from
