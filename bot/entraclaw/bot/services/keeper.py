"""What a service manager starts: it keeps the daemon of one profile running.

The managers differ in what an exit code means to them and in how they wait between starts;
here it is the same for all. The daemon lives no longer than its standard input, which is
ours, so that none is left however we end.

`python -P -m entraclaw.bot.services.keeper HOME PROFILE`
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from entraclaw.bot.services import restarts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from typing import IO

_LOG_BYTES = 1_000_000
_PATIENCE_S = 20.0  # the daemon leaves after 15 s, whatever still runs
_CANNOT_START = 127  # as a shell says it
_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # on Windows


class _Told(Exception):
    """We were told to end."""


def main() -> int:
    """Keep the daemon that `sys.argv` names; returns its last exit code."""
    if len(sys.argv) != 3:  # noqa: PLR2004 - the program and its two words
        sys.stderr.write("entraclaw: error: give the folder of all profiles, and a profile\n")
        return restarts.WRONG_SETTINGS
    base, profile = sys.argv[1:]
    environ = {**os.environ, "ENTRACLAW_HOME": base}
    log = Path(base, profile, "logs", "service.log")
    # -P for the daemon, too: the manager chose where we are.
    words = [sys.executable, "-P", "-m", "entraclaw", "--profile", profile, "serve", "--until-eof"]
    try:
        _hear()
        code = _keep(words, environ, log)
    except _Told:
        code = 0
    # launchd starts anew what ends with anything else.
    return 0 if sys.platform == "darwin" else code


def _keep(words: "Sequence[str]", environ: "Mapping[str, str]", log: Path) -> int:
    """Start it until it need not be started again; returns its last exit code."""
    failures = 0
    while True:
        began = time.monotonic()
        code = _run(words, environ, log)
        following = restarts.after(code, time.monotonic() - began, failures)
        failures = following.failures
        if following.pause_s is None:
            _say(log, f"the daemon ended with {code}, and is left")
            return code
        _say(log, f"the daemon ended with {code}; started again in {following.pause_s:.0f} s")
        time.sleep(following.pause_s)


def _run(words: "Sequence[str]", environ: "Mapping[str, str]", log: Path) -> int:
    """Run it to its end; when we are told to end, it is first."""
    with _open(log) as stderr:
        try:
            daemon = subprocess.Popen(  # noqa: S603 - our own program, under our own interpreter
                words,
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                creationflags=_NO_WINDOW,
            )
        except OSError as error:
            _say(log, f"{words[0]} cannot be started ({error.strerror})")
            return _CANNOT_START
        with _ended(daemon):
            return daemon.wait()


@contextmanager
def _ended(daemon: "subprocess.Popen[bytes]") -> "Generator[None]":
    """End *daemon* however the body ends: its standard input first, and by force at last."""
    try:
        yield
    finally:
        if daemon.stdin is not None:
            daemon.stdin.close()
        try:
            daemon.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def _hear() -> None:
    """Take a signal as the word to end; the first one only, so that the end is not cut off."""

    def told(*_: object) -> None:
        for number in heard:
            signal.signal(number, signal.SIG_IGN)
        raise _Told

    heard = (signal.SIGINT, signal.SIGTERM)
    for number in heard:
        signal.signal(number, told)


def _open(log: Path) -> "IO[bytes]":
    """Open the log to add to it; one that has grown is kept aside, and the one before it goes.

    On a disk that takes nothing the daemon still runs; what it says then is lost.
    """
    try:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_name(f"{log.name}.1"))
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        descriptor = os.open(os.devnull, os.O_WRONLY)
    return os.fdopen(descriptor, "wb", buffering=0)


def _say(log: Path, what: str) -> None:
    moment = time.strftime("%Y-%m-%d %H:%M:%S")
    with _open(log) as file, suppress(OSError):
        file.write(f"{moment} {what}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
