"""Which answers came back from which route of Graph, and what its CSDL has against each."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from graph_shape.csdl import published
from graph_shape.judge import Answer, contradictions


@dataclass(frozen=True, slots=True)
class Route:
    """A method, and an address with names in curly brackets where a word may stand."""

    method: str
    address: str

    @property
    def version(self) -> str:
        """The version of Graph that it is of."""
        return self.address.split("/")[1]

    def is_of(self, method: str, path: str) -> bool:
        """Whether *method* on the quoted *path* is answered here."""
        parts = (re.escape(part) for part in re.split(r"\{\w+\}", self.address))
        return method == self.method and re.fullmatch("[^/]+".join(parts), path) is not None


class Ledger:
    """Takes down what Graph at *base* answers."""

    def __init__(self, base: str, routes: Iterable[Route]) -> None:
        self._base, self._routes = base, [*routes]
        self._taken: list[tuple[Route | None, Answer]] = []

    def take(self, method: str, url: str, status: int, body: bytes) -> None:
        """Take down one answer; other hosts' are not kept."""
        if not url.startswith(f"{self._base}/"):
            return
        parts = urlsplit(url)
        chosen = ",".join(parse_qs(parts.query).get("$select", []))
        select = frozenset(name for name in chosen.split(",") if name)
        answer = Answer(method, unquote(parts.path), status, _read(body), select)
        route = next((one for one in self._routes if one.is_of(method, parts.path)), None)
        self._taken.append((route, answer))

    def agreed(self) -> set[Route]:
        """The routes that did what was asked of them at least once."""
        return {route for route, answer in self._taken if route and answer.status < 400}

    def refused(self) -> set[Route]:
        """The routes that said no at least once."""
        return {route for route, answer in self._taken if route and answer.status >= 400}

    def agreements(self) -> list[Answer]:
        """The answers of those that agreed."""
        return [answer for route, answer in self._taken if route and answer.status < 400]

    def contradictions(self) -> list[str]:
        """Everything that the CSDL of its version has against any answer, each thing once."""
        found = (
            f"{route.method} {route.address}: {answer.status}: {sentence}"
            for route, answer in self._taken
            if route
            for sentence in contradictions(published(route.version), answer)
        )
        return list(dict.fromkeys(found))


def _read(body: bytes) -> object:
    if not body:
        return None
    try:
        read: object = json.loads(body)
    except ValueError:
        return body
    return read
