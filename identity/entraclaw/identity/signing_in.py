"""Sign a person in: by a browser on this machine, or by a code typed in one elsewhere.

The steps are msal's (PKCE, state, nonce, polling). Here is who may: an account of the
profile's own tenant, and once somebody is signed in nobody but the same person.

Contract, with sources: docs/identity/delegated.md
"""

from collections.abc import Callable, Mapping
from typing import cast

from entraclaw.errors import KeyUnavailable, SignInRefused
from entraclaw.identity.cloud import Cloud
from entraclaw.identity.delegated import LastingCache, scopes
from entraclaw.identity.entra import Clock, Entra, PublicApplication, Result, reached
from entraclaw.identity.person_asked import (
    GO_ON,
    TIMEOUT_S,
    answered,
    by_browser,
    by_code,
    text,
    unobserved,
)
from entraclaw.identity.sign_in_file import Account, SignIn, SignInFile
from entraclaw.identity.values import Hop

_AGAIN = "`entraclaw sign-in` once more; `--device-code` where no browser opens"

_Ask = Callable[[PublicApplication, str | None], Result]


class SigningIn:
    """Signs somebody in at one public client, for one profile."""

    def __init__(
        self, file: SignInFile, cloud: Cloud, client: tuple[str, str], clock: Clock
    ) -> None:
        """Leave in *file* what a sign-in gives at *client* (the tenant, and the client in it)."""
        self._tenant, self._client = client
        self._file, self._clock = file, clock
        self._scopes = scopes(cloud)
        self._entra = Entra(cloud, self._tenant, clock, unobserved, first=Hop.PERSON, passed=GO_ON)

    def by_browser(self, show: Callable[[str], None], timeout_s: float = TIMEOUT_S) -> Account:
        """Have *show* open a page in a browser of this machine, and wait for its answer.

        Raises:
            SignInRefused: Entra said no, it is another person, or nobody came in time.
            SignInUnreadable: What is kept of an earlier sign-in cannot be opened.
            KeyUnavailable: A sign-in cannot be kept here.
            Unreachable: Entra did not answer.
        """

        def ask(application: PublicApplication, hint: str | None) -> Result:
            return by_browser(application, self._scopes, show, timeout_s, hint)

        return self._sign_in(ask, is_code=False)

    def by_code(self, show: Callable[[str, str], None]) -> Account:
        """Have *show* tell a page's address and the code to type there, and wait for it.

        Raises:
            SignInRefused: As `by_browser` does; also when the tenant allows no device codes.
            SignInUnreadable: As `by_browser` does.
            KeyUnavailable: As `by_browser` does.
            Unreachable: As `by_browser` does.
        """

        def ask(application: PublicApplication, hint: str | None) -> Result:
            del hint  # there is no place for it
            return by_code(application, self._scopes, show)

        return self._sign_in(ask, is_code=True)

    def _sign_in(self, ask: _Ask, *, is_code: bool) -> Account:
        reason = self._file.unavailable()
        if reason is not None:
            raise KeyUnavailable(
                f"a sign-in cannot be kept here: {reason}",
                hint="unlock the system's keyring: docs/identity/delegated.md says what is needed",
            )
        before, cache = self._file.read(), LastingCache()
        with reached():
            application = self._entra.public_application(self._client, cache)
            result = answered(
                lambda: ask(application, before.account.upn if before else None),
                Hop.PERSON,
                by_code=is_code,
                again=_AGAIN,
            )
            account = self._account(result, application)
        with self._file.changing():
            self._refuse_another(account)
            self._file.write(SignIn(account, str(cache.serialize())))
        return account

    def _account(self, result: Result, application: PublicApplication) -> Account:
        claims = cast("Mapping[str, object]", result.get("id_token_claims") or {})
        account = Account(
            oid=text(claims, "oid").lower(),
            name=str(claims.get("name") or ""),
            upn=str(claims.get("preferred_username") or ""),
            since=self._clock.time(),
        )
        homes = [one["home_account_id"].lower() for one in application.get_accounts()]
        if homes != [f"{account.oid}.{self._tenant}"] or claims.get("tid") != self._tenant:
            raise SignInRefused(
                "that account is not one of the profile's own tenant",
                hint="sign in with an account of it, not as a guest; or correct tenant",
            )
        return account

    def _refuse_another(self, account: Account) -> None:
        held = self._file.read()
        if held is not None and held.account.oid != account.oid:
            raise SignInRefused(
                f"this profile acts for somebody else ({held.account.upn})",
                hint="`entraclaw sign-out` first, if it is to act for another person",
            )
