"""What `status` says of the sessions: what each gets, and what wakes it."""

from typing import Any

from entraclaw.bot.agency import Agency
from entraclaw.bot.sessions import Session, Sessions
from entraclaw.bot.wakers.choosing import chances, choose


def describe(sessions: Sessions, agency: Agency | None) -> list[dict[str, Any]]:
    """Describe every session that is connected; ids, counts and names of ours only."""
    return [_describe(session, agency) for session in sessions.here()]


def _describe(session: Session, agency: Agency | None) -> dict[str, Any]:
    can, unheard = chances(session), agency.desk.unheard(session.id) if agency else 0
    chosen = choose(can.can, unheard)
    attached = agency.attaching.of(session.id) if agency else None
    return {
        "session": session.id,
        "pid": session.connections[-1].pid,
        "host": session.connections[-1].host,
        "project": session.facts.get("project", ""),
        "gets_rest": attached.rest if attached else False,
        "conversations": list(attached.conversations) if attached else [],
        "unheard": unheard,
        "waker": chosen.name if chosen else None,
        "other_wakers": [waker.name for waker in can.can if waker is not chosen],
        "no_wakers": [{"waker": name, "why_not": why} for name, why in can.cannot],
    }
