"""Take back what a loss of power takes: writes to the inbox's files that were not synced.

The library keeps an undo log a file (faults.c): where each write since the last sync
went, how long the file was, what stood there. All of them are undone, then some are done
again as chance has it, whole or torn at a sector: a disk promises nothing about writes
that it was not asked to keep. A file whose name the folder does not hold yet is gone, and
so is SQLite's shared memory.
"""

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from faults.library import Kind, Library

_HEAD = struct.Struct("=QQQQ")
SECTOR = 512
_NAMES = {Kind.DB: "inbox.db", Kind.WAL: "inbox.db-wal", Kind.JOURNAL: "inbox.db-journal"}


@dataclass(frozen=True, slots=True)
class Undo:
    """One write, or cut, as the library noted it.

    Attributes:
        at: Where it began.
        length: How many bytes were written; 0 for a cut.
        size: The file's size before.
        old: What stood there.
    """

    at: int
    length: int
    size: int
    old: bytes


def read_log(data: bytes) -> list[Undo]:
    """Read a log; a record that is not whole belongs to a write that did not happen."""
    found: list[Undo] = []
    at = 0
    while at + _HEAD.size <= len(data):
        where, length, size, kept = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        if at + kept > len(data):
            break
        found.append(Undo(where, length, size, data[at : at + kept]))
        at += kept
    return found


def lose(library: Library, folder: Path, chance: Random, keep: float) -> int:
    """Bring the inbox in *folder* to what is on the disk; tells how many writes were lost.

    Args:
        library: Whose logs; they are empty afterwards.
        folder: The profile's; nobody may have the inbox open.
        chance: Picks which writes reached the disk unasked.
        keep: How probable that is for each.
    """
    lost = 0
    for kind, name in _NAMES.items():
        log, path = library.log(kind), folder / name
        if log.exists() and path.exists():
            records = read_log(log.read_bytes())
            kept = [_share(record, chance, keep) for record in records]
            _rewrite(path, records, kept)
            lost += sum(1 for share in kept if not share)
        log.write_bytes(b"")
    for kind in library.take_created():
        (folder / _NAMES[kind]).unlink(missing_ok=True)
    (folder / "inbox.db-shm").unlink(missing_ok=True)
    return lost


def _share(record: Undo, chance: Random, keep: float) -> int:
    """Choose how many bytes of a write reached the disk: none, all, or some sectors."""
    if not record.length or chance.random() >= keep:
        return 0
    sectors = record.length // SECTOR
    whole = chance.random() < 0.5 or not sectors
    return record.length if whole else chance.randrange(sectors) * SECTOR


def _rewrite(path: Path, records: Sequence[Undo], kept: Sequence[int]) -> None:
    file = os.open(path, os.O_RDWR)
    try:
        written: list[bytes] = []
        for record in reversed(records):
            written.append(os.pread(file, record.length, record.at))
            os.pwrite(file, record.old, record.at)
            os.ftruncate(file, record.size)
        for record, new, share in zip(records, reversed(written), kept, strict=True):
            os.pwrite(file, new[:share], record.at)
        os.fsync(file)
    finally:
        os.close(file)
