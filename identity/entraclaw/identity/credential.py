"""The agent user's tokens in the shape that Azure's SDKs ask for: an `AsyncTokenCredential`.

``BlobServiceClient(url, credential=AgentCredential(minter, ids.tenant))`` acts as the agent
user, with the tokens everybody else uses. A challenge of the resource is passed on to Entra.

https://learn.microsoft.com/python/api/azure-core/azure.core.credentials_async.asynctokencredential
"""

from types import TracebackType
from typing import Self

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions

from entraclaw.errors import KeyMisused
from entraclaw.identity.expiry import margin
from entraclaw.identity.minter import Minter
from entraclaw.identity.values import Token


class AgentCredential:
    """One agent user of one tenant; it never speaks for anybody else."""

    def __init__(self, minter: Minter, tenant: str) -> None:
        """Give what *minter* gives, which is for *tenant*."""
        self._minter, self._tenant = minter, tenant
        self._given: dict[str, Token] = {}

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: object,
    ) -> AccessToken:
        """Give a token for the one resource *scopes* names, with what *claims* demands.

        Raises:
            KeyMisused: It is asked for as somebody of another tenant.
            ValueError: There is not exactly one scope.
            EntraclawError: As `Minter.token` does.
        """
        del enable_cae, kwargs  # Entra decides; a challenge is met in any case
        token = await self._token(scopes, claims, tenant_id)
        return AccessToken(token.secret, int(token.expires_at))

    async def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        """Give the same, with the moment at which it should be replaced.

        Raises:
            EntraclawError: As `get_token` does.
        """
        asked = options or {}
        token = await self._token(scopes, asked.get("claims"), asked.get("tenant_id"))
        due = token.expires_at - margin(token)
        return AccessTokenInfo(token.secret, int(token.expires_at), refresh_on=int(due))

    async def close(self) -> None:
        """Nothing to close: the minter is its owner's."""

    async def __aenter__(self) -> Self:
        """Be used as the context that the SDKs open."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Close."""
        del exc_type, exc_value, traceback
        await self.close()

    async def _token(
        self, scopes: tuple[str, ...], claims: str | None, tenant: str | None
    ) -> Token:
        if tenant and tenant.lower() != self._tenant:
            raise KeyMisused(
                "a token was asked for as somebody of another tenant",
                hint="this credential is the agent user's, in its own tenant alone",
            )
        if len(scopes) != 1:
            raise ValueError("a token is for exactly one resource")
        [scope] = scopes
        held = self._given.get(scope)
        if claims and held is not None:
            self._minter.refused(held, claims)
        token = self._given[scope] = await self._minter.token(scope)
        return token
