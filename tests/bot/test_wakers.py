"""What wakes a session, and what does not."""

from typing import Any

import pytest

from bot.stage import unrung
from entraclaw.bot.sessions import Connection, Listener, Session
from entraclaw.bot.wakers.choosing import RINGS_EACH, WAKERS, chances, choose, is_needed


def listener(kind: str, rung: list[int] | None = None) -> Listener:
    async def ring(waiting: int) -> None:
        if rung is not None:
            rung.append(waiting)

    return Listener("s", kind, ring)


def session(*kinds: str, connected: bool = True, readers: int = 0) -> Session:
    connections = [Connection("s", 0, unrung)] if connected else []
    return Session("s", connections, [listener(kind) for kind in kinds], readers)


def names(one: Session) -> list[str]:
    return [waker.name for waker in chances(one).can]


@pytest.mark.parametrize(
    ("one", "can"),
    [
        (session(), ["channel"]),
        (session("monitor"), ["plugin monitor", "channel"]),
        (session("inbox", "monitor"), ["plugin monitor", "session inbox", "channel"]),
        (session("rewake"), ["rewake hook", "channel"]),
        (session("monitor", readers=1), ["blocking tool", "plugin monitor", "channel"]),
        (session("stranger"), ["channel"]),
        (session(connected=False), []),
    ],
)
def test_best_that_can_comes_first(one: Session, can: list[str]) -> None:
    assert names(one) == can


def test_whoever_cannot_says_why() -> None:
    told = dict(chances(session()).cannot)

    assert set(told) | {"channel"} == {waker.name for waker in WAKERS}
    assert all(why and not why.endswith(".") for why in told.values())


def test_ring_that_is_not_heard_is_tried_by_another_in_turn() -> None:
    can = chances(session("monitor", "inbox")).can
    chosen = [choose(can, unheard) for unheard in range(RINGS_EACH * 4)]

    assert [one.name for one in chosen[::RINGS_EACH] if one] == [
        "plugin monitor",
        "session inbox",
        "channel",
        "plugin monitor",
    ]
    assert choose([], 0) is None


async def test_program_beside_the_host_is_told_how_many_wait() -> None:
    rung = list[int]()
    one = Session("s", [], [listener("monitor"), listener("monitor", rung)])
    await chances(one).can[0].ring(one, 3)

    assert rung == [3]


async def test_channel_event_says_a_count_and_nothing_else() -> None:
    sent: list[tuple[str, dict[str, Any]]] = []

    async def notify(method: str, params: dict[str, Any]) -> None:
        sent.append((method, params))

    one = Session("s", [Connection("s", 0, notify)])
    for waiting in (1, 2):
        await chances(one).can[0].ring(one, waiting)

    assert sent == [
        (
            "notifications/claude/channel",
            {"content": "1 Teams message waits. Call read_messages.", "meta": {"waiting": "1"}},
        ),
        (
            "notifications/claude/channel",
            {"content": "2 Teams messages wait. Call read_messages.", "meta": {"waiting": "2"}},
        ),
    ]


async def test_tool_call_that_waits_looks_again() -> None:
    one = session(readers=1)
    await chances(one).can[0].ring(one, 1)

    assert one.news.is_set()


def test_hook_that_only_waits_is_sent_away_where_another_wakes_better() -> None:
    assert is_needed(session("rewake"), "rewake")
    assert not is_needed(session("rewake", "inbox"), "rewake")
    assert is_needed(session("monitor", "inbox"), "inbox")
