"""What the page's tests share: a browser's way in, without the browser."""

import json
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from sandbox.scene import BOUND_S, Json, Scene


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event."""

    number: int
    name: str
    data: Json


class Window:
    """One browser at the page, admitted by its URL."""

    def __init__(self, scene: Scene) -> None:
        self.origin, self._page = scene.control, scene.page
        self.session = requests.Session()
        self.session.trust_env = False

    def enter(self) -> requests.Response:
        return self.session.get(self._page, allow_redirects=False, timeout=BOUND_S)

    def get(self, path: str, *, stream: bool = False, **headers: str) -> requests.Response:
        url = self.origin + path
        return self.session.get(url, headers=headers, stream=stream, timeout=BOUND_S)

    def post(self, body: object, **headers: str | None) -> requests.Response:
        sent = {"Origin": self.origin, **headers}
        url = f"{self.origin}/page/messages"
        return self.session.post(url, json=body, headers=sent, timeout=BOUND_S)

    def state(self) -> Json:
        state: Json = self.get("/page/state").json()
        return state

    @contextmanager
    def events(self, after: int, **headers: str) -> Generator[Iterator[Event]]:
        with self.get(f"/page/events?after={after}", stream=True, **headers) as stream:
            assert stream.headers["Content-Type"] == "text/event-stream"
            yield _events(stream)


def _events(stream: requests.Response) -> Iterator[Event]:
    block: list[str] = []
    for line in stream.iter_lines(chunk_size=1, decode_unicode=True):
        if line:
            block.append(line)
            continue
        if found := re.fullmatch(r"id: (\d+)\nevent: (\w+)\ndata: (.*)", "\n".join(block)):
            yield Event(int(found[1]), found[2], json.loads(found[3]))
        block.clear()
