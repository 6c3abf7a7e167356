"""Every error this project raises on purpose.

    EntraclawError
    ├── BadSettings        the operator must change a setting
    ├── KeyUnavailable     the machine cannot sign right now
    ├── KeyMisused         a key was asked to sign for somebody it is not bound to
    ├── HopRefused         Entra said no, and at which hop
    ├── CallRefused        Graph or the connector said no
    ├── Unreachable        nobody answered
    ├── TurnRefused        a tool named a turn that it may not use
    ├── InboxUnreadable    the inbox on disk is not one this version can open
    ├── InboxUnwritable    the inbox could not do what was asked (disk full, locked)
    ├── AlreadyRunning     another daemon holds the profile
    └── NotRunning         no daemon holds the profile

`str(error)` is one sentence that is safe to show a person or a model; `hint` is the
operator's next step. The command line prints both and leaves with `exit_code`:
1 the thing asked about is not well, 2 wrong usage, 3 the world refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class EntraclawError(Exception):
    """The root: a sentence, and a hint for the operator (may be empty)."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep *message* as the text of the error and *hint* beside it."""
        self.hint = hint
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Problem:
    """One setting that is wrong: which, why, and what to do."""

    key: str
    reason: str
    cure: str


class BadSettings(EntraclawError):
    """One or more settings are wrong; all of them are named at once."""

    exit_code: ClassVar[int] = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Name every problem in the message and every cure in the hint."""
        self.problems = tuple(problems)
        super().__init__(
            "; ".join(f"{problem.key}: {problem.reason}" for problem in self.problems),
            hint="; ".join(f"{problem.key}: {problem.cure}" for problem in self.problems),
        )


class KeyUnavailable(EntraclawError):
    """The keystore is locked, absent, not allowed, or holds no such key."""


class KeyMisused(EntraclawError):
    """A key was asked to sign for a tenant or login host it was not made for."""


class HopRefused(EntraclawError):
    """Entra refused one request of the token chain; later hops were never asked."""

    exit_code: ClassVar[int] = 3

    def __init__(self, hop: str, code: str, *, hint: str) -> None:
        """Name the hop and Entra's own code (``AADSTS65001``, ``invalid_grant``)."""
        self.hop, self.code = hop, code
        super().__init__(f"the {hop} hop was refused ({code})", hint=hint)


class CallRefused(EntraclawError):
    """A Microsoft service answered a call with a refusal."""

    exit_code: ClassVar[int] = 3

    def __init__(self, service: str, status: int, code: str, *, hint: str = "") -> None:
        """Name the service, its HTTP status and its own error code."""
        self.service, self.status, self.code = service, status, code
        super().__init__(f"{service} refused the call ({status} {code})", hint=hint)


class Unreachable(EntraclawError):
    """A service could not be reached, or did not answer in time."""

    exit_code: ClassVar[int] = 3

    def __init__(self, service: str, reason: str, *, hint: str = "") -> None:
        """Name the service and what kind of failure it was."""
        self.service = service
        super().__init__(f"{service} cannot be reached ({reason})", hint=hint)


class TurnRefused(EntraclawError):
    """A tool named a turn that is unknown, closed, or leased to another session."""


class InboxUnreadable(EntraclawError):
    """The inbox was written by a newer version, or is not an inbox."""


class InboxUnwritable(EntraclawError):
    """The inbox could not be written or read; nothing was changed."""


class AlreadyRunning(EntraclawError):
    """Another daemon already serves this profile."""

    def __init__(self, pid: str) -> None:
        """Name the process that holds the profile."""
        super().__init__(
            f"a daemon already serves this profile (pid {pid})",
            hint="use it as it is, or stop that process first",
        )


class NotRunning(EntraclawError):
    """No daemon serves this profile."""

    def __init__(self) -> None:
        """Say so, and how to start one."""
        super().__init__("no daemon serves this profile", hint="start one with `entraclaw serve`")
