"""Programs in place of service managers: each writes down what it is asked, and plays along."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

# Each keeps what it was given beside itself; launchd answers before what it unloads is gone.
# `refuses` names the word that it does not do.
_SYSTEMCTL = """
case "$*" in
  *show*) [ ! -e "$here/no-bus" ] || { echo "Failed to connect to bus" >&2; exit 1; } ;;
esac
"""
_LAUNCHCTL = """
case "$1 $2" in
  "print gui/"*/*) rm "$here/leaving" 2>/dev/null || [ -e "$here/loaded" ] || exit 113 ;;
  "print gui/"*) [ ! -e "$here/no-session" ] || { echo "Could not find domain" >&2; exit 125; } ;;
  "bootstrap "*) cp "$3" "$here/loaded" ;;
  "bootout "*) mv "$here/loaded" "$here/leaving" ;;
esac
"""
_SCHTASKS = """
case "$1" in
  /Query) [ "$2" = "/?" ] || cat "$here/task" 2>/dev/null || exit 1 ;;
  /Create) iconv -f UTF-16 -t UTF-8 "$5" >"$here/task" ;;
  /Delete) rm "$here/task" ;;
esac
"""
_SCRIPTS = {"systemctl": _SYSTEMCTL, "launchctl": _LAUNCHCTL, "schtasks": _SCHTASKS, "loginctl": ""}


@dataclass(frozen=True, slots=True)
class Standins:
    """A folder of them, first on the PATH."""

    folder: Path

    def have(self, state: str, text: str = "") -> None:
        """Put them into *state*."""
        (self.folder / state).write_text(text, encoding="utf-8")

    def asked(self) -> list[str]:
        """Give what was asked since the last time, a line each."""
        log = self.folder / "asked"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def standins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Standins:
    """Put them in place of this machine's own, and make a home of the test's own."""
    if sys.platform == "win32":
        pytest.skip("they are scripts for a shell")
    folder = tmp_path / "managers"
    folder.mkdir()
    for name, script in _SCRIPTS.items():
        _write(folder / name, ['here=$(dirname "$0")', _NOTE, _REFUSE, script])
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return Standins(folder)


_NOTE = 'printf "%s\\n" "$(basename "$0") $*" >>"$here/asked"'
_REFUSE = """
if [ -e "$here/refuses" ] && case " $* " in *" $(cat "$here/refuses") "*) ;; *) false ;; esac; then
  echo "no, not that" >&2
  exit 5
fi
"""


def _write(path: Path, lines: Sequence[str]) -> None:
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]), encoding="utf-8")
    path.chmod(0o755)
