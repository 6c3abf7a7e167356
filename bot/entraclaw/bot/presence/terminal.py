"""Have polkit ask on the terminal of this process, where no desktop asks."""

import os
import select
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from entraclaw.bot.presence.polkit import WAY, started

PKTTYAGENT = Path("/usr/bin/pkttyagent")
_READY_S = 5.0


@contextmanager
def asked_here(way: str) -> Generator[None]:
    """Be ready to be asked by *way* while the body runs; other ways need nothing of us."""
    if way != WAY or not (sys.stdin.isatty() and PKTTYAGENT.exists()):
        yield
        return
    reader, writer = os.pipe()
    words = [str(PKTTYAGENT), "--process", f"{os.getpid()},{started(os.getpid())}"]
    words += ["--notify-fd", str(writer)]
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        words.append("--fallback")  # the desktop's own agent comes first
    with subprocess.Popen(words, pass_fds=[writer]) as agent:  # noqa: S603 - the system's own program, with our words
        os.close(writer)
        try:
            select.select([reader], [], [], _READY_S)  # its end says that it is known to polkit
            yield
        finally:
            os.close(reader)
            agent.terminate()
