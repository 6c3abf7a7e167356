"""What the shim remembers is what it must say again, and no more."""

import json
from typing import Any

from entraclaw.bot.passing import HEAD, Passing
from entraclaw.bot.shim_wire import Wire

INITIALIZE = b'{"method":"initialize","params":{},"jsonrpc":"2.0","id":0}\n'
INITIALIZED = b'{"method":"notifications/initialized","jsonrpc":"2.0"}\n'


def line(said: bytes | dict[str, Any]) -> Passing:
    passing = Passing()
    passing.add(said if isinstance(said, bytes) else json.dumps(said).encode() + b"\n")
    return passing


def call(number: object, **params: object) -> dict[str, Any]:
    return {"method": "tools/call", "params": params, "jsonrpc": "2.0", "id": number}


def hear(wire: Wire, *said: bytes | dict[str, Any], is_lost: bool = False) -> None:
    for one in said:
        wire.note(line(one), from_host=True, is_lost=is_lost)


def answer(wire: Wire, *numbers: object) -> None:
    for number in numbers:
        wire.note(line({"jsonrpc": "2.0", "id": number, "result": {}}), from_host=False)


def lost(wire: Wire) -> list[object]:
    """Lose the daemon; give the ids that are answered for it."""
    wire.daemon_lost()
    return [json.loads(one)["id"] for one in wire.answers()]


def test_open_requests_are_answered_once_with_a_reason_to_call_again() -> None:
    wire = Wire()
    hear(wire, call(1), call("a"), call(2), {"method": "notifications/x"}, b"garbage\n")
    answer(wire, 1)
    wire.daemon_lost()

    assert [json.loads(one) for one in wire.answers()] == [
        {
            "jsonrpc": "2.0",
            "id": number,
            "error": {"code": -32000, "message": "the daemon restarted, call again"},
        }
        for number in ("a", 2)
    ]
    assert lost(wire) == []


def test_handshake_is_repeated_and_its_known_answer_swallowed() -> None:
    wire = Wire()
    assert wire.replay() == (b"", False)
    hear(wire, INITIALIZE)
    wire.read()
    assert wire.replay() == (INITIALIZE, False)
    answer(wire, 0)
    hear(wire, INITIALIZED)
    wire.read()

    assert lost(wire) == []
    assert wire.replay() == (INITIALIZE + INITIALIZED, True)


def test_unanswered_handshake_is_repeated_and_not_refused() -> None:
    wire = Wire()
    hear(wire, INITIALIZE, call(1))

    assert lost(wire) == [1]
    assert wire.replay() == (INITIALIZE, False)


def test_handshake_too_long_to_keep_is_noticed() -> None:
    wire = Wire()
    hear(wire, INITIALIZE)
    wire.read()
    assert not wire.cannot_return
    hear(wire, {"method": "initialize", "params": {"x": "y" * HEAD}, "id": 0})
    wire.read()

    assert wire.cannot_return


def test_handshake_without_an_id_is_none() -> None:
    wire = Wire()
    hear(wire, {"method": "initialize"})
    wire.read()

    assert wire.replay() == (b"", False)


def test_request_the_host_took_back_is_not_answered() -> None:
    wire = Wire()
    hear(wire, call(1), call(2))
    hear(wire, {"method": "notifications/cancelled", "params": {"requestId": 1}})

    assert lost(wire) == [2]


def test_line_that_reached_no_daemon_whole_is_answered_and_not_remembered() -> None:
    wire = Wire()
    hear(wire, call(1), {"method": "notifications/x"}, b"rest\n", is_lost=True)

    assert [json.loads(one)["id"] for one in wire.answers()] == [1]
    assert lost(wire) == []


def test_request_of_the_daemon_closes_nothing() -> None:
    wire = Wire()
    hear(wire, call(1))
    wire.note(line({"jsonrpc": "2.0", "id": 1, "method": "ping"}), from_host=False)

    assert lost(wire) == [1]


def test_line_of_any_length_has_its_id() -> None:
    wire = Wire()
    hear(wire, call(1, text="x" * 3 * HEAD))

    assert lost(wire) == [1]


def test_memory_is_bounded_whatever_the_host_says() -> None:
    wire = Wire()
    hear(wire, call("x" * 300), *(call(number) for number in range(3000)))

    assert lost(wire) == list(range(3000 - 1024, 3000))
