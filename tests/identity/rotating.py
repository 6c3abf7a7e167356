"""A machine, its key store and the applications of a tenant, as far as a rotation sees them."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from entraclaw.errors import EntraclawError, HopRefused
from entraclaw.identity.rotation import rotate
from entraclaw.identity.rotation_orders import (
    Add,
    Ask,
    Credential,
    Delete,
    Find,
    Keep,
    Make,
    Note,
    Order,
    Orders,
    Phase,
    Read,
    Remove,
    Wait,
    Warn,
)

OLD, NEW = "default", "default 2"
THEIRS = Credential("theirs", "thumbprint of another machine", "bytes of another machine")
OURS = Credential("ours", "thumbprint 0", "bytes 0")


class CutOffError(Exception):
    """The process ended here."""


@dataclass(slots=True)
class World:
    """What a rotation changes; *unknown* is how often Entra does not know a new key yet."""

    keys: dict[str, str] = field(default_factory=lambda: {OLD: OURS.thumbprint})
    note: Note = field(default_factory=lambda: Note(OLD, NEW))
    listed: dict[str, list[Credential]] = field(
        default_factory=lambda: {"blueprint": [THEIRS, OURS]}
    )
    unknown: int = 0
    done: list[Order] = field(default_factory=list[Order])
    numbers: Generator[int] = field(default_factory=lambda: (n for n in count(1)))

    def do(self, order: Order) -> object:
        self.done.append(order)
        match order:
            case Keep(note):
                self.note = note
            case Find(name):
                return self.keys.get(name)
            case Make(name):
                assert name not in self.keys, "nothing is overwritten"
                self.keys[name] = f"thumbprint {next(self.numbers)}"
                return self.keys[name]
            case Delete(name):
                self.keys.pop(name, None)
            case Wait() | Warn():
                pass
            case Read() | Add() | Remove() | Ask():
                return self._ask(order)
        return None

    def _ask(self, order: Read | Add | Remove | Ask) -> object:
        listed = self.listed[order.application]
        match order:
            case Read(by=by):
                self._refuse_unknown(order.application, by)
                return tuple(listed)
            case Add(name=name, by=by):
                self._refuse_unknown(order.application, by)
                thumbprint = self.keys[name]
                listed.append(
                    Credential(f"id of {thumbprint}", thumbprint, f"bytes of {thumbprint}")
                )
            case Remove(key_id=key_id, by=by):
                self._refuse_unknown(order.application, by)
                listed[:] = [one for one in listed if one.key_id != key_id]
            case Ask(name=name):
                self._refuse_unknown(order.application, name)
                if self.unknown:
                    self.unknown -= 1
                    raise not_registered()
        return None

    def _refuse_unknown(self, application: str, name: str) -> None:
        if not self.is_registered(application, name):
            raise not_registered()

    def is_registered(self, application: str, name: str) -> bool:
        return self.keys.get(name) in {one.thumbprint for one in self.listed[application]}

    def run(
        self, stop: Callable[[int, Order], str | EntraclawError | None] = lambda _n, _o: None
    ) -> None:
        """Rotate until the end, or until *stop* ends it before or after the order of that number.

        Asserts after each order that the profile's key works and that others' are untouched.
        """
        orders = rotate(self.note, tuple(self.listed))
        answer: object = None
        error: EntraclawError | None = None
        for number in count():
            order = advance(orders, answer, error)
            if order is None:
                return
            answer, error = None, None
            verdict = stop(number, order)
            if verdict == "before":
                raise CutOffError
            if isinstance(verdict, EntraclawError):
                error = verdict
            else:
                try:
                    answer = self.do(order)
                except EntraclawError as refusal:
                    error = refusal
            self.check()
            if verdict == "after":
                raise CutOffError

    def check(self) -> None:
        """Never a moment without a working key; never another machine's credential touched."""
        for application, listed in self.listed.items():
            assert self.is_registered(application, self.note.current), self.done
            assert THEIRS in listed

    def settled(self, *, current: str) -> None:
        """Assert that one key is left, that it is the profile's, and that it is registered."""
        assert self.note.phase is Phase.SETTLED
        assert (self.note.current, set(self.keys)) == (current, {current})
        for listed in self.listed.values():
            assert {one.thumbprint for one in listed} == {THEIRS.thumbprint, self.keys[current]}

    def told(self, kind: type[Order]) -> list[Any]:
        return [order for order in self.done if isinstance(order, kind)]


def advance(orders: Orders[None], answer: object, error: EntraclawError | None) -> Order | None:
    try:
        return orders.send(answer) if error is None else orders.throw(error)
    except StopIteration:
        return None


def not_registered() -> HopRefused:
    return HopRefused("blueprint", "AADSTS700027", hint="is it registered?")
