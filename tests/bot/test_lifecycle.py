"""Every move from every state: docs/inbox.md's table, once more and independently."""

import pytest

from entraclaw.bot.lifecycle import (
    ATTEMPTS,
    LAST_STATES,
    MOVES,
    OPEN_STATES,
    RING_ATTEMPTS,
    Move,
    State,
    after_lease,
    rings,
)

ALLOWED = {
    ("admitted", "open"): "waiting",
    ("admitted", "note"): "done",
    ("admitted", "refuse"): "dropped",
    ("admitted", "give up"): "dead",
    ("admitted", "supersede"): "superseded",
    ("admitted", "drop"): "dropped",
    ("waiting", "claim"): "leased",
    ("waiting", "supersede"): "superseded",
    ("waiting", "drop"): "dropped",
    ("leased", "close"): "done",
    ("leased", "stop"): "done",
    ("leased", "doubt"): "ambiguous",
    ("leased", "release"): "waiting",
    ("leased", "exhaust"): "dead",
    ("leased", "drop"): "dropped",
    ("ambiguous", "settle"): "done",
    ("ambiguous", "drop"): "dropped",
    ("ambiguous", "replay"): "admitted",
    ("dead", "drop"): "dropped",
    ("dead", "replay"): "admitted",
    ("dropped", "replay"): "admitted",
    ("superseded", "replay"): "admitted",
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("move", Move)
def test_move_from_a_state_leads_where_it_says_or_is_refused(state: State, move: Move) -> None:
    froms, to = MOVES[move]

    assert (to.value if state in froms else None) == ALLOWED.get((state.value, move.value))


def test_nothing_leads_out_of_done() -> None:
    assert all(State.DONE not in froms for froms, _ in MOVES.values())


def test_only_a_person_takes_an_ambiguous_turn_anywhere_but_to_done() -> None:
    away = {move for move, (froms, _) in MOVES.items() if State.AMBIGUOUS in froms}
    assert away == {Move.SETTLE, Move.DROP, Move.REPLAY}


def test_every_state_is_open_or_last_or_ambiguous() -> None:
    assert OPEN_STATES | LAST_STATES | {State.AMBIGUOUS} == set(State)
    assert not OPEN_STATES & LAST_STATES


@pytest.mark.parametrize(
    ("attempt", "move"),
    [
        (1, Move.RELEASE),
        (ATTEMPTS - 1, Move.RELEASE),
        (ATTEMPTS, Move.EXHAUST),
        (ATTEMPTS + 1, Move.EXHAUST),
    ],
)
def test_lease_that_ends_is_released_until_the_last_attempt(attempt: int, move: Move) -> None:
    assert after_lease(attempt) is move


def test_first_attempts_ring_and_the_others_wait_to_be_read() -> None:
    handed = [attempt for attempt in range(ATTEMPTS + 2) if rings(attempt)]
    assert handed == list(range(RING_ATTEMPTS))
