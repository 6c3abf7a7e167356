"""Where a profile lives on disk, and where its daemon listens.

The stdio shim starts with every host session and must cost almost nothing, so this
module imports the standard library only, and little of it. `data_dir` therefore states
the rule of `platformdirs` again for three systems; a test holds the two equal.
"""

import os
import sys
from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

PROFILE: "Final" = "default"

# sun_path holds 104 bytes on macOS, 108 on Linux, terminator included.
SOCKET_PATH_LIMIT: "Final" = 100


def data_dir(environ: Mapping[str, str], platform: str) -> str | None:
    """Name the user's data folder for entraclaw, or None if the system does not say.

    Args:
        environ: The environment.
        platform: As `sys.platform`.
    """
    if platform == "win32":
        base = environ.get("LOCALAPPDATA") or None
    elif platform == "darwin":
        home = environ.get("HOME")
        base = f"{home}/Library/Application Support" if home else None
    else:
        home = environ.get("HOME")
        base = environ.get("XDG_DATA_HOME") or (f"{home}/.local/share" if home else None)
    if base is None:
        return None
    return base + ("\\" if platform == "win32" else "/") + "entraclaw"


def root(environ: Mapping[str, str]) -> str | None:
    """Name the folder that holds all profiles, or None if nothing says where it is."""
    return environ.get("ENTRACLAW_HOME") or data_dir(environ, sys.platform)


def profile_dir(environ: Mapping[str, str], profile: str) -> str:
    """Name the folder of *profile*.

    Raises:
        LookupError: Neither ``ENTRACLAW_HOME`` nor the system names a data folder.
        ValueError: *profile* is not a plain name (letters, digits, ``-``, ``_``).
    """
    if not profile or not profile.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"{profile!r} is no profile name: use letters, digits, - and _")
    base = root(environ)
    if base is None:
        raise LookupError("nothing says where profiles live: set ENTRACLAW_HOME")
    return os.path.join(base, profile)


def socket_path(folder: str) -> str:
    """Name the daemon's local socket for the profile in *folder*.

    A path too long for the system's limit is moved elsewhere by the daemon, which notes
    the place in a file beside the usual one.
    """
    usual = os.path.join(folder, "run", "daemon.sock")
    if len(os.fsencode(usual)) <= SOCKET_PATH_LIMIT:
        return usual
    try:
        with open(f"{usual}.at", encoding="utf-8") as note:
            return note.read().strip()
    except OSError:
        return usual
