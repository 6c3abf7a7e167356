"""Make an inbox long: copy every row that belongs to a turn, what must be unique made so.

It learns from the file which columns those are. A value that stands in two tables changes
alike in both. Every copy goes through the states by an update, as real rows do, so that
what counts them counts these too.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

_CONVERSATIONS = 200  # into how many the copies of one conversation are spread
_SPREAD = {"conversation", "lane"}


def multiply(path: Path, times: int) -> None:
    """Leave *times* as many rows in the inbox at *path*, which no daemon may have open."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000"):
            connection.execute(f"PRAGMA {setting}").fetchall()
        connection.execute("BEGIN")
        for table in _tables(connection):
            _copy(connection, table, times)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL").fetchall()


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Name the tables whose rows belong to a turn."""
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return [name for (name,) in names if "turn" in _columns(connection, name)]


def _copy(connection: sqlite3.Connection, table: str, times: int) -> None:
    columns, unique = _columns(connection, table), _unique(connection, table)
    rows = connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - our own file
    if table != "entry":
        _insert(connection, table, _copies(rows, columns, unique, times))
        return
    at = columns.index("state")
    for state in {row[at] for row in rows}:
        fresh = [(*row[:at], "admitted", *row[at + 1 :]) for row in rows if row[at] == state]
        _insert(connection, table, _copies(fresh, columns, unique, times))
        connection.execute("UPDATE entry SET state = ? WHERE state = 'admitted'", (state,))


def _insert(connection: sqlite3.Connection, table: str, rows: Iterator[tuple[object, ...]]) -> None:
    marks = ", ".join("?" * len(_columns(connection, table)))
    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - our own file


def _copies(
    rows: Sequence[tuple[object, ...]], columns: list[str], unique: frozenset[str], times: int
) -> Iterator[tuple[object, ...]]:
    for number in range(1, times):
        for row in rows:
            named = zip(columns, row, strict=True)
            yield tuple(_vary(name, value, number, unique) for name, value in named)


def _vary(column: str, value: object, number: int, unique: frozenset[str]) -> object:
    if column == "seq":
        return None  # SQLite numbers the copy
    if column in _SPREAD:
        return f"{value}~{number % _CONVERSATIONS}"
    if column not in unique or not value:
        return value
    if isinstance(value, bytes):
        return blake2b(value + number.to_bytes(4, "big"), digest_size=len(value)).digest()
    return f"{value}~{number}" if isinstance(value, str) else value


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def _unique(connection: sqlite3.Connection, table: str) -> frozenset[str]:
    """Name the columns of *table* that are in its primary key or in a unique index."""
    primary = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[5]]
    indexes = connection.execute(f"PRAGMA index_list({table})").fetchall()
    indexed = [
        row[2]
        for _, index, is_unique, *_ in indexes
        if is_unique
        for row in connection.execute(f"PRAGMA index_info({index})")
    ]
    return frozenset({*primary, *indexed})
