"""Start the sandbox as a process of its own: `python -m entraclaw.sandbox --home DIR`.

Prints one JSON line when it is ready and nothing else on stdout. Ends with 0
on an interrupt, a request to end, or the end of its stdin.
"""

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

import orjson

from entraclaw.sandbox.running import sandbox
from entraclaw.sandbox.settings import Settings
from entraclaw.sandbox.stopping import watch


def main() -> int:
    """Run until told to stop; 3 means that this machine refused (a port, a directory)."""
    arguments = _arguments()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(name)s: %(message)s")
    settings = Settings(patience_s=arguments.patience, latency_ms=arguments.latency_ms)
    try:
        asyncio.run(_run(arguments.home.absolute(), arguments.port, settings))
    except OSError as refused:
        sys.stderr.write(f"entraclaw.sandbox: error: {refused}\n")
        return 3
    return 0


async def _run(home: Path, port: int, settings: Settings) -> None:
    stop = watch()
    async with sandbox(home, port=port, settings=settings) as ready:
        line = {
            "control": ready.control,
            "secret": ready.secret,
            "page": ready.page,
            "cloud": str(ready.cloud),
            "ca": str(ready.ca),
            "pid": os.getpid(),
        }
        sys.stdout.write(orjson.dumps(line).decode() + "\n")
        sys.stdout.flush()
        await stop.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m entraclaw.sandbox", description="An emulated Microsoft tenant."
    )
    parser.add_argument("--home", type=Path, required=True, help="directory for its files")
    parser.add_argument("--port", type=int, default=0, help="control port (default: any)")
    parser.add_argument(
        "--patience", type=float, default=15.0, help="seconds the channel waits for an answer"
    )
    parser.add_argument(
        "--latency-ms", type=float, default=0.0, help="milliseconds added to every TLS answer"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
