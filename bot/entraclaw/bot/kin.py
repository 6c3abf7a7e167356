"""Tell whether a process was started by a host whose session is connected to us.

What a model runs in its shell descends from its host. This is a rail and no wall: a
process that detaches itself (a double fork, a service manager, another terminal) descends
from the host no longer, and the system does not say that it ever did. docs/approvals.md
"""

from collections.abc import Iterable
from pathlib import Path

import psutil

# What may stand between a host and the program of ours that it starts.
_LAUNCHERS = frozenset({"sh", "bash", "dash", "ash", "zsh", "fish", "ksh", "env", "uv", "uvx"})


def descends(pid: int, ours: Iterable[int]) -> bool:
    """Tell whether *pid* is a host of one of the processes *ours*, or was started by one.

    Args:
        pid: Who is asked about. One that is gone already is taken to be.
        ours: Our programs beside hosts: their shims and hooks.
    """
    hosts = frozenset(host for our in ours for host in _hosts(our))
    try:
        one = psutil.Process(pid)
        return not hosts.isdisjoint((one, *one.parents()))
    except psutil.Error:
        return True


def is_child(pid: int, others: Iterable[int]) -> bool:
    """Tell whether the host of the shim *pid* was started by the host of one of *others*.

    So is a host that an agent starts from its own shell: it is nobody's desk. Shims of one
    host are siblings.
    """
    if not pid:
        return False
    own = frozenset(_hosts(pid))
    hosts = frozenset(host for other in others if other for host in _hosts(other)) - own
    try:
        return not hosts.isdisjoint(psutil.Process(pid).parents())
    except psutil.Error:
        return False


def has_ended(pid: int) -> bool:
    """Tell whether *pid* is known to run no more; 0 is unknown."""
    if not pid:
        return False
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def _hosts(pid: int) -> list[psutil.Process]:
    """Find who started *pid*: what launched it, and the first process that is no launcher."""
    found: list[psutil.Process] = []
    try:
        for one in psutil.Process(pid).parents():
            is_launcher = one.name() in _LAUNCHERS
            if one.pid == 1 or (is_launcher and _leads_a_terminal(one)):
                break  # init, or the shell of a person
            found.append(one)
            if not is_launcher:
                break
    except (psutil.Error, OSError):
        return found
    return found


def _leads_a_terminal(shell: psutil.Process) -> bool:
    """Tell whether *shell* leads the session of a terminal, as the one a person types in does.

    psutil remembers which terminals there were when it was first asked, so the kernel is:
    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    stat = Path(f"/proc/{shell.pid}/stat").read_text(encoding="utf-8", errors="replace")
    _, _, _, session, terminal, *_ = stat.rpartition(")")[2].split()
    return session == str(shell.pid) and terminal != "0"
