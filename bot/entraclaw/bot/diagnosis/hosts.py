"""Judge the daemon and the hosts, from what the daemon says of itself. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from entraclaw.bot.diagnosis.finding import Finding, Group
from entraclaw.bot.lifecycle import State
from entraclaw.errors import NotAnswering, NotRunning

_ATTACH = "start your host: `entraclaw connect claude` once, then claude"


def hosts(status: Mapping[str, Any] | NotRunning) -> Iterator[Finding]:
    """Give two lines: the daemon, and who is attached to it."""
    match status:
        case NotAnswering() as error:
            yield Finding("daemon", str(error), error.hint, group=Group.HOSTS)
        case NotRunning():
            says = "not running: what Teams sends is lost meanwhile"
            yield _note("daemon", says, "entraclaw serve")
        case running:
            webhook = running["webhook"] or "no webhook"
            says = f"running, pid {running['pid']}, {webhook}"
            yield Finding("daemon", says, group=Group.HOSTS)
            yield _hosts(running)


def _hosts(status: Mapping[str, Any]) -> Finding:
    waiting = status["inbox"][State.WAITING]
    many = "1 message waits" if waiting == 1 else f"{waiting} messages wait"
    sessions = status["sessions"]
    if sessions:
        names = ", ".join(str(one["host"] or one["session"][:8]) for one in sessions)
        return Finding("hosts", f"{len(sessions)} attached: {names}", group=Group.HOSTS)
    if waiting:
        return Finding("hosts", f"{many}, and no host is attached", _ATTACH, group=Group.HOSTS)
    return _note("hosts", "none is attached, and nothing waits", _ATTACH)


def _note(name: str, says: str, cure: str) -> Finding:
    return Finding(name, says, cure, group=Group.HOSTS, is_note=True)
