"""Play Graph to the orders of an administrator: each call is named, and answered in turn."""

from typing import TypeVar

from entraclaw.identity.provisioning.calls import Call, Document, Orders, Reply

_T = TypeVar("_T")

Turn = tuple[str, Reply]


def ok(body: Document | None = None) -> Reply:
    return Reply(200, body or {})


def rows(*found: Document) -> Reply:
    return Reply(200, {"value": list(found)})


def no(status: int, code: str, message: str = "") -> Reply:
    return Reply(status, {"error": {"code": code, "message": message}})


def play(orders: Orders[_T], *turns: Turn) -> tuple[_T, list[Call]]:
    """Give what *orders* return, and the calls they made; each must be the one of its turn.

    What *orders* raise is raised.
    """
    made: list[Call] = []
    answer: Reply | None = None
    left = list(turns)
    while True:
        try:
            call = next(orders) if answer is None else orders.send(answer)
        except StopIteration as end:
            assert not left, f"not asked: {left[0][0]}"
            result: _T = end.value
            return result, made
        assert left, f"asked besides: {call.method} {call.path}"
        wanted, answer = left.pop(0)
        assert f"{call.method} {call.path}" == wanted
        made.append(call)
