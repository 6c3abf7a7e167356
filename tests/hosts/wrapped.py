"""A host process between a test and an MCP server: `python -S wrapped.py COMMAND…`.

It spawns COMMAND and passes bytes both ways, so that the host can be killed and its server
be left to notice. Standard library only: it is started very often.
"""

import os
import subprocess
import sys
import threading


def main() -> None:
    """Pass bytes on until either side ends."""
    with subprocess.Popen(
        sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        threading.Thread(target=_pass_on, args=(0, server.stdin.fileno()), daemon=True).start()
        _pass_on(server.stdout.fileno(), 1)
        os._exit(0)


def _pass_on(source: int, sink: int) -> None:
    while data := os.read(source, 1 << 16):
        view = memoryview(data)
        while view:
            view = view[os.write(sink, view) :]
    os.close(sink)


if __name__ == "__main__":
    main()
