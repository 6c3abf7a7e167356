"""Ask the daemon what a host's hook should say, and say it: started by the host for each one.

    python -I -S -c … EVENT FOLDER        the hook's JSON on stdin, its answer on stdout

EVENT is the hook's name in Claude Code, or ``Rewake``: a hook that waits in the background
and wakes the session when it ends with 2. FOLDER is the profile's home.

A hook stands between a person and their host, so it never fails it: without a daemon, or
with one that does not answer in time, it says nothing and ends with 0. It knows no rule;
`entraclaw.bot.hooking` does. Of what a tool is given, only a question for a permission is
passed on.

Contract: https://code.claude.com/docs/en/hooks
"""

import json
import os
import sys

from entraclaw.bot import beside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

# How long each may wait for the daemon; the plugin gives the host's own limit, which is more.
_WAIT_S: "Final" = 4.0
_ANSWER_S: "Final" = 3_500.0  # for a person to allow or deny
_WAKE: "Final" = 2


def main() -> int:
    """Run the hook that `sys.argv` names; returns the exit code."""
    match sys.argv[1:]:
        case ["Rewake", folder]:
            return _rewake(folder)
        case [event, folder]:
            said = answer(event, folder, sys.stdin.buffer.read())
            if said:
                sys.stdout.write(f"{json.dumps(said)}\n")
        case _:
            pass  # a plugin of another version: say nothing
    return 0


def answer(event: str, folder: str, told: bytes) -> "dict[str, Any]":
    """Get what *event* should say from the daemon; empty when there is nothing to say."""
    try:
        given: dict[str, Any] = json.loads(told)
        if event == "PermissionRequest":
            return _permission(_ask(folder, "ask", _question(given), _ANSWER_S))
        return _ask(folder, "hook", _happening(event, given), _WAIT_S)
    except (ValueError, AttributeError, TypeError):
        return {}  # neither a host nor a daemon that we know


def _happening(event: str, given: "dict[str, Any]") -> "dict[str, Any]":
    return {
        "event": event,
        "id": str(given.get("session_id", "")),
        "tool": str(given.get("tool_name", "")),
        "agent": str(given.get("agent_id", "")),
        "again": bool(given.get("stop_hook_active")),
        "attended": _is_attended(),
    }


def _is_attended() -> bool:
    """Tell a session from a run for one result (``claude -p``, the SDK)."""
    return not os.environ.get("CLAUDE_CODE_ENTRYPOINT", "").startswith("sdk")


def _question(given: "dict[str, Any]") -> "dict[str, Any]":
    return {
        "tool": str(given.get("tool_name", "")),
        "input": given.get("tool_input", {}),
        "description": str(given.get("description", "")),
    }


def _permission(verdict: "dict[str, Any]") -> "dict[str, Any]":
    """Shape a verdict as the host takes it; nothing when nobody answered."""
    if verdict.get("behavior") not in {"allow", "deny"}:
        return {}
    decision = {"behavior": verdict["behavior"]}
    if verdict.get("message") and decision["behavior"] == "deny":
        decision["message"] = str(verdict["message"])
    return {"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": decision}}


def _ask(folder: str, verb: str, words: "dict[str, Any]", seconds: float) -> "dict[str, Any]":
    connection = beside.connect(folder, verb)
    if connection is None:
        return {}
    # Leaving the block hangs up, which takes back a question that nobody needs any more.
    with connection:
        try:
            connection.sendall(json.dumps(words).encode() + b"\n")
        except OSError:
            return {}
        line = beside.Lines(connection).next(seconds)
    said: dict[str, Any] = json.loads(line or b"{}")
    return said if isinstance(said, dict) else {}  # pyright: ignore[reportUnnecessaryIsInstance]  # the wire says anything


def _rewake(folder: str) -> int:
    """Wait for the bell; 2 wakes the session with what stands on stderr."""
    if not _is_attended():
        return 0  # it ends when it is done, and must not wait for us
    connection = beside.connect(folder, "ring", "waker=rewake")
    if connection is None:
        return 0
    with connection:
        line = beside.Lines(connection).next()
    waiting = beside.waiting(line)
    if not waiting:
        return 0
    sys.stderr.write(f"{beside.doorbell(waiting)}\n")
    return _WAKE


if __name__ == "__main__":
    sys.exit(main())
