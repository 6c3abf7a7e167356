"""Tell which session a program beside a host belongs to.

Each program names the session as its host names it at that moment. Claude Code gives a
session a new id with ``/clear``, and the shim, which it started before, keeps the old one;
but all of them name the same process as their host. A lease, a doorbell and a question
belong to the shim's session.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from entraclaw.bot.local_socket import Guest

_BESIDE = frozenset({"ask", "busy", "hook", "ring"})


class Hosts:
    """The hosts whose shims are connected."""

    def __init__(self) -> None:
        """Begin with none."""
        self._shims: list[Guest] = []

    @contextmanager
    def noting(self, shim: Guest) -> Generator[None]:
        """Know *shim* while the body runs."""
        self._shims.append(shim)
        try:
            yield
        finally:
            self._shims.remove(shim)

    def known(self, guest: Guest) -> Guest:
        """Give *guest* the session that its host's shim has, if there is one.

        A session that is connected under the guest's own id comes first.
        """
        if guest.wants not in _BESIDE or any(one.session == guest.session for one in self._shims):
            return guest
        parent = guest.facts.get("parent")
        for shim in reversed(self._shims):
            if parent and shim.facts.get("parent") == parent:
                return replace(guest, session=shim.session)
        return guest
