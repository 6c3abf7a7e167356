"""Ask one tenant's Entra through msal, and say what one request gave.

msal knows the form fields. Whoever uses this knows the order of the requests and who makes
them; here is what all of them share: the session, the proof a `Key` signs, how long a request
took, and what a refusal means. msal types stop here.

Every call blocks: `entraclaw.identity.minter` keeps it off the event loop.
"""

import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Protocol, cast

import msal

from entraclaw.errors import HopRefused, Unreachable
from entraclaw.identity.assertion import Occasion, sign
from entraclaw.identity.cloud import Cloud
from entraclaw.identity.keys import Binding, Key
from entraclaw.identity.refusals import Said
from entraclaw.identity.session import EntraSession
from entraclaw.identity.values import Hop, HopTiming, Token

Result = Mapping[str, object]
Proof = Callable[[Mapping[str, str]], str]


class Clock(Protocol):
    """What asking needs of time; `time` itself will do."""

    def time(self) -> float:
        """Seconds since the epoch."""
        ...

    def perf_counter(self) -> float:
        """Seconds since some moment, never going back."""
        ...


class Application(Protocol):
    """The calls of `msal.ConfidentialClientApplication` that are made here."""

    def acquire_token_for_client(
        self,
        scopes: list[str],
        *,
        claims_challenge: str | None = None,
        fmi_path: str | None = None,
    ) -> Result:
        """Ask as the application itself."""
        ...

    def acquire_token_by_user_federated_identity_credential(
        self,
        scopes: list[str],
        *,
        assertion: str,
        user_object_id: str,
        claims_challenge: str | None,
        data: Mapping[str, str],
    ) -> Result:
        """Ask as the agent user, by what its agent shows."""
        ...


class _Forgetful(msal.TokenCache):  # type: ignore[misc]  # msal ships no types
    """Keeps nothing: msal would drop what ends within five minutes, by a clock of its own."""

    def add(self, event: object, now: float | None = None) -> None:
        """Let it pass."""


class Entra:
    """The Entra of one tenant, in one thread."""

    def __init__(
        self,
        cloud: Cloud,
        tenant: str,
        clock: Clock,
        observe: Callable[[HopTiming], None],
        *,
        first: Hop,
    ) -> None:
        """Remember where; nothing is asked yet.

        Args:
            cloud: Which Entra.
            tenant: Whose.
            clock: Dates assertions and tokens.
            observe: Told how long each request took.
            first: The hop that is the first to read Entra's metadata.
        """
        self._clock, self._observe = clock, observe
        self._authority = f"{cloud.login}/{tenant}"
        endpoint = Binding(cloud.login, tenant).audience
        self._http = EntraSession(endpoint, cloud.tls_ca, clock.time, first)
        self._answers: dict[str, object] = {}  # msal's: all applications read metadata once

    def application(self, client_id: str, proof: Proof) -> Application:
        """Make msal's application of *client_id*, which *proof* speaks for."""
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
        return cast("Application", application)

    def signed(self, key: Callable[[], Key]) -> Proof:
        """Prove an application by assertions that *key* signs, a new one each time."""

        def proof(context: Mapping[str, str]) -> str:
            occasion = Occasion(now=self._clock.time(), nonce=str(uuid.uuid4()))
            return sign(key(), context["client_id"], context["token_endpoint"], occasion)

        return proof

    def asked(self, hop: Hop, scope: str, ask: Callable[[], Result]) -> Token:
        """Make the request *ask*, which is *hop*; gives the token for *scope*.

        Raises:
            HopRefused: Entra said no.
        """
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


@contextmanager
def reached() -> Generator[None]:
    """Say of whatever breaks inside that Entra could not be reached.

    Raises:
        Unreachable: It did not answer, or its answer makes no sense.
    """
    try:
        yield
    except ValueError as error:
        # What an answer raises that is not what it should be.
        raise Unreachable("Entra", "its answer makes no sense") from error
    except OSError as error:  # the root of what requests raises
        raise Unreachable("Entra", type(error).__name__) from error


def _text(result: Result, key: str) -> str:
    value = result.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} is missing from Entra's answer")
    return value


def _seconds(result: Result, key: str) -> float:
    value = result.get(key)
    if not isinstance(value, int | float):
        raise ValueError(f"{key} is missing from Entra's answer")  # noqa: TRY004 - the caller maps ValueError: an answer that makes no sense
    return float(value)
