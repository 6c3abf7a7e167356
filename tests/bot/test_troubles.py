"""Every row of docs/identity/troubles.md is provoked, and said in the page's own words."""

import re
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import aiohttp
import pytest
from aiohttp import web

from bot.stage import PROFILE, Stage
from bot.troubles import calling, credential, rows, troubles
from entraclaw.bot import openid
from entraclaw.bot.daemon import Daemon
from entraclaw.identity import session
from entraclaw.identity.keys import Binding
from entraclaw.identity.keys.file import UnsafeFileKeyStore
from identity.proxies import proxying
from identity.stranger import Authority, strangers
from identity.tenant import closed_port

GRAPH, CHANNEL = "https://graph.microsoft.com", "5a807f24-c9de-44ee-a3a7-329e88a00ffc"
ELSEWHERE = "c2b8a0f4-93d7-4e0c-8f36-7d1e6b4a9f22"  # where Mallory lives
NOBODY = "00000000-1111-4222-8333-444444444444"

ENTRA = rows("Entra says no")
PROFILE_ROWS = rows("The profile does not fit")
LINE = rows("Entra is not reached")

Change: TypeAlias = Callable[[Stage], Awaitable[object]]


def changed(**changes: object) -> Change:
    """Change the agent in its tenant."""
    return lambda stage: stage.control("PUT", f"agents/{stage.agent.user}", changes)


def spoilt(**fault: object) -> Change:
    """Have Entra answer this agent in another way."""

    def spoil(stage: Stage) -> Awaitable[object]:
        return stage.control(
            "PUT", "entra-faults", {"faults": [{"agent": stage.agent.user, **fault}]}
        )

    return spoil


def set_to(**changes: str) -> Change:
    """Write other settings into the profile."""

    async def write(stage: Stage) -> None:
        path = stage.folder / "config.toml"
        text = path.read_text(encoding="utf-8")
        for name, value in changes.items():
            text = re.sub(rf'^{name} = ".*"$', f'{name} = "{value}"', text, flags=re.MULTILINE)
        path.write_text(text, encoding="utf-8")

    return write


def keyed(made: datetime | None = None, tenant: str = "", login: str = "") -> Change:
    """Put another key in the place of the profile's, made at another time, or for elsewhere."""

    async def replace(stage: Stage) -> None:
        store = UnsafeFileKeyStore(stage.folder / "keys", lambda: made or datetime.now(UTC))
        store.delete(PROFILE)
        cloud = stage.settings().cloud
        store.create(PROFILE, Binding(login or cloud.login, tenant or stage.agent.tenant))

    return replace


def unkeyed(left: str = "") -> Change:
    """Take the key away, and leave what it says in its place."""

    async def remove(stage: Stage) -> None:
        key = stage.folder / "keys" / f"{PROFILE}.key"
        if left:
            key.write_text(left, encoding="ascii")
        else:
            key.unlink()

    return remove


def for_tenant(tenant: str) -> Change:
    """Say of the whole profile, its key too, that it is for *tenant*."""

    async def change(stage: Stage) -> None:
        await set_to(tenant=tenant)(stage)
        await keyed(tenant=tenant)(stage)

    return change


async def lead_to(stage: Stage, login: str) -> None:
    """Have the profile's cloud be one whose Entra is at *login*."""
    text = stage.sandbox.cloud.read_text(encoding="utf-8")
    path = stage.folder / "cloud.toml"
    path.write_text(
        re.sub(r"^(login +)= .*$", rf'\1= "{login}"', text, flags=re.MULTILINE), encoding="utf-8"
    )
    await set_to(cloud=str(path))(stage)
    await keyed(login=login)(stage)


@asynccontextmanager
async def healed(stage: Stage) -> AsyncGenerator[None]:
    """Put the tenant right afterwards: others use it too."""
    try:
        yield
    finally:
        await moved(0)(stage)
        await stage.control("PUT", "entra-faults", {"faults": []})


def moved(ahead_s: float) -> Change:
    """Set Entra's clock."""
    return lambda stage: stage.control("PUT", "clock", {"ahead_s": ahead_s})


REFUSALS: dict[str, Change] = {
    "consent was revoked": changed(grants={GRAPH: [], CHANNEL: []}),
    "the agent user is disabled": changed(enabled=False),
    "the agent user was deleted": spoilt(hop="user", code=50034),
    "the agent identity is disabled": changed(identity_enabled=False),
    "the blueprint is disabled": changed(blueprint_enabled=False),
    "a policy blocks the agent": changed(blocked=53003),
    "a policy asks for a compliant device": changed(blocked=53000),
    "the licence is gone": spoilt(hop="user", code=500011),
    "Entra throttles the tenant": spoilt(status=429, retry_after=120),
    "Entra answers with a page": spoilt(html=True, status=200),
}


@pytest.mark.parametrize("wrong", REFUSALS)
async def test_refusal_is_told_by_status_and_tool_and_changes_no_credential(
    stage: Stage, wrong: str
) -> None:
    before = credential(stage)
    async with healed(stage), stage.daemon(seat=""), calling(stage) as host:
        await stage.say("hello")
        turn = await host.turn()
        await REFUSALS[wrong](stage)
        await stage.control("POST", f"agents/{stage.agent.user}/revocations")

        ENTRA[wrong].check_refusal(await host.refusal("reply", turn=turn, text="hi"))
        for trouble in await troubles(stage):
            ENTRA[wrong].check(trouble)
        assert await stage.answers() == []
    assert credential(stage) == before


UNFIT: dict[str, Change] = {
    "this machine's clock is 10 minutes behind": moved(600),
    "this machine's clock is 10 minutes ahead": moved(-600),
    "`tenant` is another one": set_to(tenant=ELSEWHERE),
    "there is no such tenant in this cloud": for_tenant(NOBODY),
    "`blueprint` is another application": set_to(blueprint=NOBODY),
    "`agent` is another's": set_to(agent=NOBODY),
    "`user` is another's": set_to(user=NOBODY),
    "the certificate is not registered": keyed(),
    "the certificate has ended": keyed(made=datetime.now(UTC) - timedelta(days=400)),
    "the certificate begins later": keyed(made=datetime.now(UTC) + timedelta(days=1)),
    "the key is gone": unkeyed(),
    "the key is damaged": unkeyed("{"),
}


@pytest.mark.parametrize("wrong", UNFIT)
async def test_profile_that_does_not_fit_is_told_by_status_and_stays_as_it_is(
    stage: Stage, wrong: str
) -> None:
    async with healed(stage):
        await UNFIT[wrong](stage)
        before = credential(stage)
        async with stage.daemon():
            for trouble in await troubles(stage):
                PROFILE_ROWS[wrong].check(trouble)
        assert credential(stage) == before


@asynccontextmanager
async def nobody_knows_it() -> AsyncGenerator[str]:
    yield "https://login.invalid"


@asynccontextmanager
async def nobody_listens() -> AsyncGenerator[str]:
    yield f"https://localhost:{closed_port()}"


@asynccontextmanager
async def silence() -> AsyncGenerator[str]:
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as silent:
        patch.setattr(session, "_CONNECT_S", 0.2)
        patch.setattr(openid, "_TIMEOUT", aiohttp.ClientTimeout(total=0.2))  # it is asked first
        yield f"https://127.0.0.1:{silent.getsockname()[1]}"


@asynccontextmanager
async def proxy_that_asks_who_we_are() -> AsyncGenerator[str]:
    async with behind_proxy(None) as url:
        yield url


@asynccontextmanager
async def proxy_that_is_gone() -> AsyncGenerator[str]:
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
        yield "https://login.example"


@asynccontextmanager
async def proxy_that_looks_in() -> AsyncGenerator[str]:
    with TemporaryDirectory() as folder:
        authority = Authority(Path(folder), "login.example")
        async with strangers(authority) as start:
            entra = await start(never)
            async with behind_proxy(int(entra.url.rpartition(":")[2])) as url:
                yield url
            assert entra.asked == []


@asynccontextmanager
async def behind_proxy(port: int | None) -> AsyncGenerator[str]:
    async with proxying(port) as proxy:
        with pytest.MonkeyPatch.context() as environ:
            environ.setenv("HTTPS_PROXY", proxy.url)
            yield "https://login.example"
        assert set(proxy.asked) == {"login.example:443"}


async def never(_request: web.Request) -> web.Response:
    raise AssertionError("nothing is sent to whom nobody trusts")


UNREACHED: dict[str, Callable[[], AbstractAsyncContextManager[str]]] = {
    "the name of the login host is not known": nobody_knows_it,
    "nobody listens there": nobody_listens,
    "nothing is answered": silence,
    "a proxy asks who we are": proxy_that_asks_who_we_are,
    "the proxy is not there": proxy_that_is_gone,
    "a proxy looks into the traffic": proxy_that_looks_in,
}


@pytest.mark.parametrize("wrong", UNREACHED)
async def test_entra_that_is_not_reached_is_told_by_status_and_the_profile_stays_as_it_is(
    stage: Stage, wrong: str
) -> None:
    async with UNREACHED[wrong]() as login:
        await lead_to(stage, login)
        before = credential(stage)
        async with Daemon.running(stage.settings()):
            for trouble in await troubles(stage):
                LINE[wrong].check(trouble)
        assert credential(stage) == before


@pytest.mark.parametrize(
    ("told", "provoked"), [(ENTRA, REFUSALS), (PROFILE_ROWS, UNFIT), (LINE, UNREACHED)]
)
def test_every_row_of_the_page_is_provoked_here(
    told: Iterable[str], provoked: Iterable[str]
) -> None:
    assert list(told) == list(provoked)
