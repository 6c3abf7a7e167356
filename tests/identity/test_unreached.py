"""What is said when nobody could be asked: each real cause, and its cure."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import requests
from aiohttp import web

from entraclaw.errors import Unreachable
from entraclaw.identity.proxy import proxy_of
from entraclaw.identity.session import EntraSession
from entraclaw.identity.unreached import unreached
from identity.proxies import proxying
from identity.stranger import Authority, Strange, strangers
from identity.tenant import closed_port

BOUND_S = 30.0
LOGIN = "https://login.example"
ENDPOINT = f"{LOGIN}/t/oauth2/v2.0/token"


async def ok(_request: web.Request) -> web.Response:
    document = {"token_endpoint": ENDPOINT, "authorization_endpoint": f"{LOGIN}/t"}
    return web.json_response(document)


async def said(url: str, *, trusted: Path | None = None, timeout_s: float = BOUND_S) -> str:
    """Ask, in vain; gives what is said, and its cure."""

    def ask() -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.get(url, verify=str(trusted) if trusted else True, timeout=timeout_s)

    with pytest.raises(requests.RequestException) as failure:
        await asyncio.to_thread(ask)
    error = unreached("Entra", failure.value)
    assert "docs/identity/troubles.md" in error.hint
    return f"{error}: {error.hint}"


async def test_authority_that_nobody_here_trusts_is_the_cause(strange: Strange) -> None:
    told = await said((await strange(ok)).url)

    assert "(its certificate is not signed by an authority this machine trusts)" in told
    assert "name its authority as tls_ca" in told


async def test_certificate_that_has_ended_is_the_cause(tmp_path: Path) -> None:
    authority = Authority(tmp_path, ends=datetime.now(UTC) - timedelta(days=1))
    async with strangers(authority) as start:
        told = await said((await start(ok)).url, trusted=authority.bundle)

    assert "(its certificate is not good: certificate has expired)" in told
    assert "clock" in told


async def test_what_speaks_no_tls_is_the_cause() -> None:
    async with plain(lambda writer: writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        told = await said(f"https://127.0.0.1:{port}")

    assert "(it does not speak TLS as it should)" in told


async def test_silence_is_the_cause() -> None:
    async with plain(lambda _writer: None) as port:
        told = await said(f"http://127.0.0.1:{port}", timeout_s=0.1)

    assert "(it does not answer in time)" in told


async def test_name_that_nobody_knows_is_the_cause() -> None:
    assert "(its name is not known here)" in await said("https://login.invalid")


async def test_closed_port_is_the_cause() -> None:
    told = await said(f"https://127.0.0.1:{closed_port()}")

    assert "(nobody answers there, or the line breaks off)" in told
    assert "HTTPS_PROXY" in told


def test_failure_of_another_kind_is_named() -> None:
    assert "(OSError)" in str(unreached("Entra", OSError()))
    assert "TLS" in str(unreached("Entra", requests.exceptions.SSLError()))


@asynccontextmanager
async def plain(answer: Callable[[asyncio.StreamWriter], None]) -> AsyncGenerator[int]:
    """Listen without TLS, and answer the first bytes that come."""
    writers: list[asyncio.StreamWriter] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.read(1)
        answer(writer)

    server = await asyncio.start_server(take, "127.0.0.1", 0, family=socket.AF_INET)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for writer in writers:
            writer.close()


@pytest.mark.parametrize(
    ("login", "no_proxy", "expected"),
    [
        (LOGIN, "", "http://proxy.example:8080"),
        (LOGIN, "login.example", None),
        (LOGIN, "*", None),
        ("https://localhost:4433", "", None),
        ("https://127.0.0.1:4433", "", None),
        ("https://[::1]:4433", "", None),
    ],
)
def test_proxy_is_the_one_of_the_environment_and_none_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, login: str, no_proxy: str, expected: str | None
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:8080")
    monkeypatch.setenv("NO_PROXY", no_proxy)

    assert proxy_of(login) == expected


async def test_entra_is_asked_through_the_proxy_that_leads_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = Authority(tmp_path, "login.example")
    async with strangers(authority) as start:
        entra = await start(ok)
        async with proxying(int(entra.url.rpartition(":")[2])) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            with EntraSession(ENDPOINT, str(authority.bundle), lambda: 0.0) as session:
                await asyncio.to_thread(session.get, f"{LOGIN}/t")

        assert proxy.asked == ["login.example:443"]
        assert entra.asked == ["GET /t"]


async def test_proxy_that_asks_who_we_are_is_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    async with proxying(None) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with (
            EntraSession(ENDPOINT, "", lambda: 0.0) as session,
            pytest.raises(Unreachable, match="the proxy on the way refuses") as refusal,
        ):
            await asyncio.to_thread(session.get, f"{LOGIN}/t")
        async with aiohttp.ClientSession(proxy=proxy.url) as calls:
            with pytest.raises(aiohttp.ClientHttpProxyError):
                await calls.get(LOGIN)

    assert "HTTPS_PROXY" in refusal.value.hint


async def test_bundle_of_the_environment_does_not_say_whom_entra_is_signed_by(
    monkeypatch: pytest.MonkeyPatch, strange: Strange, authority: Authority
) -> None:
    """Ours: whoever may set a variable must not read tokens by it."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    entra = await strange(ok)

    with (
        EntraSession(ENDPOINT, "", lambda: 0.0) as session,
        pytest.raises(Unreachable, match="not signed by an authority"),
    ):
        await asyncio.to_thread(session.get, f"{entra.url}/t")
    assert entra.asked == []
