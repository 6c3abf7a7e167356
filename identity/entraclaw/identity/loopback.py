"""Take the answer of a sign-in page: one form, at one port of this machine, for a while.

msal has a receiver of its own. In a container it listens at every address, it reads a body
of any length, and looks once a second whether there is an answer; hence this one, which msal
is given in its place.

Loopback redirects: https://www.rfc-editor.org/rfc/rfc8252#section-7.3
"""

import hmac
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs

_LOOPBACK = "127.0.0.1"
_LARGEST = 1 << 16
_SLOWEST_S = 10.0
_DONE = "You can close this page and go back to your terminal."
_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=color-scheme content='light dark'>"
    "<title>Entraclaw</title><body style='font: 16px/1.5 system-ui; display: grid; "
    "place-content: center; min-height: 90vh; text-align: center'><h1 style='font-size: 1.4rem; "
    "margin: 0'>{title}</h1><p style='margin: .4rem 0'>{sentence}</p>"
)


class Receiver:
    """Listens at a port of 127.0.0.1 while its block runs."""

    def __init__(self, show: Callable[[str], None]) -> None:
        """Have *show* lead the person to the page that starts it."""
        self._show = show
        self._state = ""
        self._answer: Mapping[str, str] = {}
        self._lock = threading.Lock()
        self._answered = threading.Event()
        self._server = _Server(self)

    @property
    def port(self) -> int:
        """Where the answer must come."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        """Listen."""
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        del kind, error, trace
        self._server.shutdown()
        self._server.server_close()

    def get_auth_response(
        self, *, auth_uri: str, state: str, timeout: float, **rest: object
    ) -> Mapping[str, str] | None:
        """Show *auth_uri* and wait *timeout* seconds for its answer; None if none comes.

        What msal calls in the place of its own; *rest* is how that would look.
        """
        del rest
        self._state = state
        # What opens a browser may wait until that ends.
        threading.Thread(target=self._show, args=(auth_uri,), daemon=True).start()
        return self._answer if self._answered.wait(timeout) else None

    def take(self, form: Mapping[str, str]) -> bool:
        """Take an answer, if it is one to what was asked; the first one counts.

        Nobody hears of it before `told`: whoever waits may end the process.
        """
        is_ours = bool(self._state) and hmac.compare_digest(
            form.get("state", "").encode(), self._state.encode()
        )
        with self._lock:
            if not is_ours or self._answer or not {"code", "error"} & form.keys():
                return False
            self._answer = form
        return True

    def told(self) -> None:
        """Go on: whoever brought the answer has been told that it came."""
        self._answered.set()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        super().__init__((_LOOPBACK, 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a line that broke: the base prints it all on the terminal."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]  # the only one there is
    timeout = _SLOWEST_S

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and int(length) <= _LARGEST):
            self._say(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "That is too much", "")
            return
        sent = parse_qs(self.rfile.read(int(length)).decode("utf-8", "replace"))
        form = {name: values[0] for name, values in sent.items()}
        if not self.server.receiver.take(form):
            self._say(HTTPStatus.BAD_REQUEST, "This is not the answer that is waited for", _DONE)
            return
        ended = "error" in form
        try:
            title = "Nobody was signed in" if ended else "Your terminal says how it ended"
            self._say(HTTPStatus.OK, title, _DONE)
        finally:
            self.server.receiver.told()

    def do_GET(self) -> None:
        # A code in an address would stay in the browser's history.
        self._say(HTTPStatus.NOT_FOUND, "There is nothing here", _DONE)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing: a request line may hold what nobody should read."""

    def _say(self, status: HTTPStatus, title: str, sentence: str) -> None:
        body = _PAGE.format(title=title, sentence=sentence).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
        self.send_header("Content-Security-Policy", policy)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)
