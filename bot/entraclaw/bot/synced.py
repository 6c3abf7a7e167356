"""Tell whether a folder is one that a service copies to elsewhere.

Such a service reads and replaces a database's files one by one, while they are written: it
can damage them, and it carries everything that was said off this machine.
https://www.sqlite.org/howtocorrupt.html#_backup_or_restore_while_a_transaction_is_active

Pure. Rules follow where each service puts its folder if nobody chooses another.
"""

import re
from collections.abc import Mapping
from pathlib import PurePath, PurePosixPath, PureWindowsPath

_ONEDRIVE = ("OneDrive", "OneDriveCommercial", "OneDriveConsumer")  # set on Windows

_NAMES: Mapping[str, str] = {
    "OneDrive": r"OneDrive( ?-.+)?",
    "Dropbox": r"Dropbox( ?[(-].+)?",
    "Google Drive": r"Google ?Drive(-.+)?|google-drive:.+",
    "iCloud Drive": r"Mobile Documents|iCloud ?Drive",
    "Nextcloud": r"Nextcloud(-.+)?",
}


def synced(folder: str, platform: str, environ: Mapping[str, str]) -> str:
    """Name the service that copies *folder*; empty if none is known to.

    Args:
        folder: An absolute path, links followed.
        platform: As `sys.platform`.
        environ: The environment.
    """
    path: PurePath = PureWindowsPath(folder) if platform == "win32" else PurePosixPath(folder)
    if platform == "win32" and _is_below_any(path, [environ.get(name, "") for name in _ONEDRIVE]):
        return "OneDrive"
    # File names are the same in either case, but on Linux.
    flags = 0 if platform == "linux" else re.IGNORECASE
    for name, pattern in _NAMES.items():
        if any(re.fullmatch(pattern, part, flags) for part in path.parts):
            return name
    if platform == "win32" and path.parts[1:2] == ("My Drive",):
        return "Google Drive"  # streamed to a drive letter of its own
    if platform == "darwin" and "/Library/CloudStorage/" in f"{path}/":
        return "a cloud storage"
    return ""


def _is_below_any(path: PurePath, folders: list[str]) -> bool:
    return any(folder and path.is_relative_to(folder) for folder in folders)
