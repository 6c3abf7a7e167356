"""Write a file whole, or not at all, so that it survives a power cut."""

import os
from pathlib import Path


def write_whole(path: Path, raw: bytes) -> None:
    """Put *raw* in the place of the file *path*, mode 0600; its folder must be there.

    Raises:
        OSError: The disk does not take it; the file is as it was.
    """
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)  # left by one that died here
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    if os.name == "posix":  # the rename itself must survive a power cut
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
