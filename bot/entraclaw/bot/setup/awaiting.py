"""Wait for what a setup brings about: tokens with all that is granted, a daemon, a message.

Nothing here is taken for done because it was asked for: the agent itself proves itself to
Entra, the daemon says whose it is, and a message lies in the inbox.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from entraclaw.bot.acting import source
from entraclaw.bot.diagnosis.claims import held
from entraclaw.bot.inbox_look import look
from entraclaw.bot.local_client import ask
from entraclaw.bot.principal import ActsAs
from entraclaw.bot.settings import Settings
from entraclaw.bot.setup.running import Show
from entraclaw.errors import (
    EntraclawError,
    HopRefused,
    InboxUnreadable,
    NotRunning,
    SetupUnfinished,
    Unreachable,
)
from entraclaw.identity import AgentIds, HopTiming
from entraclaw.identity.features import Want
from entraclaw.identity.keys import Key

AGAIN = "run the same command again: it goes on from there"

_TOKENS_S, _DAEMON_S = 300.0, 30.0
_FIRST_S, _LONGEST_S, _PART = 0.25, 15.0, 6
_LOOK_S = 0.5
# What Entra's login servers say that do not know yet what Graph knows already.
_NOT_YET = frozenset(
    {
        "AADSTS700016",  # the application
        "AADSTS7000229",  # its principal
        "AADSTS700027",  # the certificate
        "AADSTS7000215",  # the same
        "AADSTS700211",  # that the agent identity is of this blueprint
        "AADSTS50034",  # the agent user
        "AADSTS65001",  # the consent
        "AADSTS500011",  # a resource, which comes with a licence
    }
)

Clock = Callable[[], float]


def await_tokens(
    settings: Settings, agent: AgentIds, wants: Sequence[Want], key: Key, show: Show
) -> None:
    """Wait until Entra gives the agent a token for each of *wants* with all its scopes.

    Raises:
        SetupUnfinished: It does not in five minutes.
        EntraclawError: It refuses for a reason that does not pass.
    """
    begun = time.monotonic()
    while True:
        reason = _lacking(settings, agent, wants, key)
        waited = time.monotonic() - begun
        if not reason:
            return
        if waited >= _TOKENS_S:
            raise SetupUnfinished(f"the agent gets no token yet: {reason}", hint=AGAIN)
        show.wait(reason)
        time.sleep(max(_FIRST_S, min(waited / _PART, _LONGEST_S)))


def daemon_of(profile: str, folder: Path, agent: AgentIds) -> dict[str, Any]:
    """Give the status of the profile's daemon; start one if none runs.

    Raises:
        SetupUnfinished: None starts, or the one that runs has older settings.
    """
    child = None
    until = time.monotonic() + _DAEMON_S
    while time.monotonic() < until:
        try:
            status = ask(str(folder))
        except NotRunning:
            if child is None or child.poll() is not None:
                child = _started(profile)
            time.sleep(_FIRST_S)
            continue
        if status["identity"]["agent"] != agent.agent:
            raise SetupUnfinished(
                f"the daemon that runs (pid {status['pid']}) has the settings from before",
                hint=f"stop it, then {AGAIN}",
            )
        return status
    raise SetupUnfinished(
        "no daemon starts", hint="`entraclaw serve` says why; then run the same command again"
    )


def await_message(folder: Path, patience_s: float) -> bool:
    """Wait until something has come to the agent, *patience_s* seconds at most."""
    until = time.monotonic() + patience_s
    while True:
        if has_message(folder):
            return True
        left = until - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(_LOOK_S, left))


def has_message(folder: Path) -> bool:
    """Tell whether something has come to the agent."""
    try:
        with look(folder / "inbox.db") as seen:
            return bool(seen.latest(1))
    except InboxUnreadable:
        return False


def _lacking(settings: Settings, agent: AgentIds, wants: Sequence[Want], key: Key) -> str:
    """Say what Entra does not give yet; empty if it gives all."""
    # Anew each time: what msal and the chain remember is what Entra knew before.
    way = source(ActsAs.AGENT_USER, settings, agent, lambda: key, _unobserved)
    for want in wants:
        try:
            scopes = held(way.token(want.scope), time.time()).scopes
        except HopRefused as refused:
            if refused.code not in _NOT_YET and not refused.is_passing:
                raise
            return f"Entra does not know all of it yet ({refused.code})"
        except Unreachable as error:
            return str(error)
        missing = want.missing(scopes) if scopes is not None else ()
        if missing:
            return f"{want.name} does not count {', '.join(missing)} yet"
    return ""


def _started(profile: str) -> "subprocess.Popen[bytes]":
    """Start a daemon that stays when we end, as the shim does."""
    try:
        return subprocess.Popen(  # noqa: S603 - our own program, under our own interpreter
            [sys.executable, "-m", "entraclaw", "--profile", profile, "serve"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise EntraclawError(f"no daemon can be started ({error.strerror})") from error


def _unobserved(timing: HopTiming) -> None:
    del timing
