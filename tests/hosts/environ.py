"""What Claude Code puts into the environment of the MCP servers, monitors and hooks it starts."""

from collections.abc import Mapping


def environment(
    base: Mapping[str, str],
    session: str,
    *,
    project: str = "",
    entry: str = "cli",
    inbox: tuple[str, str] | None = None,
) -> dict[str, str]:
    """Make the environment that Claude Code gives to what it starts.

    Args:
        base: Its own environment; what it says of another session is left out.
        session: The session's id.
        project: The folder it works in.
        entry: ``cli``, or ``sdk-cli`` for ``claude -p``.
        inbox: Path and token of the session's inbox socket, if it has one.
    """
    kept = {name: value for name, value in base.items() if not name.startswith("CLAUDE")}
    told = {
        "CLAUDECODE": "1",
        "CLAUDE_CODE_SESSION_ID": session,
        "CLAUDE_CODE_ENTRYPOINT": entry,
        "CLAUDE_PROJECT_DIR": project,
    }
    if inbox is not None:
        told["CLAUDE_CODE_MESSAGING_SOCKET"], told["CLAUDE_CODE_MESSAGING_TOKEN"] = inbox
    return kept | {name: value for name, value in told.items() if value}
