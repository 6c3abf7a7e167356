"""The administrator who signs in for one command, and is forgotten when it ends.

A person signs in at a public client, by a browser on this machine or by a code typed in one
elsewhere. The tokens are in this process's memory and nowhere else: nothing that could change
a tenant stays on the machine.

Contract, with sources: docs/identity/administrator.md
"""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import cast

import msal

from entraclaw.errors import HopRefused, SignedOut, SignInRefused
from entraclaw.identity.cloud import Cloud
from entraclaw.identity.entra import Clock, Entra, PublicApplication, Result, reached
from entraclaw.identity.expiry import is_due
from entraclaw.identity.loopback import Receiver
from entraclaw.identity.provisioning.admin_claims import held, shut_out
from entraclaw.identity.refusals import Said, code_in, must_sign_in, sign_in_hint
from entraclaw.identity.signing_in import GO_ON, TIMEOUT_S
from entraclaw.identity.values import Hop, HopTiming, Token

ANY_TENANT = "organizations"  # whichever the account is of: who signs in says which one it is
_ENDED, _AGAIN = "the administrator's sign-in has ended", "run the command again"
_PAGE = "docs/identity/administrator.md"

_Ask = Callable[[PublicApplication], Result]


@dataclass(frozen=True, slots=True)
class Person:
    """Who signed in.

    Attributes:
        oid: Object id in `tenant`.
        tenant: The tenant that is administered.
        name: As the directory has it; may be empty.
        upn: The name to sign in with; may be empty.
    """

    oid: str
    tenant: str
    name: str
    upn: str


class Administrator:
    """One sign-in at one public client, while this process lives. Every call blocks."""

    def __init__(
        self,
        cloud: Cloud,
        client: tuple[str, str],
        permissions: Collection[str],
        clock: Clock,
    ) -> None:
        """Sign in at *client*: the tenant (or `ANY_TENANT`), and the application in it.

        *permissions* are Graph's delegated ones (``AgentIdUser.ReadWrite.All``), each asked
        for by its name.
        """
        self._tenant, self._client = client
        self._asked = frozenset(permissions)
        self._graph = cloud.graph
        self._scope = cloud.graph_scope
        self._clock = clock
        self._entra = Entra(
            cloud, self._tenant, clock, _unobserved, first=Hop.ADMINISTRATOR, passed=GO_ON
        )
        self._cache = msal.TokenCache()
        self._lock = threading.Lock()
        self._token: Token | None = None
        self.holds: frozenset[str] = frozenset()

    def by_browser(self, show: Callable[[str], None], timeout_s: float = TIMEOUT_S) -> Person:
        """Have *show* open a page in a browser of this machine, and wait for its answer.

        Raises:
            SignInRefused: Entra said no, nobody came in time, or the sign-in is of no use.
            Unreachable: Entra did not answer.
        """

        def ask(application: PublicApplication) -> Result:
            with Receiver(show) as receiver:
                return application.acquire_token_interactive(
                    self._scopes,
                    # Whoever is signed in in the browser need not be the administrator.
                    prompt="select_account",
                    login_hint=None,
                    timeout=timeout_s,
                    port=receiver.port,
                    auth_code_receiver=receiver,
                )

        return self._sign_in(ask, by_code=False)

    def by_code(self, show: Callable[[str, str], None]) -> Person:
        """Have *show* tell a page's address and the code to type there, and wait for it.

        Raises:
            SignInRefused: As `by_browser` does; also when the tenant allows no device codes.
            Unreachable: As `by_browser` does.
        """

        def ask(application: PublicApplication) -> Result:
            flow = application.initiate_device_flow(self._scopes)
            show(_text(flow, "verification_uri"), _text(flow, "user_code"))
            return application.acquire_token_by_device_flow(flow)

        return self._sign_in(ask, by_code=True)

    def token(self) -> Token:
        """Give a token of whoever signed in, a fresh one where the last is about to end.

        Raises:
            SignedOut: Nobody has signed in, or the sign-in has ended meanwhile.
            HopRefused: Entra said no.
            Unreachable: Entra did not answer.
        """
        with self._lock:
            if self._token is None:
                raise SignedOut("no administrator has signed in", hint=_AGAIN)
            if is_due(self._token, self._clock.time()):
                self._token = self._renewed()
            return self._token

    @property
    def _scopes(self) -> list[str]:
        return [f"{self._graph}/{name}" for name in sorted(self._asked)]

    def _renewed(self) -> Token:
        with reached():
            application = self._entra.public_application(self._client, self._cache)
            try:
                return self._entra.asked(
                    Hop.ADMINISTRATOR, self._scope, lambda: self._again(application)
                )
            except HopRefused as error:
                if not must_sign_in(error.code):
                    raise
                raise SignedOut(f"{_ENDED} ({error.code})", hint=_AGAIN) from None

    def _again(self, application: PublicApplication) -> Result:
        for account in application.get_accounts():
            granted = application.acquire_token_silent_with_error(
                self._scopes, account, force_refresh=True, claims_challenge=None
            )
            if granted:
                return granted
        raise SignedOut(_ENDED, hint=_AGAIN)

    def _sign_in(self, ask: _Ask, *, by_code: bool) -> Person:
        with reached():
            application = self._entra.public_application(self._client, self._cache)
            result = _asked(lambda: ask(application), by_code=by_code)
            person = self._person(result)
            self.holds = held(result)
            self._refuse_shut_out()
            with self._lock:
                self._token = self._entra.asked(Hop.ADMINISTRATOR, self._scope, lambda: result)
        return person

    def _person(self, result: Result) -> Person:
        claims = cast("Mapping[str, object]", result.get("id_token_claims") or {})
        person = Person(
            oid=_text(claims, "oid").lower(),
            tenant=_text(claims, "tid").lower(),
            name=str(claims.get("name") or ""),
            upn=str(claims.get("preferred_username") or ""),
        )
        if self._tenant not in {ANY_TENANT, person.tenant}:
            raise SignInRefused(
                "that account is not one of the tenant",
                hint="sign in with an administrator of it; or correct tenant",
            )
        return person

    def _refuse_shut_out(self) -> None:
        names = shut_out(self._asked, self.holds)
        if names:
            raise SignInRefused(
                f"the sign-in holds {' and '.join(names)}, with which Graph refuses everything "
                "about agents",
                hint=f"take that permission off the application {self._client}, or name another "
                f"application as admin_client: {_PAGE}#the-application-to-sign-in-at",
            )


def _asked(ask: Callable[[], Result], *, by_code: bool) -> Result:
    try:
        result = ask()
    except Said as said:
        raise _refused(said.code, by_code=by_code) from None
    except HopRefused as refusal:
        raise _refused(refusal.code, by_code=by_code) from None
    except RuntimeError:
        # msal's for both; what it says of an ID token is that token's claims.
        raise SignInRefused(
            "nobody signed in in time, or the answer was not for us",
            hint="run the command once more; with --device-code where no browser opens",
        ) from None
    if "access_token" not in result:
        told = code_in(str(result.get("error_description", "")))
        raise _refused(told or str(result.get("error")), by_code=by_code)
    return result


def _refused(code: str, *, by_code: bool) -> SignInRefused:
    hint = sign_in_hint(code, by_code=by_code, hop=Hop.ADMINISTRATOR)
    return SignInRefused(f"Entra refused it ({code})", hint=hint, code=code)


def _text(document: Mapping[str, object], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} is missing from Entra's answer")
    return value


def _unobserved(timing: HopTiming) -> None:
    del timing
