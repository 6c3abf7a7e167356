"""Where one principal's tokens come from: the seam between `Minter` and whoever asks Entra."""

from typing import Protocol

from entraclaw.identity.values import Token


class TokenSource(Protocol):
    """Gets tokens of one principal, and never of another.

    It is asked in one thread, and may block; what it gave is kept by the minter.
    """

    def token(self, scope: str, claims: str = "") -> Token:
        """Get a token for *scope*, with what *claims* (a claims challenge, JSON) demands.

        Raises:
            HopRefused: Entra said no.
            Unreachable: Entra did not answer.
            KeyUnavailable: The machine cannot sign, or read what it keeps, right now.
            KeyMisused: The key, or Entra's metadata, is for another tenant or login host.
        """
        ...
