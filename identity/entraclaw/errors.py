"""Every error this project raises on purpose.

    EntraclawError
    ├── BadSettings        the operator must change a setting
    ├── KeyUnavailable     the machine cannot sign right now
    ├── KeyMisused         a key was asked to sign for somebody it is not bound to
    ├── RotationUnfinished a new key was begun and is not done; the next rotation sees to it
    ├── SetupBlocked       an agent cannot be set up as it was asked for; nothing was made
    ├── SetupUnfinished    a setup waits for somebody, or broke off; the next one goes on
    ├── JournalUnreadable  what a setup noted is damaged, or not ours
    ├── HopRefused         Entra said no, and at which hop
    ├── SignedOut          nobody is signed in whom we could act for, or not any more
    │   └── SignInUnreadable   what is kept of the sign-in is damaged, or not ours
    ├── SignInRefused      a person could not be signed in
    ├── NoPrincipal        no principal of this profile can do what was asked
    ├── CallRefused        Graph or the connector said no
    ├── Unreachable        nobody answered
    ├── Uncertain          it was sent, and nobody knows whether it arrived
    ├── AttachmentRefused  an attachment is where we do not go, or not what it claims to be
    ├── TurnRefused        a tool named a turn that it may not use
    ├── ToolRefused        there is no such tool, or it cannot take those arguments
    ├── ApprovalRefused    a request for approval cannot be answered, or not by whom tried
    ├── Locked             the profile is locked: nothing goes out
    ├── InboxUnreadable    the inbox on disk is not one this version can open
    ├── InboxUnwritable    the inbox could not do what was asked (disk full, locked)
    ├── AccessUnreadable   the list of who may speak cannot be taken at its word
    │   └── AccessUnsealed it is not as the daemon sealed it
    ├── AccessUnwritable   the list of who may speak could not be changed
    ├── PairingRefused     nobody waits with the code that was given
    ├── ProofRefused       nothing proves that a person wants what widens power
    ├── AlreadyRunning     another daemon holds the profile
    ├── NotRunning         no daemon holds the profile
    │   └── NotAnswering   one does, and it takes too long
    └── WorldRefused       a daemon did not do it, since Microsoft did not let it

`str(error)` is one sentence that is safe to show a person or a model; `hint` is the
operator's next step. The command line prints both and leaves with `exit_code`:
1 the thing asked about is not well, 2 wrong usage, 3 the world refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

_TOO_MANY = 429
_SERVER_FAULT = 500


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


class RotationUnfinished(EntraclawError):
    """A rotation of the key stopped half-way; a working key is in use, whichever it is."""

    exit_code: ClassVar[int] = 3


class SetupBlocked(EntraclawError):
    """The tenant, or whoever signed in, does not allow what was asked; nothing was made."""

    exit_code: ClassVar[int] = 3


class SetupUnfinished(EntraclawError):
    """Something is not done yet, and the same command goes on with it."""

    exit_code: ClassVar[int] = 3


class JournalUnreadable(EntraclawError):
    """What a setup noted of what it made cannot be read."""

    def __init__(self, path: str, reason: str) -> None:
        """Name the file and what is wrong with it."""
        super().__init__(
            f"{path}, which says what was set up, cannot be read: {reason}",
            hint="restore it; or move it away, and `entraclaw teardown --orphans` finds what "
            "was made",
        )


class HopRefused(EntraclawError):
    """Entra refused one request of the token chain; later hops were never asked."""

    exit_code: ClassVar[int] = 3

    def __init__(
        self,
        hop: str,
        code: str,
        *,
        hint: str,
        retry_after: float | None = None,
        is_passing: bool = False,
    ) -> None:
        """Name the hop and Entra's own code (``AADSTS65001``, ``invalid_grant``).

        *is_passing*: the same request may be granted later with nothing changed, after
        *retry_after* seconds if Entra said how many.
        """
        self.hop, self.code = hop, code
        self.retry_after, self.is_passing = retry_after, is_passing
        super().__init__(f"the {hop} hop was refused ({code})", hint=hint)


class SignedOut(EntraclawError):
    """Nobody is signed in whom we could act for, or the sign-in has ended."""

    def __init__(self, reason: str, *, hint: str = "`entraclaw sign-in`") -> None:
        """Say why, in words that end the sentence."""
        super().__init__(f"signed out: {reason}", hint=hint)


class SignInUnreadable(SignedOut):
    """What is kept of the sign-in is damaged, of another profile, or without its key."""

    def __init__(self, path: str, reason: str) -> None:
        """Name the file and what is wrong with it."""
        super().__init__(
            f"{path} cannot be opened: {reason}",
            hint="`entraclaw sign-out` forgets it, then `entraclaw sign-in`",
        )


class SignInRefused(EntraclawError):
    """Entra did not sign the person in, or it is not the person we act for."""

    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        """Keep Entra's own *code* beside it (``AADSTS90094``); empty where it was not Entra."""
        self.code = code
        super().__init__(message, hint=hint)


class NoPrincipal(EntraclawError):
    """What was asked needs a principal that this profile does not have; none stands in."""


class CallRefused(EntraclawError):
    """A Microsoft service answered a call with a refusal."""

    exit_code: ClassVar[int] = 3

    def __init__(
        self, service: str, status: int, code: str, *, hint: str = "", retry_after: str = ""
    ) -> None:
        """Name the service, its HTTP status and its own error code.

        *retry_after* is the header of that name, seconds as a number; anything else is no help.
        """
        self.service, self.status, self.code = service, status, code
        if status == _TOO_MANY and not hint:
            is_told = retry_after.isascii() and retry_after.isdigit()
            hint = f"call again in {int(retry_after) if is_told else 60} s"
        super().__init__(f"{service} refused the call ({status} {code})", hint=hint)

    @property
    def is_passing(self) -> bool:
        """Whether the same call may be granted a little later."""
        return self.status == _TOO_MANY or self.status >= _SERVER_FAULT


class Unreachable(EntraclawError):
    """A service could not be reached, or did not answer in time."""

    exit_code: ClassVar[int] = 3

    def __init__(
        self,
        service: str,
        reason: str,
        *,
        hint: str = "",
        retry_after: float | None = None,
        is_passing: bool = False,
    ) -> None:
        """Name the service and what kind of failure it was.

        *is_passing*: it answered that it cannot now, and asks to be left alone for
        *retry_after* seconds if it said how many.
        """
        self.service = service
        self.retry_after, self.is_passing = retry_after, is_passing
        super().__init__(f"{service} cannot be reached ({reason})", hint=hint)


class Uncertain(EntraclawError):
    """A request was cut off after it was sent; it may have had its effect."""

    exit_code: ClassVar[int] = 3

    def __init__(
        self,
        service: str,
        reason: str,
        *,
        hint: str = "do nothing more for it: the daemon finds out whether it arrived",
    ) -> None:
        """Name the service and what kind of failure it was."""
        self.service = service
        super().__init__(f"{service} broke off before it answered ({reason})", hint=hint)


class ToolRefused(EntraclawError):
    """A tool was named that does not exist, or was given what it cannot take."""


class Locked(EntraclawError):
    """The profile is locked: no turn is handed out and nothing is sent."""

    def __init__(self, reason: str) -> None:
        """Say why."""
        super().__init__(
            f"this profile is locked ({reason})",
            hint="docs/access.md says what locks a profile, and how it is opened again",
        )


class AttachmentRefused(EntraclawError):
    """An attachment may not be fetched, or is not what it claims to be."""

    exit_code: ClassVar[int] = 3

    def __init__(self, reason: str, *, hint: str = "") -> None:
        """Say why, in words that end the sentence."""
        self.reason = reason
        super().__init__(f"the attachment was refused: {reason}", hint=hint)


class TurnRefused(EntraclawError):
    """A tool named a turn that is unknown, closed, or leased to another session."""


class ApprovalRefused(EntraclawError):
    """A request for approval is unknown, has ended, or must not be answered from there."""


class InboxUnreadable(EntraclawError):
    """The inbox was written by a newer version, or is not an inbox."""


class InboxUnwritable(EntraclawError):
    """The inbox could not be written or read; nothing was changed."""


class PrincipalRefused(EntraclawError):
    """The inbox holds what another principal must answer; nothing was changed."""

    def __init__(self, reason: str) -> None:
        """Say what is in the way."""
        super().__init__(
            reason,
            hint="name that principal in config.toml again until they are answered, or dropped "
            "with `entraclaw inbox drop`",
        )


class AccessUnreadable(EntraclawError):
    """The list of who may speak is damaged, of a newer version, or open to others."""

    def __init__(self, path: str, reason: str) -> None:
        """Name the file and what is wrong with it."""
        super().__init__(
            f"the list of who may speak cannot be read: {path}: {reason}",
            hint="correct the file, or `entraclaw access reset` keeps it aside and begins anew",
        )


class AccessUnsealed(AccessUnreadable):
    """The list of who may speak is not as the daemon sealed it: nobody on it may speak."""

    def __init__(self, path: str, reason: str) -> None:
        """Name the file and what is wrong with it."""
        EntraclawError.__init__(
            self,
            f"the list of who may speak is not as it was sealed: {path}: {reason}",
            hint="`entraclaw access list` shows what changed, `access restore` puts back what was "
            "sealed, `access accept` takes what is there, `access reset` begins anew",
        )


class AccessUnwritable(EntraclawError):
    """The list of who may speak could not be changed; it is as it was."""

    def __init__(self, path: str, reason: str) -> None:
        """Name the file and what was in the way."""
        super().__init__(f"the list of who may speak cannot be changed: {path}: {reason}")


class PairingRefused(EntraclawError):
    """Nobody waits with the code that was given: mistyped, too old, or used."""

    def __init__(self) -> None:
        """Say so, and how to see who waits."""
        super().__init__(
            "nobody waits with that code", hint="`entraclaw access list` shows who waits"
        )


class ProofRefused(EntraclawError):
    """What widens power was not proved to be a person's will; nothing was changed."""


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


class NotAnswering(NotRunning):
    """A daemon took a request and did not answer in time; it may still do it."""

    def __init__(self) -> None:
        """Say so, and where to look."""
        EntraclawError.__init__(
            self,
            "the daemon did not answer in time, and may still do what was asked",
            hint="look at logs/daemon.log in the profile's folder",
        )


class WorldRefused(EntraclawError):
    """A running daemon did not do what was asked of it: a service refused, or was not there."""

    exit_code: ClassVar[int] = 3
