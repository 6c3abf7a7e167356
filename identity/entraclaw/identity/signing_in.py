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
from entraclaw.identity.loopback import Receiver
from entraclaw.identity.refusals import Said, code_in, sign_in_hint
from entraclaw.identity.sign_in_file import Account, SignIn, SignInFile
from entraclaw.identity.values import Hop, HopTiming

TIMEOUT_S = 300.0  # how long a person has for the page

# RFC 8628 section 3.5: msal goes on after these.
GO_ON = frozenset({"authorization_pending", "slow_down"})

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
        self._entra = Entra(cloud, self._tenant, clock, _unobserved, first=Hop.PERSON, passed=GO_ON)

    def by_browser(self, show: Callable[[str], None], timeout_s: float = TIMEOUT_S) -> Account:
        """Have *show* open a page in a browser of this machine, and wait for its answer.

        Raises:
            SignInRefused: Entra said no, it is another person, or nobody came in time.
            SignInUnreadable: What is kept of an earlier sign-in cannot be opened.
            KeyUnavailable: A sign-in cannot be kept here.
            Unreachable: Entra did not answer.
        """

        def ask(application: PublicApplication, hint: str | None) -> Result:
            with Receiver(show) as receiver:
                return application.acquire_token_interactive(
                    self._scopes,
                    # Whoever is signed in in the browser is not taken without a word.
                    prompt=None if hint else "select_account",
                    login_hint=hint,
                    timeout=timeout_s,
                    port=receiver.port,
                    auth_code_receiver=receiver,
                )

        return self._sign_in(ask, by_code=False)

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
            flow = application.initiate_device_flow(self._scopes)
            show(_text(flow, "verification_uri"), _text(flow, "user_code"))
            return application.acquire_token_by_device_flow(flow)

        return self._sign_in(ask, by_code=True)

    def _sign_in(self, ask: _Ask, *, by_code: bool) -> Account:
        reason = self._file.unavailable()
        if reason is not None:
            raise KeyUnavailable(
                f"a sign-in cannot be kept here: {reason}",
                hint="unlock the system's keyring: docs/identity/delegated.md says what is needed",
            )
        before, cache = self._file.read(), LastingCache()
        with reached():
            application = self._entra.public_application(self._client, cache)
            result = self._asked(
                lambda: ask(application, before.account.upn if before else None), by_code=by_code
            )
            account = self._account(result, application)
        with self._file.changing():
            self._refuse_another(account)
            self._file.write(SignIn(account, str(cache.serialize())))
        return account

    def _asked(self, ask: Callable[[], Result], *, by_code: bool) -> Result:
        try:
            result = ask()
        except Said as said:
            raise _refused(said.code, by_code=by_code) from None
        except RuntimeError:
            # msal's for both; what it says of an ID token is that token's claims.
            raise SignInRefused(
                "nobody signed in in time, or the answer was not for us",
                hint="`entraclaw sign-in` once more; `--device-code` where no browser opens",
            ) from None
        if "access_token" not in result:
            told = code_in(str(result.get("error_description", "")))
            raise _refused(told or str(result.get("error")), by_code=by_code)
        return result

    def _account(self, result: Result, application: PublicApplication) -> Account:
        claims = cast("Mapping[str, object]", result.get("id_token_claims") or {})
        account = Account(
            oid=_text(claims, "oid").lower(),
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


def _refused(code: str, *, by_code: bool) -> SignInRefused:
    hint = sign_in_hint(code, by_code=by_code)
    return SignInRefused(f"Entra refused it ({code})", hint=hint, code=code)


def _text(document: Mapping[str, object], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} is missing from Entra's answer")
    return value


def _unobserved(timing: HopTiming) -> None:
    del timing
