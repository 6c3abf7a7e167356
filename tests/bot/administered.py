"""Type an administrator's commands in this process, with a browser that is a person."""

import asyncio
import webbrowser
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from functools import partial

import pytest

from bot.lending import authority
from bot.stage import PROFILE, Stage, until
from bot.typed import Said, typing
from entraclaw.bot.daemon import Daemon
from sandbox.person import Person

Administer = Callable[..., Awaitable[Said]]


@contextmanager
def administering(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Generator[Administer]:
    """Give what types a command; whoever ``person`` names signs in for it, Ada else."""
    browser = Person(authority(stage))
    typed = typing(stage.home, monkeypatch, capsys, PROFILE)
    monkeypatch.setenv("BROWSER", "a person")

    async def run(*words: str, person: str = "ada") -> Said:
        def opened(address: str) -> bool:
            browser.sign_in(address, person)
            return True

        monkeypatch.setattr(webbrowser, "open", opened)
        return await asyncio.to_thread(partial(typed, *words))

    yield run
    browser.close()


async def confirmed(stage: Stage, daemon: Daemon, person: str = "ada") -> str:
    """Confirm the one change that waits, in *person*'s own chat; gives what was asked."""
    agency = daemon.agency
    assert agency is not None

    async def is_shown() -> bool:
        return any(request.shown for request in agency.proving.open)

    await until(is_shown)
    [request] = agency.proving.open
    await stage.say(f"confirm {request.code}", person=person)
    return request.what


async def appointed(stage: Stage, person: str, *roles: str) -> None:
    """Give *person* these directory roles and no others."""
    await stage.control("PUT", f"people/{person}/roles", {"roles": list(roles)})
