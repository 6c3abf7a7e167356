"""Which process started which, as far as the system tells."""

from collections.abc import Sequence

import psutil

from entraclaw.bot.local_socket import Guest
from entraclaw.bot.sessions import Connection


def is_child(guest: Guest, others: Sequence[Connection]) -> bool:
    """Tell whether the host of *guest* was started from within the session of one of *others*.

    So is a host that an agent starts from its own shell: it is nobody's desk. Hosts with
    the same parent are siblings.
    """
    parent = guest.facts.get("parent", "")
    hosts = {
        one.facts.get("parent", "")
        for one in others
        if one.session != guest.session and one.facts.get("parent", "") != parent
    }
    return not hosts.isdisjoint(map(str, ancestors(guest.pid)))


def ancestors(pid: int) -> frozenset[int]:
    """List the processes above *pid*; none if that is 0, gone, or not told."""
    if not pid:
        return frozenset()
    try:
        return frozenset(one.pid for one in psutil.Process(pid).parents())
    except psutil.Error:
        return frozenset()


def has_ended(pid: int) -> bool:
    """Tell whether *pid* is known to run no more."""
    if not pid:
        return False
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
