"""Ask a running daemon over its local socket: how it is, to do something, what happens."""

import json
import socket
from collections.abc import Generator, Iterator, Mapping
from typing import Any, cast

from entraclaw.bot import home
from entraclaw.errors import EntraclawError, NotAnswering, NotRunning, WorldRefused

_PATIENCE_S = 5.0
_WORK_S = 120.0  # catching up reads every chat


def ask(folder: str) -> dict[str, Any]:
    """Ask the daemon of the profile in *folder* for its status, see `Daemon.status`.

    Raises:
        NotRunning: None answers.
    """
    return _first(_lines(folder, b"entraclaw/1 status -\n", _PATIENCE_S))


def do(folder: str, request: Mapping[str, object]) -> dict[str, Any]:
    """Have the daemon do something, see `entraclaw.bot.controls`.

    Raises:
        NotRunning: None answers, or none in time.
        EntraclawError: It did not do it; the sentence and the exit code are the daemon's own.
    """
    words = b"entraclaw/1 do -\n" + json.dumps(request).encode() + b"\n"
    answer = _first(_lines(folder, words, _WORK_S))
    if "error" in answer:
        raise _refusal(answer)
    return answer


def converse(
    folder: str, request: Mapping[str, object], patience_s: float
) -> Generator[dict[str, Any], bytes | None]:
    """Have the daemon do something that it says more than one line about.

    What is sent to the generator goes to the daemon. To close it is to leave.

    Args:
        folder: Of the profile.
        request: What is asked.
        patience_s: How long to wait for each line.

    Raises:
        NotRunning: None answers, or none in time.
        EntraclawError: It did not do it; the sentence and the exit code are the daemon's own.
    """
    words = b"entraclaw/1 do -\n" + json.dumps(request).encode() + b"\n"
    lines, more = _lines(folder, words, patience_s), None
    while True:
        try:
            answer = lines.send(more)
        except StopIteration:
            raise NotRunning from None  # it left before it was done
        if "error" in answer:
            raise _refusal(answer)
        more = yield answer


def tail(folder: str) -> Iterator[dict[str, Any]]:
    """Give what happens in the daemon, for as long as it runs.

    Raises:
        NotRunning: None answers, or it died.
        EntraclawError: Nothing can happen in it: its profile has no agent.
    """
    for happening in _lines(folder, b"entraclaw/1 tail -\n", None):
        if "error" in happening:
            raise _refusal(happening)
        yield happening


def _refusal(answer: Mapping[str, Any]) -> EntraclawError:
    kind = WorldRefused if answer.get("exit") == WorldRefused.exit_code else EntraclawError
    return kind(str(answer["error"]), hint=str(answer.get("hint", "")))


def _lines(
    folder: str, words: bytes, patience_s: float | None
) -> Generator[dict[str, Any], bytes | None]:
    is_connected = False
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PATIENCE_S)
            connection.connect(home.socket_path(folder))
            is_connected = True
            connection.settimeout(patience_s)
            connection.sendall(words)
            with connection.makefile("rb") as answer:
                for line in answer:
                    more = yield cast("dict[str, Any]", json.loads(line))
                    if more is not None:
                        connection.sendall(more)
    except (OSError, ValueError, AttributeError) as error:
        if is_connected and isinstance(error, TimeoutError):
            raise NotAnswering from error
        # AttributeError: a system without Unix sockets, where no daemon can run.
        raise NotRunning from error


def _first(lines: Iterator[dict[str, Any]]) -> dict[str, Any]:
    for line in lines:
        return line
    raise NotRunning  # it left before it answered
