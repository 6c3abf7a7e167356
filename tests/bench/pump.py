"""The least a shim can do, as a process: `python -S -m bench.pump SOCKET`.

It passes bytes from the socket to its output and from its input to the socket, and knows
nothing of either.
"""

import os
import socket
import sys
import threading


def main() -> None:
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.connect(sys.argv[1])
        daemon.sendall(b"pump\n")
        threading.Thread(target=_up, args=(daemon,), daemon=True).start()
        while data := daemon.recv(1 << 16):
            os.write(1, data)


def _up(daemon: socket.socket) -> None:
    while data := os.read(0, 1 << 16):
        daemon.sendall(data)
    os._exit(0)


if __name__ == "__main__":
    main()
