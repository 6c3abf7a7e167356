"""Entra's own signing keys: one signs, the next is published already, the last are still good.

Entra rolls its keys over without a word; whoever read the key set since the next
one was published notices nothing. In an emergency old keys are withdrawn, and
none of the new ones was known before.

https://learn.microsoft.com/entra/identity-platform/signing-key-rollover
"""

from collections.abc import Sequence

from aiohttp import web

from entraclaw.sandbox.documents import Json, flag, load
from entraclaw.sandbox.tokens import Algorithm, SigningKey, TokenError, read_header, read_signed


class Keyring:
    """The keys of one issuer: the one that signs, the next, the ones before."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._keys = self._pair()

    @property
    def current(self) -> SigningKey:
        """The key that signs now."""
        return self._keys[0]

    def routes(self) -> list[web.RouteDef]:
        """The part of the control API that rotates."""
        return [web.post("/control/keys", self._rotate)]

    async def _rotate(self, request: web.Request) -> web.Response:
        self.rotate(withdraw=flag(load(await request.read()), "withdraw", default=False))
        return web.json_response({"kids": [key.kid for key in self._keys]})

    def rotate(self, *, withdraw: bool) -> None:
        """Sign with the next key; what the old ones signed is good unless they are withdrawn."""
        if withdraw:
            self._keys = self._pair()
        else:
            last, signing, *older = self._keys
            self._keys = [signing, SigningKey.make(self._owner), last, *older]

    def _pair(self) -> list[SigningKey]:
        return [SigningKey.make(self._owner), SigningKey.make(self._owner)]

    def jwks(self) -> list[Json]:
        """The key set."""
        return [key.jwk() for key in self._keys]

    def sign(self, claims: Json) -> str:
        """Make an honest token with the key that signs now."""
        return self.current.sign(claims)

    def read(self, token: str, algorithms: Sequence[str] = (Algorithm.RS256,)) -> Json:
        """Read the claims of a token of ours.

        Raises:
            TokenError: None of the keys signed it.
        """
        kid = read_header(token).get("kid")
        for key in self._keys:
            if kid in {key.kid, None}:
                return read_signed(token, key.public, algorithms)
        raise TokenError("none of our keys signed it")
