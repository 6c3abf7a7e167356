"""Ask full branch coverage of the modules that decide; pyproject.toml lists them.

Run after `coverage combine`.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Report on them alone; returns the exit code."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    modules: list[str] = project["tool"]["entraclaw"]["decides"]
    gone = [module for module in modules if not (ROOT / module).exists()]
    if gone:
        sys.stderr.write(f"decides: not there: {', '.join(gone)}\n")
        return 1
    words = ["coverage", "report", "--fail-under=100", f"--include={','.join(modules)}"]
    return subprocess.run([sys.executable, "-m", *words], check=False, cwd=ROOT).returncode  # noqa: S603 - our own interpreter, with constant words


if __name__ == "__main__":
    sys.exit(main())
