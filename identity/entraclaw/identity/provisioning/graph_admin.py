"""Send an administrator's calls to Microsoft Graph, one at a time. Every call blocks.

It sends a call once and says what came of it. What is asked, in which order and how often is
decided elsewhere (`consistency`, `driving`).

https://learn.microsoft.com/graph/use-the-api
"""

from collections.abc import Callable
from typing import Self, cast

import requests

from entraclaw.errors import Unreachable
from entraclaw.identity.cloud import Cloud
from entraclaw.identity.provisioning.calls import SERVICE, Call, Document, Reply
from entraclaw.identity.provisioning.consistency import BROKEN, Heard
from entraclaw.identity.proxy import proxy_of
from entraclaw.identity.refusals import seconds_of
from entraclaw.identity.unreached import never_sent, unreached
from entraclaw.identity.values import Token

_CONNECT_S, _READ_S = 5.0, 60.0
_NOT_JSON = "a proxy, or a page to sign in, may answer in Graph's place: look at the way out"
_BROKEN = Heard(Reply(BROKEN, {}))


class GraphAdmin:
    """One pooled session with the Graph of one cloud."""

    def __init__(self, cloud: Cloud, token: Callable[[], Token]) -> None:
        """Call as whoever *token* gives the token of; it is asked anew for each call."""
        self._graph, self._token = cloud.graph, token
        self._session = requests.Session()
        # As for Entra: the environment says which proxy, and not whom to trust.
        self._session.trust_env = False
        if cloud.tls_ca:
            self._session.verify = cloud.tls_ca
        proxy = proxy_of(cloud.login)
        if proxy is not None:
            self._session.proxies = {"https": proxy}

    def __enter__(self) -> Self:
        """Keep the connections until the block ends."""
        return self

    def __exit__(self, *left: object) -> None:
        """Close the connections."""
        self._session.close()

    def send(self, call: Call) -> Heard:
        """Make *call* once.

        Raises:
            Unreachable: Nobody was there to take it, or something else answers in Graph's place.
            EntraclawError: There is no token.
        """
        headers = {
            "Authorization": f"Bearer {self._token().secret}",
            # Without it, what has an @odata.type of its own is refused.
            "OData-Version": "4.0",
        }
        try:
            answer = self._session.request(
                call.method,
                f"{self._graph}{call.path}",
                json=call.body,
                headers=headers,
                timeout=(_CONNECT_S, _READ_S),
                allow_redirects=False,
            )
        except OSError as error:  # the root of what requests raises
            if never_sent(error):
                raise unreached(SERVICE, error) from error
            return _BROKEN
        if answer.is_redirect:
            raise Unreachable(SERVICE, "it answers with a redirect")
        wait_s = seconds_of(answer.headers.get("Retry-After", ""))
        return Heard(Reply(answer.status_code, _document(answer)), wait_s)


def _document(answer: requests.Response) -> Document:
    """Read the object of *answer*.

    Raises:
        Unreachable: Something else answers in Graph's place: what is done is said in JSON.
    """
    try:
        document: object = answer.json() if answer.content else {}
    except ValueError:
        document = None
    if isinstance(document, dict):
        return cast("Document", document)
    if answer.ok:
        raise Unreachable(SERVICE, "its answer makes no sense", hint=_NOT_JSON)
    return {}
