"""The receiver of a sign-in's answer: this machine's alone, one form, the one that was asked."""

import socket
import threading
import time
from collections.abc import Generator
from urllib.parse import urlencode

import pytest
import requests

from entraclaw.identity.loopback import Receiver

BOUND_S = 30.0
STATE = "a-state"


class Asking:
    """A receiver, and what it gave in the end."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.url = f"http://127.0.0.1:{receiver.port}/"
        self.answer: object = "none yet"
        self.thread = threading.Thread(target=self._ask)
        self.thread.start()

    def _ask(self) -> None:
        self.answer = self.receiver.get_auth_response(
            auth_uri="https://login.example/authorize", state=STATE, timeout=BOUND_S
        )

    def post(self, **form: str) -> requests.Response:
        return requests.post(self.url, data=form, timeout=BOUND_S)

    def end(self) -> object:
        self.thread.join(BOUND_S)
        return self.answer


@pytest.fixture
def shown() -> list[str]:
    return []


@pytest.fixture
def asking(shown: list[str]) -> Generator[Asking]:
    is_shown = threading.Event()

    def show(address: str) -> None:
        shown.append(address)
        is_shown.set()

    with Receiver(show) as receiver:
        asking = Asking(receiver)
        assert is_shown.wait(BOUND_S)  # what is waited for is known by then
        yield asking
        asking.post(error="over", state=STATE)
        asking.thread.join(BOUND_S)


def test_page_is_shown_and_its_answer_taken(asking: Asking, shown: list[str]) -> None:
    response = asking.post(code="abc", state=STATE)

    assert response.status_code == 200
    assert "your terminal" in response.text
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert asking.end() == {"code": "abc", "state": STATE}
    assert shown == ["https://login.example/authorize"]


def test_refusal_is_an_answer_too(asking: Asking) -> None:
    assert "Nobody was signed in" in asking.post(error="access_denied", state=STATE).text

    assert asking.end() == {"error": "access_denied", "state": STATE}


@pytest.mark.parametrize(
    "form",
    [
        {"code": "abc"},
        {"code": "abc", "state": "another"},
        {"code": "abc", "state": ""},
        {"state": STATE},
        {"code": "é", "state": "é"},
        {},
    ],
)
def test_answer_to_something_else_is_refused_and_waiting_goes_on(
    asking: Asking, form: dict[str, str]
) -> None:
    assert asking.post(**form).status_code == 400

    asking.post(code="right", state=STATE)
    assert asking.end() == {"code": "right", "state": STATE}


def test_first_answer_counts(asking: Asking) -> None:
    asking.post(code="first", state=STATE)

    assert asking.post(code="second", state=STATE).status_code == 400
    assert asking.end() == {"code": "first", "state": STATE}


def test_code_in_an_address_is_not_taken(asking: Asking) -> None:
    """It would stay in the browser's history, and in the log of whatever stands between."""
    address = f"{asking.url}?{urlencode({'code': 'abc', 'state': STATE})}"

    assert requests.get(address, timeout=BOUND_S).status_code == 404


@pytest.mark.parametrize("length", ["70000", "-1", "many", "", "1e3"])
def test_body_of_any_length_is_not_read(asking: Asking, length: str) -> None:
    with socket.create_connection(("127.0.0.1", asking.receiver.port), BOUND_S) as line:
        line.sendall(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())

        assert line.recv(64).startswith(b"HTTP/1.0 413")


def test_page_that_nobody_answers_is_given_up() -> None:
    with Receiver(lambda _address: None) as receiver:
        begun = time.monotonic()
        answer = receiver.get_auth_response(auth_uri="x", state=STATE, timeout=0.05)

    assert answer is None
    assert time.monotonic() - begun < BOUND_S


def test_only_this_machine_is_listened_to() -> None:
    with Receiver(lambda _address: None) as receiver:
        bound = receiver._server.server_address  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # what it is bound to

        assert bound[0] == "127.0.0.1"


def test_nothing_is_listened_to_afterwards() -> None:
    with Receiver(lambda _address: None) as receiver:
        port = receiver.port

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), BOUND_S)


def test_answer_before_anything_was_asked_is_refused() -> None:
    with Receiver(lambda _address: None) as receiver:
        assert not receiver.take({"code": "abc", "state": ""})
