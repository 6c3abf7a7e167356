"""A public URL for the webhook, or a reason why there is none.

This is the seam: what supervises a tunnel implements `Tunnel`. The one kind in this
version is `NoTunnel`; until others come, a tunnel is started by hand
(docs/architecture.md says how far a message gets without one).
"""

from dataclasses import dataclass
from typing import Protocol

__all__ = ["NoTunnel", "PublicUrl", "Reason", "Tunnel"]


@dataclass(frozen=True, slots=True)
class PublicUrl:
    """Where the world reaches the webhook, ``https://…`` without a trailing slash."""

    url: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why there is no public URL, in words for the operator."""

    text: str


class Tunnel(Protocol):
    """Something that may carry requests from a public URL to a local port."""

    async def up(self, port: int) -> PublicUrl | Reason:
        """Bring the tunnel up in front of *port*, or say why that is not possible.

        Never a made-up address: a URL is returned only when it is public.
        """
        ...

    async def down(self) -> None:
        """Take the tunnel down; taking down what is not up is no error."""
        ...


class NoTunnel:
    """The profile is not reachable from outside, on purpose."""

    async def up(self, port: int) -> PublicUrl | Reason:
        """Say so."""
        return Reason(f"no tunnel is set; the webhook is reachable on port {port} here only")

    async def down(self) -> None:
        """Nothing is up."""
