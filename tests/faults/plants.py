"""Defects to plant, because a harness that finds nothing must be able to find something."""

import sqlite3
from contextlib import closing
from enum import StrEnum
from pathlib import Path

from faults.library import Library


class Plant(StrEnum):
    """What is made wrong on purpose, and thereby what must be found."""

    NONE = ""
    NO_SYNC = "no-sync"  # the disk says that it keeps what it does not: lost
    DROP = "drop"  # rows vanish: lost
    AGAIN = "again"  # turns that are done wait once more: doubled


# Triggers, so that the daemon's own statements do it and it cannot notice.
_TRIGGERS = {
    Plant.DROP: (
        "AFTER INSERT ON entry WHEN NEW.seq % 5 = 0"
        " BEGIN DELETE FROM entry WHERE seq = NEW.seq; END"
    ),
    Plant.AGAIN: (
        "AFTER UPDATE ON entry WHEN NEW.state = 'done' AND NEW.attempt = 1"
        " BEGIN UPDATE entry SET state = 'waiting' WHERE seq = NEW.seq; END"
    ),
}


def plant(kind: Plant, library: Library, inbox: Path) -> None:
    """Make it wrong, behind the daemon's back; once more is no more."""
    if kind is Plant.NO_SYNC:
        library.lie_about_syncs()
    if kind in _TRIGGERS:
        with closing(sqlite3.connect(inbox, timeout=5, isolation_level=None)) as connection:
            connection.execute(f"CREATE TRIGGER IF NOT EXISTS planted {_TRIGGERS[kind]}")
