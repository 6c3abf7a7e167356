"""Lead whoever may not allow what a command asks for to the page where somebody else does."""

from collections.abc import Collection, Generator
from contextlib import contextmanager

from entraclaw.bot.settings import Settings
from entraclaw.errors import SignInRefused
from entraclaw.identity.provisioning.consent import consent_page
from entraclaw.identity.refusals import NEEDS_ADMINISTRATOR

_BACK = "http://localhost"  # where every client for terminals may be led back to


@contextmanager
def led_to_consent(
    settings: Settings, tenant: str, permissions: Collection[str]
) -> Generator[None]:
    """Say, where a sign-in needs an administrator's consent first, which page gives it.

    Raises:
        SignInRefused: It does.
    """
    try:
        yield
    except SignInRefused as refused:
        if refused.code not in NEEDS_ADMINISTRATOR:
            raise
        scopes = [(settings.cloud.graph, name) for name in permissions]
        client = settings.admin_client
        page = consent_page(settings.cloud, tenant, client, scopes, settings.profile, back=_BACK)
        raise SignInRefused(
            f"an administrator must allow, once, what this asks of Graph ({refused.code})",
            hint=f"they open this page, then run the same command again: {page}",
            code=refused.code,
        ) from None
