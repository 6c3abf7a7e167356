"""A sandbox in a thread of this process: no start to wait for, and its routes are known."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue

from entraclaw.sandbox.apis import Apis
from entraclaw.sandbox.resources import Catalogue
from entraclaw.sandbox.running import Ready, graph_routes, sandbox, share
from entraclaw.sandbox.settings import Settings
from graph_shape.ledger import Route
from sandbox.scene import BOUND_S, Scene

_API = "/v1.0/", "/beta/"


@contextmanager
def inside(home: Path) -> Generator[Scene]:
    """Run a sandbox with its files in *home* while the block runs."""
    began: SimpleQueue[tuple[Ready, asyncio.AbstractEventLoop, asyncio.Event]] = SimpleQueue()

    async def serve() -> None:
        stop = asyncio.Event()
        async with sandbox(home, port=0, settings=Settings()) as ready:
            began.put((ready, asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    ready, loop, stop = began.get(timeout=BOUND_S)
    scene = Scene({name: str(value) for name, value in asdict(ready).items()})
    try:
        yield scene
    finally:
        scene.session.close()
        loop.call_soon_threadsafe(stop.set)
        thread.join(BOUND_S)
        assert not thread.is_alive()


def routes() -> list[Route]:
    """Everything of Graph's own that the sandbox serves."""
    base = "https://graph.example"
    apis = Apis(Catalogue(base))
    served = graph_routes(share(lambda _: None), base, Settings(), apis)
    return [Route(one.method, one.path) for one in served if one.path.startswith(_API)]
