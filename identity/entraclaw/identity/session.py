"""The HTTP session that msal is given: bounded, never led elsewhere, sure of whom it asks.

Entra's metadata says where tokens are asked for, and proofs are sent there. Metadata that
names any other place than this tenant's own is refused before anything is signed or sent.

A refusal is raised here, before msal sees it: msal would give the same refusal again from
memory for a minute, and consent that was granted meanwhile would not help.
"""

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import cast

import requests

from entraclaw.errors import HopRefused, KeyMisused, Unreachable
from entraclaw.identity.refusals import Said, code_of, hint_for, seconds_of
from entraclaw.identity.values import Hop

_CONNECT_S, _READ_S = 5.0, 20.0
_TOO_MANY, _SERVER_FAULT = 429, 500
_NOT_JSON = "a proxy, or a page to sign in, may answer in Entra's place: look at the way out"


class EntraSession(requests.Session):
    """A pooled session with one tenant of one login host.

    Attributes:
        skew_s: By how much Entra's clock was ahead of ours when it last answered, seconds.
    """

    def __init__(
        self, endpoint: str, tls_ca: str, now: Callable[[], float], first: Hop = Hop.BLUEPRINT
    ) -> None:
        """Expect metadata to name *endpoint*; trust the bundle *tls_ca*, or the system's.

        *now* is our own clock, epoch seconds; *first* the hop that the metadata is read for.
        """
        super().__init__()
        self._endpoint, self._now, self._first = endpoint, now, first
        self.skew_s = 0.0
        if tls_ca:
            self.verify = tls_ca
            # REQUESTS_CA_BUNDLE in the environment would overrule `verify`.
            self.trust_env = False

    def request(self, method: str, url: str, **rest: object) -> requests.Response:  # type: ignore[override]  # msal passes keywords only
        """Send one request; a GET is for metadata, and its answer is checked.

        Raises:
            HopRefused: Entra knows no such tenant.
            KeyMisused: The metadata names another token endpoint.
            Said: Entra refused a token.
            Unreachable: It cannot answer now, or something else answers in its place.
        """
        rest.setdefault("timeout", (_CONNECT_S, _READ_S))
        rest["allow_redirects"] = False
        response = super().request(method, url, **rest)  # type: ignore[arg-type]  # passed through as they came
        self.skew_s = _skew(response.headers, self._now())
        if response.is_redirect:
            # 307 would carry the proof to whatever host the answer names.
            raise requests.TooManyRedirects("Entra does not redirect these requests")
        if method.upper() == "GET":
            self._check(response)
        else:
            _check_token(response)
        return response

    def _check(self, response: requests.Response) -> None:
        if response.status_code >= _SERVER_FAULT:
            response.raise_for_status()
        metadata = _document(response)
        if not response.ok:
            code = code_of(metadata)
            raise HopRefused(self._first, code, hint=hint_for(self._first, code))
        if metadata.get("token_endpoint") != self._endpoint:
            raise KeyMisused(
                "Entra's metadata names a token endpoint of another tenant or login host",
                hint="check cloud and tenant in config.toml, and any proxy on the way",
            )
        if not isinstance(metadata.get("authorization_endpoint"), str):
            raise ValueError("metadata lacks what msal reads")  # noqa: TRY004 - the caller maps ValueError: an answer that makes no sense


def _check_token(response: requests.Response) -> None:
    status = response.status_code
    wait_s = seconds_of(response.headers.get("Retry-After", ""))
    try:
        answer = _document(response)
    except Unreachable:
        if status == _TOO_MANY:
            raise Said("429", status, wait_s) from None
        if status < _SERVER_FAULT:
            raise
        reason = f"status {status}"
        raise Unreachable("Entra", reason, retry_after=wait_s, is_passing=True) from None
    if not response.ok:
        raise Said(code_of(answer), status, wait_s)
    # msal would give a token that came with this header again, in place of the next.
    response.headers.pop("Retry-After", None)


def _document(response: requests.Response) -> Mapping[str, object]:
    try:
        answer: object = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Unreachable("Entra", "its answer makes no sense", hint=_NOT_JSON)
    return cast("Mapping[str, object]", answer)


def _skew(headers: Mapping[str, str], now: float) -> float:
    try:
        return parsedate_to_datetime(headers.get("Date", "")).timestamp() - now
    except ValueError:
        return 0.0
