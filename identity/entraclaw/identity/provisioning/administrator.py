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
from entraclaw.identity.person_asked import (
    GO_ON,
    TIMEOUT_S,
    answered,
    by_browser,
    by_code,
    refused,
    text,
    unobserved,
)
from entraclaw.identity.provisioning.admin_claims import held, shut_out
from entraclaw.identity.refusals import must_sign_in
from entraclaw.identity.values import Hop, Token

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
            cloud, self._tenant, clock, unobserved, first=Hop.ADMINISTRATOR, passed=GO_ON
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
            return by_browser(application, self._scopes, show, timeout_s)

        return self._sign_in(ask, is_code=False)

    def by_code(self, show: Callable[[str, str], None]) -> Person:
        """Have *show* tell a page's address and the code to type there, and wait for it.

        Raises:
            SignInRefused: As `by_browser` does; also when the tenant allows no device codes.
            Unreachable: As `by_browser` does.
        """

        def ask(application: PublicApplication) -> Result:
            return by_code(application, self._scopes, show)

        return self._sign_in(ask, is_code=True)

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

    def _sign_in(self, ask: _Ask, *, is_code: bool) -> Person:
        with reached():
            application = self._entra.public_application(self._client, self._cache)
            result = _asked(lambda: ask(application), is_code=is_code)
            person = self._person(result)
            self.holds = held(result)
            self._refuse_shut_out()
            with self._lock:
                self._token = self._entra.asked(Hop.ADMINISTRATOR, self._scope, lambda: result)
        return person

    def _person(self, result: Result) -> Person:
        claims = cast("Mapping[str, object]", result.get("id_token_claims") or {})
        person = Person(
            oid=text(claims, "oid").lower(),
            tenant=text(claims, "tid").lower(),
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


def _asked(ask: Callable[[], Result], *, is_code: bool) -> Result:
    again = "run the command once more; with --device-code where no browser opens"
    try:
        return answered(ask, Hop.ADMINISTRATOR, by_code=is_code, again=again)
    except HopRefused as refusal:
        raise refused(refusal.code, Hop.ADMINISTRATOR, by_code=is_code) from None
