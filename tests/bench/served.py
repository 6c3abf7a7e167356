"""What the hosts we compare with share: their loop, their first line, their end."""

import asyncio
import json
import os
import sys

from aiohttp import web

from bench.report import fast_loop


def serve(app: web.Application) -> None:
    """Serve *app* on a free port of 127.0.0.1 until stdin ends; the port is the first line."""
    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        runner.run(_serve(app))


async def _serve(app: web.Application) -> None:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(json.dumps({"pid": os.getpid(), "port": runner.addresses[0][1]}) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()
