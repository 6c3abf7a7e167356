"""What Entra gave and was shown at the token endpoint: every secret that crossed this line.

A test looks for them where none may be. Real Entra keeps no such list.
"""

from aiohttp import web
from aiohttp.typedefs import Handler

from entraclaw.sandbox.documents import DocumentError, Json, load

# RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3
_GIVEN = ("access_token", "id_token", "refresh_token")

# RFC 7521 section 4.2, https://learn.microsoft.com/entra/agent-id/agent-user-oauth-flow
_SHOWN = ("client_assertion", "user_federated_identity_credential")


class Issued:
    """The secrets so far, oldest first, none twice."""

    def __init__(self) -> None:
        self._seen: dict[str, None] = {}

    def keeping(self, handler: Handler) -> Handler:
        """Make the *handler* of the token endpoint one that leaves its secrets here."""

        async def handle(request: web.Request) -> web.StreamResponse:
            response = await handler(request)
            form = await request.post()
            given = _answer(response)
            found = [form.get(name) for name in _SHOWN] + [given.get(name) for name in _GIVEN]
            self._seen.update(dict.fromkeys(one for one in found if isinstance(one, str) and one))
            return response

        return handle

    def all(self) -> list[str]:
        """List them."""
        return list(self._seen)


def _answer(response: web.StreamResponse) -> Json:
    body = response.body if isinstance(response, web.Response) else None
    try:
        return load(body) if isinstance(body, bytes) else {}
    except DocumentError:  # a page in place of JSON
        return {}
