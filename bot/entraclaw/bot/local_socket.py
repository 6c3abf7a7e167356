"""The daemon's local socket: who may connect, and what each connection wants.

Mode 0600 in a folder of mode 0700, and the kernel is asked who is at the other end: only
the user the daemon runs as. The first line says what the rest is:

    entraclaw/1 mcp SESSION      then MCP lines, both ways
    entraclaw/1 status -         one JSON line back, then the end
    entraclaw/1 do -             one JSON line with a request, one with its result back
    entraclaw/1 tail -           a JSON line for everything that happens, until one leaves
    entraclaw/1 busy SESSION     the session is at work: its leases live on
    entraclaw/1 ring SESSION     a JSON line whenever the session should wake, until one leaves
    entraclaw/1 hook SESSION     one JSON line with what a host's hook was told, one back
    entraclaw/1 ask SESSION      one JSON line with what the host wants to do, its verdict back

Behind the session stand facts about it that only its host knows, as in a query string:
``host=claude-code&project=%2Fhome%2Fada``. docs/hosts.md lists them.
"""

import asyncio
import hashlib
import json
import logging
import os
import re
import socket
import struct
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from entraclaw.bot.home import SOCKET_PATH_LIMIT
from entraclaw.errors import EntraclawError

LINE_LIMIT = 16 * 1024 * 1024  # bytes of one MCP line
_GREETING = re.compile(
    rb"entraclaw/1 (mcp|status|do|tail|busy|ring|hook|ask)"
    rb" ([A-Za-z0-9_-]{1,64})(?: ([!-~]{0,8192}))?\n"
)
_GREETING_S = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Guest:
    """An accepted connection.

    Attributes:
        wants: ``mcp``, ``status``, ``do``, ``tail``, ``busy``, ``ring``, ``hook`` or ``ask``.
        session: The host session's id; ``-`` where none is meant.
        pid: The process at the other end; 0 where the system does not tell.
        reader: What it says.
        writer: Where to answer.
        facts: What its host says about the session; empty where it says nothing.
    """

    wants: str
    session: str
    pid: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    facts: Mapping[str, str]

    async def say(self, document: object) -> None:
        """Write *document* as one JSON line.

        Raises:
            ConnectionError: The other end has left.
        """
        self.writer.write(json.dumps(document).encode() + b"\n")
        await self.writer.drain()


def unsupported() -> str | None:
    """Say why no daemon can listen on this system, or None if one can."""
    if hasattr(socket, "AF_UNIX") and sys.platform != "win32":
        return None
    return "the local socket needs Unix sockets, which this system lacks"


@asynccontextmanager
async def listening(
    folder: Path, serve: Callable[[Guest], Awaitable[None]]
) -> AsyncGenerator[None]:
    """Listen in the profile *folder* and give every accepted guest to *serve*.

    The caller must hold the profile's lock: a socket file left by a dead daemon is
    removed here. At the end every guest's *serve* is cancelled and waited for.

    Raises:
        EntraclawError: This system has no Unix sockets.
    """
    lacking = unsupported()
    if lacking is not None:
        raise EntraclawError(lacking, hint="docs/platforms.md says what works where")
    path = place(folder)
    path.unlink(missing_ok=True)
    guests: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_receive(reader, writer, serve), name="guest")
        guests.add(task)
        task.add_done_callback(guests.discard)

    old = os.umask(0o177)  # the socket is 0600 from its first moment
    try:
        server = await asyncio.start_unix_server(accept, path, limit=LINE_LIMIT)
    finally:
        os.umask(old)
    try:
        yield
    finally:
        server.close()
        for guest in guests:
            guest.cancel()
        await asyncio.gather(*guests, return_exceptions=True)
        path.unlink(missing_ok=True)


async def _receive(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    serve: Callable[[Guest], Awaitable[None]],
) -> None:
    try:
        guest = await _greet(reader, writer)
        if guest is not None:
            await serve(guest)
    except ConnectionError:
        _log.debug("guest left")
    except Exception:  # noqa: BLE001 - the top of a guest's task: one guest must not end the others
        _log.exception("a guest was not served to the end")
    finally:
        writer.close()


def place(folder: Path) -> Path:
    """Choose where the socket of the profile *folder* goes, and note it if it is elsewhere.

    A path over `SOCKET_PATH_LIMIT` bytes moves to a 0700 folder under the runtime or
    temporary directory, under a hashed name.
    """
    run = folder / "run"
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    usual = run / "daemon.sock"
    note = run / "daemon.sock.at"
    if len(os.fsencode(usual)) <= SOCKET_PATH_LIMIT:
        note.unlink(missing_ok=True)
        return usual
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    private = base / f"entraclaw-{os.getuid()}"
    private.mkdir(mode=0o700, exist_ok=True)
    status = private.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise EntraclawError(f"{private} belongs to somebody else", hint="remove it")
    name = hashlib.sha256(os.fsencode(usual)).hexdigest()[:32]
    elsewhere = private / f"{name}.sock"
    note.write_text(f"{elsewhere}\n", encoding="utf-8")
    return elsewhere


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Guest | None:
    """Learn who connects and what for; None if it is not for us."""
    user, pid = peer(writer.get_extra_info("socket"))
    if user != os.getuid():
        _log.warning("refused a connection of another user")
        return None
    try:
        async with asyncio.timeout(_GREETING_S):
            line = await reader.readline()
    except (TimeoutError, ValueError):
        return None
    greeting = _GREETING.fullmatch(line)
    if greeting is None:
        return None
    facts = dict(parse_qsl((greeting[3] or b"").decode("ascii")))
    return Guest(greeting[1].decode(), greeting[2].decode(), pid, reader, writer, facts)


def peer(connection: socket.socket) -> tuple[int, int]:
    """Ask the kernel who is at the other end: (user id, process id or 0)."""
    if sys.platform == "darwin":
        # struct xucred of <sys/ucred.h>: version, uid, group count, 16 groups.
        raw = connection.getsockopt(0, 1, 4 + 4 + 4 + 64)  # SOL_LOCAL, LOCAL_PEERCRED
        _, user = struct.unpack_from("=II", raw)
        return user, 0
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, user, _ = struct.unpack("3i", raw)
    return user, pid
