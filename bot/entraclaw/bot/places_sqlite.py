"""The places and the marks, in the inbox's own file."""

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import orjson

from entraclaw.bot.database import Database
from entraclaw.bot.inbox_rows import PLACE, place
from entraclaw.bot.places import Place, is_with_a_bot

_REMEMBERED = 1_024  # places that are not written again when nothing about them is new


class SqlitePlaces:
    """`Places` in the inbox's file."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        """Keep everything in *database*; *now* is epoch seconds."""
        self._database, self._now = database, now
        self._known: OrderedDict[str, tuple[Place, Place]] = OrderedDict()

    async def learn(self, place: Place) -> Place:
        """Keep *place*, newest reference first; gives it with its lane and its twin."""
        told, kept = self._known.get(place.id, (None, None))
        if told is not None and kept is not None and _is_no_news(place, told):
            return kept
        kept = await self._learn(place)
        # What is learnt of one name changes what is known of the other.
        self._known.pop(kept.twin, None)
        twin = await self.find(kept.twin) if kept.twin else None
        if twin is not None and twin.lane != kept.lane:
            return kept  # it goes over to the other's lane as soon as it can
        self._known[place.id] = place, kept
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return kept

    async def _learn(self, place: Place) -> Place:

        def learn(connection: sqlite3.Connection) -> Place:
            known = _place(connection, place.id)
            twin = known.twin if known and known.twin else _twin(connection, place)
            lane = _lane(connection, known.lane if known else "", twin) or place.id
            kept = replace(
                place,
                lane=lane,
                twin=twin,
                kind=place.kind or (known.kind if known else ""),
                person=place.person or (known.person if known else ""),
                name=place.name or (known.name if known else ""),
                reference=place.reference or (known.reference if known else b""),
                claims=place.claims if place.reference or not known else known.claims,
            )
            connection.execute(
                "INSERT OR REPLACE INTO place (id, tenant, kind, person, name, reference, claims,"
                " lane, twin, seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    kept.id,
                    kept.tenant,
                    kept.kind,
                    kept.person,
                    kept.name,
                    kept.reference,
                    kept.claims,
                    kept.lane,
                    kept.twin,
                    self._now(),
                ),
            )
            connection.execute("UPDATE place SET twin = ? WHERE id = ?", (kept.id, kept.twin))
            return kept

        return await self._database.change(learn)

    async def find(self, name: str) -> Place | None:
        """Find a place by its name; None if nothing ever came from there."""
        return await self._database.read(lambda c: _place(c, name))

    async def personal(self, people: Collection[str]) -> Sequence[Place]:
        """List the 1:1 chats with any of *people*, one name of each, the connector's if known."""
        sql = (
            f"SELECT {PLACE} FROM place WHERE kind = 'personal' AND person = ? AND person <> ''"  # noqa: S608 - constants only
            " ORDER BY reference = x'', seen DESC"
        )

        def personal(connection: sqlite3.Connection) -> Sequence[Place]:
            found: dict[str, Place] = {}
            for person in sorted(people):
                for row in connection.execute(sql, (person,)):
                    found.setdefault(place(row).lane, place(row))
            return list(found.values())

        return await self._database.read(personal)

    async def mark(self, name: str) -> float | None:
        """Read a moment that was set; None if it never was."""
        sql = "SELECT value FROM mark WHERE name = ?"
        row = await self._database.read(lambda c: c.execute(sql, (name,)).fetchone())
        return float(row[0]) if row else None

    async def set_mark(self, name: str, value: float) -> None:
        """Set a moment, seconds since the epoch."""
        sql = "INSERT OR REPLACE INTO mark VALUES (?, ?)"
        await self._database.change(lambda c: c.execute(sql, (name, value)))

    async def marked(self, prefix: str) -> frozenset[str]:
        """List what was marked last under *prefix*."""
        sql = "SELECT substr(name, ?) FROM mark WHERE substr(name, 1, ?) = ?"
        bound = (len(prefix) + 1, len(prefix), prefix)
        rows = await self._database.read(lambda c: c.execute(sql, bound).fetchall())
        return frozenset(name for (name,) in rows)

    async def mark_all(self, prefix: str, names: Collection[str]) -> None:
        """Mark *names* under *prefix*, and no others."""

        def mark_all(connection: sqlite3.Connection) -> None:
            connection.execute(
                "DELETE FROM mark WHERE substr(name, 1, ?) = ?", (len(prefix), prefix)
            )
            rows = [(prefix + name, self._now()) for name in names]
            connection.executemany("INSERT INTO mark VALUES (?, ?)", rows)

        await self._database.change(mark_all)


def _is_no_news(place: Place, told: Place) -> bool:
    """Tell whether *place* says nothing that *told* did not, but which message came last."""
    is_same = replace(place, reference=b"") == replace(told, reference=b"")
    return is_same and _address(place) == _address(told)


def _address(place: Place) -> object:
    return orjson.loads(place.reference).get("serviceUrl") if place.reference else None


def _place(connection: sqlite3.Connection, name: str) -> Place | None:
    row = connection.execute(f"SELECT {PLACE} FROM place WHERE id = ?", (name,)).fetchone()  # noqa: S608 - constants only
    return place(row) if row else None


def _twin(connection: sqlite3.Connection, wanted: Place) -> str:
    """Find the other name of a 1:1: the one with the same person, if it has one name only."""
    if wanted.kind != "personal" or not wanted.person or is_with_a_bot(wanted):
        return ""
    rows = connection.execute(
        f"SELECT {PLACE} FROM place WHERE tenant = ? AND person = ? AND person <> ''"  # noqa: S608 - constants only
        " AND kind = 'personal' AND id <> ? AND twin = '' AND (reference = x'') <> ?",
        (wanted.tenant, wanted.person, wanted.id, wanted.reference == b""),
    )
    others = (place(row) for row in rows)
    return next((one.id for one in others if not is_with_a_bot(one)), "")


def _lane(connection: sqlite3.Connection, own: str, twin: str) -> str:
    """Name the lane of a place that has been in *own* and whose other name is *twin*.

    It goes over to its twin's as soon as no turn is open in its own.
    """
    if not twin or (own and _is_busy(connection, own)):
        return own
    (lane,) = connection.execute("SELECT lane FROM place WHERE id = ?", (twin,)).fetchone()
    return str(lane)


def _is_busy(connection: sqlite3.Connection, lane: str) -> bool:
    sql = (
        "SELECT EXISTS (SELECT 1 FROM entry WHERE state = 'waiting' AND joined = '' AND lane = ?)"
        " OR EXISTS (SELECT 1 FROM entry WHERE state = 'leased' AND joined = '' AND lane = ?)"
    )
    return bool(connection.execute(sql, (lane, lane)).fetchone()[0])
