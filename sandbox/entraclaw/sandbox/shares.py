"""Graph's way to a file that somebody shared: by its address, without a drive to know.

`/shares/{address}` finds the file, and its content is one redirection away, at
an address that needs no token. Only who was in the conversation may have it.

Sharing addresses: https://learn.microsoft.com/graph/api/shares-get
"""

from base64 import b64decode
from binascii import Error as Base64Error

from aiohttp import web

from entraclaw.sandbox.bearers import Bearer
from entraclaw.sandbox.conversations import Conversations
from entraclaw.sandbox.envelopes import Answering, GraphError, document, refusal
from entraclaw.sandbox.holdings import Holding, Holdings

_FILES = frozenset(
    {"Files.Read", "Files.ReadWrite", "Files.Read.All", "Files.ReadWrite.All"}
    | {"Sites.Read.All", "Sites.ReadWrite.All"}
)
_ITEM = "/v1.0/shares/{share}/driveItem"


class Shares:
    """The file calls of the Graph host."""

    def __init__(
        self, *, base: str, conversations: Conversations, holdings: Holdings, answer: Answering
    ) -> None:
        self._base, self._answer = base, answer
        self._conversations, self._holdings = conversations, holdings

    def routes(self) -> list[web.RouteDef]:
        """What this part serves."""
        return [
            web.get(_ITEM, self._answer(self._item)),
            web.get(f"{_ITEM}/content", self._answer(self._content)),
            web.get("/download/{ticket}", self._download),
        ]

    async def _item(self, request: web.Request, bearer: Bearer) -> web.Response:
        holding = self._shared(request, bearer)
        share = request.match_info["share"]
        body = {
            "@odata.context": f"{self._base}/v1.0/$metadata#shares('{share}')/driveItem/$entity",
            "@microsoft.graph.downloadUrl": self._address(holding),
            "id": holding.id,
            "name": holding.name,
            "size": len(holding.content),
            "webUrl": holding.url,
            "file": {"mimeType": holding.content_type},
        }
        return document(body)

    async def _content(self, request: web.Request, bearer: Bearer) -> web.Response:
        address = self._address(self._shared(request, bearer))
        return web.Response(status=302, headers={"Location": address})

    async def _download(self, request: web.Request) -> web.Response:
        holding = self._holdings.redeem(request.match_info["ticket"])
        if holding is None:
            return refusal(request, GraphError(401, "unauthenticated", "The address has expired."))
        return web.Response(body=holding.content, content_type=holding.content_type)

    def _address(self, holding: Holding) -> str:
        return f"{self._base}/download/{self._holdings.ticket(holding)}"

    def _shared(self, request: web.Request, bearer: Bearer) -> Holding:
        if not bearer.scopes & _FILES:
            raise GraphError(403, "accessDenied", "The caller may not read files.")
        found = self._holdings.find(_shared_address(request.match_info["share"]))
        if found is None or not found[1].url:
            raise GraphError(404, "itemNotFound", "The resource could not be found.")
        place = self._conversations.find(found[0])
        if place is None or bearer.oid not in place.members:
            raise GraphError(403, "accessDenied", "The sharing link is not for the caller.")
        return found[1]


def _shared_address(share: str) -> str:
    if not share.startswith("u!"):
        # An id in place of an encoded address: a kind of share that nobody here makes.
        return ""
    encoded = share.removeprefix("u!")
    try:
        return b64decode(
            encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True
        ).decode()
    except (Base64Error, ValueError):
        raise GraphError(400, "invalidRequest", "The sharing token is malformed.") from None
