"""When a session is rung."""

from entraclaw.bot.doorbell import PAUSES_S, TOGETHER_S, Bell


def test_first_message_rings_at_once() -> None:
    bell = Bell()
    bell.call(100.0)

    assert bell.due == 100.0


def test_what_comes_within_a_second_of_a_ring_rings_together() -> None:
    bell = Bell()
    bell.call(100.0)
    bell.ring(100.0)
    bell.call(100.2)
    bell.call(100.9)

    assert bell.due == 100.0 + TOGETHER_S


def test_message_long_after_a_ring_does_not_wait() -> None:
    bell = Bell()
    bell.call(100.0)
    bell.ring(100.0)
    bell.call(103.0)

    assert bell.due == 103.0


def test_ring_that_nobody_follows_up_is_repeated_with_growing_pauses() -> None:
    bell, now, pauses = Bell(), 100.0, list[float]()
    bell.call(now)
    for _ in range(len(PAUSES_S) + 2):
        bell.ring(now)
        assert bell.due is not None
        pauses.append(bell.due - now)
        now = bell.due

    assert pauses == [*PAUSES_S, PAUSES_S[-1], PAUSES_S[-1]]
    assert sorted(PAUSES_S) == list(PAUSES_S)


def test_session_that_reads_is_rung_no_more() -> None:
    bell = Bell()
    bell.call(100.0)
    bell.ring(100.0)
    bell.read()

    assert (bell.due, bell.unheard) == (None, 0)


def test_message_after_it_has_read_rings_at_once_again() -> None:
    bell = Bell()
    bell.call(100.0)
    bell.ring(100.0)
    bell.read()
    bell.call(100.4)

    assert bell.due == 100.4


def test_another_way_to_ring_is_tried_at_once() -> None:
    bell = Bell()
    bell.call(100.0)
    bell.ring(100.0)
    bell.call_anew(100.2)

    assert (bell.due, bell.unheard) == (100.2, 1)


def test_nothing_that_waits_is_nothing_to_ring_for() -> None:
    bell = Bell()
    bell.call(100.0)
    bell.rest()

    assert bell.due is None
