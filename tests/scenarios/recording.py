"""Stand between a host and a program of ours, and keep every byte: `recording.py FILE WORDS`.

Run by its path; the standard library only.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

_READ = 1 << 16


def main() -> int:
    """Run WORDS, and append to FILE what passes either way and what it complains of."""
    path, *words = sys.argv[1:]
    with (
        Path(path).open("ab", buffering=0) as kept,
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=kept
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        asks = (sys.stdin.fileno(), process.stdin, kept)
        threading.Thread(target=_pass_on, args=asks, daemon=True).start()
        _pass_on(process.stdout.fileno(), sys.stdout.buffer, kept)
        return process.wait()


def _pass_on(giver: int, taker: IO[bytes], kept: IO[bytes]) -> None:
    with taker:
        while chunk := os.read(giver, _READ):
            kept.write(chunk)
            taker.write(chunk)
            taker.flush()


if __name__ == "__main__":
    sys.exit(main())
