"""Who may see the chat page: whoever opened the printed URL, in that browser.

The URL's key is traded for a cookie, once per browser, so that it leaves the
address bar. A page of somebody else gets nothing: its Origin is refused, it
cannot frame us, and a Host name that merely resolves to us (DNS rebinding) is
turned away before anything is read.

Cookies: https://www.rfc-editor.org/rfc/rfc6265 (they know no ports, hence the name)
Policy: https://www.w3.org/TR/CSP3/
"""

import hmac
import secrets
from collections.abc import Mapping
from types import MappingProxyType

from aiohttp import web
from aiohttp.typedefs import Handler

from entraclaw.sandbox.documents import DocumentError

HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
            "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
)

# The link is for those whose browser keeps a strict cookie back on the way here from another site.
_CLOSED = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Entraclaw sandbox</title>
<h1>This page opens with its key</h1>
<p>Use the whole URL that the sandbox printed when it started, the part after
<code>?key=</code> included.</p>
<p>You just did? <a href="/">Then go on.</a></p></html>
"""


class Admission:
    """The key of one run, the cookie it buys, and the middleware that asks for it."""

    def __init__(self, port: int) -> None:
        self.key = secrets.token_urlsafe(32)
        self._session = secrets.token_urlsafe(32)
        self._cookie = f"entraclaw_sandbox_{port}"
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer *request*, with our headers on whatever the answer is."""
        try:
            response = self._refusal(request) or await handler(request)
        except DocumentError as wrong:
            response = _sentence(400, str(wrong))
        except web.HTTPException as no:
            response = _sentence(no.status, no.reason.lower())
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    def _refusal(self, request: web.Request) -> web.Response | None:
        host, origin = request.headers.get("Host"), request.headers.get("Origin")
        if host not in self._hosts:
            return _sentence(403, "this name is not ours")
        # Browsers send an Origin with every POST; whoever leaves it out is no page of ours.
        is_reading = request.method in {"GET", "HEAD"}
        if origin != f"http://{host}" and not (is_reading and origin is None):
            return _sentence(403, "this is not a place for other web pages")
        if "key" in request.query and request.path == "/":
            return self._trade(request)
        shown = request.cookies.get(self._cookie, "")
        return None if _is_same(shown, self._session) else _closed()

    def _trade(self, request: web.Request) -> web.Response:
        shown = request.query.getall("key")
        if len(shown) != 1 or not _is_same(shown[0], self.key):
            return _closed()
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(self._cookie, self._session, path="/", httponly=True, samesite="Strict")
        return response


def _is_same(shown: str, expected: str) -> bool:
    return hmac.compare_digest(shown.encode(errors="surrogatepass"), expected.encode())


def _closed() -> web.Response:
    return web.Response(status=401, text=_CLOSED, content_type="text/html")


def _sentence(status: int, sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=status)
