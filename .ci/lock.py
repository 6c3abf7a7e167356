"""Keep the copy of uv.lock that pip can read, hashes included.

`python .ci/lock.py` writes it; `--check` fails when it has fallen behind. Machines
without uv cannot compare and say so.
"""

import shutil
import subprocess
import sys
from pathlib import Path

COPY = Path(__file__).parent / "requirements.txt"
EXPORT = (
    "export",
    "--locked",
    "--all-extras",
    "--no-emit-project",
    "--no-header",
    "--quiet",
    "--format",
    "requirements-txt",
)


def main() -> int:
    """Write or compare; returns the exit code."""
    uv = shutil.which("uv")
    if uv is None:
        sys.stdout.write("lock: uv is not here, its lock was not compared\n")
        return 0
    fresh = subprocess.run([uv, *EXPORT], check=True, capture_output=True, text=True).stdout  # noqa: S603 - uv, with constant words
    if "--check" not in sys.argv[1:]:
        COPY.write_text(fresh, encoding="utf-8")
        return 0
    if COPY.read_text(encoding="utf-8") == fresh:
        return 0
    sys.stderr.write("lock: .ci/requirements.txt is behind uv.lock; run `make lock`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
