"""What only a host can tell of its session: read from the environment it gives its children.

Everything that a host starts (the shim, the plugin's monitor and hooks) sees the same
environment, so all of them name the same session. Standard library only, and little of
it: the shim starts with every host session.

Claude Code 2.1.330 sets ``CLAUDE_CODE_SESSION_ID``, ``CLAUDE_PROJECT_DIR``,
``CLAUDE_CODE_ENTRYPOINT`` and ``CLAUDE_CODE_MESSAGING_SOCKET`` for its MCP servers.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

_LONGEST: "Final" = 64  # letters of a session id
_LONGEST_PATH: "Final" = 1024  # bytes of a project's folder
_PLAIN: "Final" = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./")


def session(environ: "Mapping[str, str]") -> str:
    """Take the host's own session id if it is a plain word, else make one."""
    given = environ.get("CLAUDE_CODE_SESSION_ID", "")
    plain = given.isascii() and given.replace("-", "").replace("_", "").isalnum()
    if plain and len(given) <= _LONGEST:
        return given
    return os.urandom(12).hex()


def inbox(environ: "Mapping[str, str]") -> "tuple[str, str] | None":
    """Name the session's inbox socket and its token (empty if it wants none); None without."""
    path = environ.get("CLAUDE_CODE_MESSAGING_SOCKET")
    return (path, environ.get("CLAUDE_CODE_MESSAGING_TOKEN", "")) if path else None


def tell(environ: "Mapping[str, str]", parent: int) -> str:
    """Write the facts of a session as a query string; what is unknown is left out.

    Args:
        environ: As the host gave it to us.
        parent: The process that started us.
    """
    facts = {
        "host": "claude-code" if environ.get("CLAUDECODE") else "",
        "entry": environ.get("CLAUDE_CODE_ENTRYPOINT", ""),
        "project": environ.get("CLAUDE_PROJECT_DIR", ""),
        "inbox": "1" if environ.get("CLAUDE_CODE_MESSAGING_SOCKET") else "",
        "parent": str(parent),
    }
    return "&".join(f"{name}={_quote(value)}" for name, value in facts.items() if value)


def _quote(value: str) -> str:
    raw = os.fsencode(value)[:_LONGEST_PATH]
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in raw)
