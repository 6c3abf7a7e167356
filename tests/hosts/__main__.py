"""Send messages to real hosts, woken in each way they have: `make hosts` runs this.

Everything is real and a process of its own: the daemon, the shim, and Claude Code in a
terminal. Only Microsoft and the model are emulated, and nothing but loopback exists.
Each message is sent when the session is idle. One JSON line for each host and waker goes
to standard output; what went wrong goes to stderr. Exit 1 when a message was not answered
exactly once, or more of the time was ours than may be.

SHORT=1 sends fewer messages, too few to judge the time by; ONLY=words runs the wakers whose
names contain them; MODEL_MS is how long the model takes for an answer.
"""

import asyncio
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from bot.stage import sandbox
from hosts import claude, namespace
from hosts.rounds import Plan, channel, run
from hosts.wakers import WAKERS, Waker

_MESSAGES, _FEW = 20, 5
_MODEL_MS = 500.0
_LARGEST_SHARE = 0.05


def main() -> int:
    """Run; 0 when all is as it must be, 1 when not, or when parts are required and missing."""
    reason = claude.unavailable() if sys.platform == "linux" else "this needs Linux"
    if reason is not None:
        sys.stderr.write(f"hosts: nothing was run: {reason}\n")
        return 1 if os.environ.get("ENTRACLAW_PARTS_REQUIRED") else 0
    crowd = namespace.unavailable()
    if crowd is not None:
        sys.stderr.write(f"hosts: not only loopback is there: {crowd}\n")
    elif not namespace.is_inside():
        namespace.enter("hosts", sys.argv[1:])
    namespace.prepare()
    # The processes that are left must be ended, whoever ends us.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    only = os.environ.get("ONLY", "")
    wakers = [waker for waker in WAKERS if only in waker.name]
    with tempfile.TemporaryDirectory(prefix="hosts-") as name, sandbox(Path(name) / "tenant") as up:
        good = [
            _judge(waker, asyncio.run(run(up, Path(name) / waker.name, _plan(waker))))
            for waker in wakers
        ]
        if wakers:
            _say(channel(Path(name) / wakers[0].name))
    return 0 if all(good) else 1


def _plan(waker: Waker) -> Plan:
    messages = _FEW if os.environ.get("SHORT") else _MESSAGES
    think_s = float(os.environ.get("MODEL_MS") or _MODEL_MS) / 1000
    return Plan(waker, messages, think_s)


def _judge(waker: Waker, outcome: dict[str, Any]) -> bool:
    """Print the line of one waker and say whether it is as it must be."""
    _say({**outcome, "loopback_only": namespace.is_inside()})
    only_so = set(outcome["rung_by"]) == ({waker.rings} if waker.rings else set())
    return (
        outcome["answered_once"] == outcome["answers"] == outcome["sent"]
        and (outcome["sent"] < _MESSAGES or outcome["bridge_share"] <= _LARGEST_SHARE)
        and not outcome["left_running"]
        and only_so
    )


def _say(document: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(document)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
