"""Keep the copies of uv.lock that pip can read, hashes included.

`python .ci/lock.py` writes them; `--check` fails when one has fallen behind. Machines
without uv cannot compare and say so.
"""

import shutil
import subprocess
import sys
from pathlib import Path

# Beside what everybody needs stands what only `make parts` installs.
COPIES = {
    "requirements.txt": ("--all-extras",),
    "requirements-parts.txt": ("--only-group", "parts"),
}
EXPORT = ("export", "--locked", "--no-emit-project", "--no-header", "--quiet")
FORMAT = ("--format", "requirements-txt")


def main() -> int:
    """Write or compare; returns the exit code."""
    uv = shutil.which("uv")
    if uv is None:
        sys.stdout.write("lock: uv is not here, its lock was not compared\n")
        return 0
    behind = [name for name in COPIES if not _is_kept(uv, name)]
    for name in behind:
        sys.stderr.write(f"lock: .ci/{name} is behind uv.lock; run `make lock`\n")
    return 1 if behind else 0


def _is_kept(uv: str, name: str) -> bool:
    copy = Path(__file__).parent / name
    words = (uv, *EXPORT, *COPIES[name], *FORMAT)
    fresh = subprocess.run(words, check=True, capture_output=True, text=True).stdout  # noqa: S603 - uv, with constant words
    if "--check" not in sys.argv[1:]:
        copy.write_text(fresh, encoding="utf-8")
    return copy.read_text(encoding="utf-8") == fresh


if __name__ == "__main__":
    sys.exit(main())
