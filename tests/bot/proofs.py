"""Ask for what widens power, by hand over the local socket, and wait for what comes of it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from bot.asking import Line, connected
from bot.stage import Stage, until
from entraclaw.bot.access_file import AccessFile
from entraclaw.bot.daemon import Daemon
from entraclaw.bot.inbox import State
from entraclaw.bot.notices import Notice
from entraclaw.bot.proof import Request

TENANT = "6f1d5c1e-0b7a-4c55-9a41-3c0f5a2b7d10"
JOAN = f"{TENANT}/c0c0c0c0-3333-4333-8333-cccccccccccc"
MARY = f"{TENANT}/d0d0d0d0-4444-4444-8444-dddddddddddd"


@asynccontextmanager
async def asking(stage: Stage, **asked: object) -> AsyncGenerator[Line]:
    """Ask as `entraclaw access allow` does; the end of the body hangs up."""
    request = {"verb": "widen", "change": "access", "do": "allow", "person": JOAN, **asked}
    async with connected(stage.folder, "do -") as line:
        await line.say(request)
        yield line


@asynccontextmanager
async def asked(stage: Stage, person: str = JOAN) -> AsyncGenerator[tuple[Line, str]]:
    """Ask, and be told the code."""
    async with asking(stage, person=person) as line:
        told = (await line.hear())["asked"]
        assert person in told["what"]
        yield line, told["code"]


def allowed(stage: Stage) -> set[str]:
    return {"/".join(account) for account in AccessFile(stage.folder).load().allowed}


def waiting(daemon: Daemon) -> tuple[Request, ...]:
    assert daemon.agency is not None
    return daemon.agency.proving.open


async def said(stage: Stage, *texts: str) -> None:
    """Wait until the agent has said all of *texts*, or something that begins so."""

    async def are() -> bool:
        told = [one["text"] for one in await stage.answers()]
        return all(any(one.startswith(text) for one in told) for text in texts)

    await until(are)


async def decided(stage: Stage, number: int) -> None:
    async def are() -> bool:
        states = [entry.state for entry in stage.entries()]
        return len(states) == number and State.ADMITTED not in states

    await until(are)


@asynccontextmanager
async def known(stage: Stage) -> AsyncGenerator[Daemon]:
    """A daemon that knows Ada's 1:1, since she wrote there before."""
    async with stage.daemon() as daemon:
        await stage.say("stop")
        await said(stage, Notice.NOTHING)
        yield daemon


async def shown(daemon: Daemon, number: int = 1) -> None:
    """Wait until some sponsor was shown *number* requests."""

    async def are() -> bool:
        return sum(bool(one.shown) for one in waiting(daemon)) == number

    await until(are)


async def confirm(stage: Stage, daemon: Daemon) -> None:
    """Have Ada confirm the one change that is asked for, as often as she must write it."""

    async def is_asked() -> bool:
        return len(waiting(daemon)) == 1

    await until(is_asked)
    [request] = waiting(daemon)
    await stage.say(f"confirm {request.code}")

    async def is_shown() -> bool:
        return all(one.shown for one in waiting(daemon))

    await until(is_shown)
    if waiting(daemon):
        await stage.say(f"confirm {request.code}")
