"""A person at a browser, without the browser: reads the page, chooses, is led on.

`python person.py CA PERSON URL` does it as a program, such as ``BROWSER`` names.
"""

import re
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from html import unescape
from urllib.parse import urljoin

import requests

BOUND_S = 30.0

_FORM = re.compile(r'<form method="post" action="([^"]*)">')
_FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


class Person:
    """Somebody who signs in at the sandbox's pages; *ca* is the sandbox's own authority."""

    def __init__(self, ca: str) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = ca

    @contextmanager
    def showing(self, person: str) -> Generator[Callable[[str], None]]:
        """Give what is shown an address and signs *person* in there; wait for its end."""
        has_begun, is_over = threading.Event(), threading.Event()

        def show(address: str) -> None:
            has_begun.set()
            try:
                self.sign_in(address, person)
            finally:
                is_over.set()

        try:
            yield show
        finally:
            assert not has_begun.is_set() or is_over.wait(BOUND_S)

    def close(self) -> None:
        self._session.close()

    def open(self, url: str) -> requests.Response:
        return self._session.get(url, timeout=BOUND_S, allow_redirects=False)

    def choose(self, page: requests.Response, person: str) -> requests.Response:
        """Press the button of *person*; empty cancels."""
        return self.submit(page, person=person)

    def submit(self, page: requests.Response, **more: str) -> requests.Response:
        """Send the form of *page*, its hidden fields included."""
        found = _FORM.search(page.text)
        assert found is not None, page.text
        fields = {unescape(name): unescape(value) for name, value in _FIELD.findall(page.text)}
        url = urljoin(page.url, unescape(found[1]))
        body = {**fields, **more}
        return self._session.post(url, data=body, timeout=BOUND_S, allow_redirects=False)

    def sign_in(self, url: str, person: str) -> requests.Response:
        """Go the whole way, back to the application included."""
        return self.submit(self.choose(self.open(url), person))

    def type_code(self, url: str, user_code: str, person: str) -> requests.Response:
        """Type the code of a device, and choose."""
        page = self.submit(self.open(url), user_code=user_code)
        return self.choose(page, person)


if __name__ == "__main__":
    Person(sys.argv[1]).sign_in(sys.argv[3], sys.argv[2])
