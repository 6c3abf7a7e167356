"""Trade three tokens for one: blueprint, then agent, then user.

Entra lets an agent act as its own user only through three requests, each carrying proof
of the one before. msal knows their form fields; this module knows their order, signs
the first proof with a `Key`, keeps the first two tokens, and says which hop Entra refused.
msal types stop here.

Every call blocks: `entraclaw.identity.minter` keeps it off the event loop.

Contract, with sources: docs/identity/token-chain.md
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Protocol, cast

import msal

from entraclaw.errors import HopRefused, Unreachable
from entraclaw.identity.assertion import Occasion, sign
from entraclaw.identity.cloud import Cloud
from entraclaw.identity.expiry import is_due
from entraclaw.identity.keys import Binding, Key
from entraclaw.identity.refusals import Said, is_stale
from entraclaw.identity.session import EntraSession
from entraclaw.identity.values import AgentIds, Hop, HopTiming, Token

EXCHANGE_SCOPE = "api://AzureADTokenExchange/.default"

_Result = Mapping[str, object]


class Clock(Protocol):
    """What the chain needs of time; `time` itself will do."""

    def time(self) -> float:
        """Seconds since the epoch."""
        ...

    def perf_counter(self) -> float:
        """Seconds since some moment, never going back."""
        ...


class _Application(Protocol):
    """The calls of `msal.ConfidentialClientApplication` that the chain makes."""

    def acquire_token_for_client(
        self, scopes: list[str], *, fmi_path: str | None = None
    ) -> _Result: ...

    def acquire_token_by_user_federated_identity_credential(
        self,
        scopes: list[str],
        *,
        assertion: str,
        user_object_id: str,
        claims_challenge: str | None,
        data: Mapping[str, str],
    ) -> _Result: ...


class _Forgetful(msal.TokenCache):  # type: ignore[misc]  # msal ships no types
    """Keeps nothing: msal would drop what ends within five minutes, by a clock of its own."""

    def add(self, event: object, now: float | None = None) -> None:
        """Let it pass."""


class Chain:
    """The three hops of one agent, in one thread.

    What the first two hops returned serves every resource until it is due.
    """

    def __init__(
        self,
        ids: AgentIds,
        cloud: Cloud,
        key: Callable[[], Key],
        clock: Clock,
        observe: Callable[[HopTiming], None],
    ) -> None:
        """Remember who and where; nothing is asked before the first token is.

        Args:
            ids: Whose token.
            cloud: Which Entra.
            key: Finds the key that signs the blueprint's assertions; asked each time, so
                that a keystore unlocked later is found unlocked.
            clock: Dates assertions and tokens.
            observe: Told how long each hop took.
        """
        self._ids, self._key, self._clock, self._observe = ids, key, clock, observe
        self._authority = f"{cloud.login}/{ids.tenant}"
        endpoint = Binding(cloud.login, ids.tenant).audience
        self._http = EntraSession(endpoint, cloud.tls_ca, clock.time)
        self._answers: dict[str, object] = {}  # msal's: both applications read metadata once
        self._proofs: dict[Hop, Token] = {}
        self._blueprint: _Application | None = None
        self._agent: _Application | None = None

    def user_token(self, scope: str, claims: str = "") -> Token:
        """Walk the chain to a token of the agent user for *scope*.

        *claims* is what a resource demands of the token (a claims challenge, JSON).

        Raises:
            HopRefused: Entra said no; later hops were not asked.
            Unreachable: Entra did not answer.
            KeyUnavailable: The assertion could not be signed.
            KeyMisused: The key, or Entra's metadata, is for another tenant or login host.
        """
        try:
            return self._walk_anew(scope, claims)
        except ValueError as error:
            # What an answer raises that is not what it should be.
            raise Unreachable("Entra", "its answer makes no sense") from error
        except OSError as error:  # the root of what requests raises
            raise Unreachable("Entra", type(error).__name__) from error

    def _walk_anew(self, scope: str, claims: str) -> Token:
        """Walk; once more from the start where a proof that was kept is no good any more."""
        kept = len(self._proofs)
        try:
            return self._walk(scope, claims)
        except HopRefused as error:
            if not (kept and is_stale(Hop(error.hop), error.code)):
                raise
        self._proofs.clear()
        return self._walk(scope, claims)

    def _walk(self, scope: str, claims: str) -> Token:
        self._proof(Hop.BLUEPRINT, self._blueprint_token)  # `_shown` with both that follow
        second = self._proof(Hop.AGENT, self._agent_token)
        return self._asked(Hop.USER, scope, lambda: self._user_token(scope, second.secret, claims))

    def _proof(self, hop: Hop, ask: Callable[[], _Result]) -> Token:
        held = self._proofs.get(hop)
        if held is not None and not is_due(held, self._clock.time()):
            self._observe(HopTiming(hop, 0.0))
            return held
        made = self._proofs[hop] = self._asked(hop, EXCHANGE_SCOPE, ask)
        return made

    def _asked(self, hop: Hop, scope: str, ask: Callable[[], _Result]) -> Token:
        start, asked_at = self._clock.perf_counter(), self._clock.time()
        try:
            granted = ask()
        except Said as said:
            raise HopRefused(
                hop,
                said.code,
                hint=said.hint(hop, self._http.skew_s),
                retry_after=said.retry_after,
                is_passing=said.is_passing,
            ) from None
        self._observe(HopTiming(hop, (self._clock.perf_counter() - start) * 1000))
        return Token(
            secret=_text(granted, "access_token"),
            scope=scope,
            acquired_at=asked_at,
            expires_at=asked_at + _seconds(granted, "expires_in"),
        )

    def _blueprint_token(self) -> _Result:
        if self._blueprint is None:
            self._blueprint = self._application(self._ids.blueprint, self._assertion)
        return self._blueprint.acquire_token_for_client([EXCHANGE_SCOPE], fmi_path=self._ids.agent)

    def _agent_application(self) -> _Application:
        if self._agent is None:
            self._agent = self._application(self._ids.agent, self._shown)
        return self._agent

    def _agent_token(self) -> _Result:
        return self._agent_application().acquire_token_for_client([EXCHANGE_SCOPE])

    def _user_token(self, scope: str, proof: str, claims: str) -> _Result:
        return self._agent_application().acquire_token_by_user_federated_identity_credential(
            [scope],
            assertion=proof,
            user_object_id=self._ids.user,
            claims_challenge=claims or None,
            data={"requested_token_use": "on_behalf_of"},
        )

    def _assertion(self, context: Mapping[str, str]) -> str:
        occasion = Occasion(now=self._clock.time(), nonce=str(uuid.uuid4()))
        return sign(self._key(), context["client_id"], context["token_endpoint"], occasion)

    def _shown(self, context: Mapping[str, str]) -> str:
        # msal asks for the agent's proof on every request.
        del context
        return self._proofs[Hop.BLUEPRINT].secret

    def _application(
        self, client_id: str, proof: Callable[[Mapping[str, str]], str]
    ) -> _Application:
        application = msal.ConfidentialClientApplication(
            client_id,
            authority=self._authority,
            client_credential={"client_assertion": proof},
            http_client=self._http,
            http_cache=self._answers,
            token_cache=_Forgetful(),
            # The cloud profile says which host to trust; nobody else is asked.
            instance_discovery=False,
        )
        return cast("_Application", application)


def _text(result: _Result, key: str) -> str:
    value = result.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} is missing from Entra's answer")
    return value


def _seconds(result: _Result, key: str) -> float:
    value = result.get(key)
    if not isinstance(value, int | float):
        raise ValueError(f"{key} is missing from Entra's answer")  # noqa: TRY004 - the caller maps ValueError: an answer that makes no sense
    return float(value)
