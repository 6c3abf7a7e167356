"""Ask a running daemon, over its local socket, how it is."""

import json
import socket
from typing import Any, cast

from entraclaw.bot import home
from entraclaw.errors import NotRunning

_PATIENCE_S = 5.0


def ask(folder: str) -> dict[str, Any]:
    """Ask the daemon of the profile in *folder* for its status, see `Daemon.status`.

    Raises:
        NotRunning: None answers.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PATIENCE_S)
            connection.connect(home.socket_path(folder))
            connection.sendall(b"entraclaw/1 status -\n")
            with connection.makefile("rb") as answer:
                return cast("dict[str, Any]", json.loads(answer.readline()))
    except (OSError, ValueError, AttributeError) as error:
        # AttributeError: a system without Unix sockets, where no daemon can run.
        raise NotRunning from error
