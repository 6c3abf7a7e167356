"""The HTTP session that msal is given: bounded, never led elsewhere, sure of whom it asks.

Entra's metadata says where tokens are asked for, and proofs are sent there. Metadata that
names any other place than this tenant's own is refused before anything is signed or sent.
"""

from typing import cast

import requests

from entraclaw.errors import HopRefused, KeyMisused
from entraclaw.identity.refusals import code_of, hint_for
from entraclaw.identity.values import Hop

_CONNECT_S, _READ_S = 5.0, 20.0


class EntraSession(requests.Session):
    """A pooled session with one tenant of one login host."""

    def __init__(self, endpoint: str, tls_ca: str) -> None:
        """Expect metadata to name *endpoint*; trust the bundle *tls_ca*, or the system's."""
        super().__init__()
        self._endpoint = endpoint
        if tls_ca:
            self.verify = tls_ca
            # REQUESTS_CA_BUNDLE in the environment would overrule `verify`.
            self.trust_env = False

    def request(self, method: str, url: str, **rest: object) -> requests.Response:  # type: ignore[override]  # msal passes keywords only
        """Send one request; a GET is for metadata, and its answer is checked.

        Raises:
            HopRefused: Entra knows no such tenant.
            KeyMisused: The metadata names another token endpoint.
        """
        rest.setdefault("timeout", (_CONNECT_S, _READ_S))
        rest["allow_redirects"] = False
        response = super().request(method, url, **rest)  # type: ignore[arg-type]  # passed through as they came
        if response.is_redirect:
            # 307 would carry the proof to whatever host the answer names.
            raise requests.TooManyRedirects("Entra does not redirect these requests")
        if method.upper() == "GET":
            self._check(response)
        return response

    def _check(self, response: requests.Response) -> None:
        if response.status_code >= 500:  # noqa: PLR2004 - HTTP
            response.raise_for_status()
        answer: object = response.json()
        if not isinstance(answer, dict):
            raise ValueError("metadata is not an object")  # noqa: TRY004 - the caller maps ValueError: an answer that makes no sense
        metadata = cast("dict[str, object]", answer)
        if not response.ok:
            code = code_of(metadata)
            raise HopRefused(Hop.BLUEPRINT, code, hint=hint_for(Hop.BLUEPRINT, code))
        if metadata.get("token_endpoint") != self._endpoint:
            raise KeyMisused(
                "Entra's metadata names a token endpoint of another tenant or login host",
                hint="check cloud and tenant in config.toml, and any proxy on the way",
            )
        if not isinstance(metadata.get("authorization_endpoint"), str):
            raise ValueError("metadata lacks what msal reads")  # noqa: TRY004 - the same
