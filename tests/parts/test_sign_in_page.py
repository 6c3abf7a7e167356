"""The sign-in page in a real browser: chosen by keyboard, led back to the application."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from entraclaw.identity.sealing import UnsafeFileSeal
from entraclaw.identity.sign_in_file import Purpose, SignInFile
from entraclaw.identity.signing_in import SigningIn
from identity.tenant import Tenant, TenantClock, emulated
from sandbox.browser import Tab, browser, chromium
from sandbox.scene import Credential

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(chromium() is None, reason="there is no chromium on this machine"),
]

BOUND_S = 20.0


@pytest.fixture
def tenant(tmp_path: Path) -> Generator[Tenant]:
    with emulated(tmp_path / "home") as tenant:
        yield tenant


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncGenerator[Tab]:
    async with browser(tmp_path / "profile") as tab:
        # The sandbox's own authority is in nobody's list.
        await tab.call("Security.setIgnoreCertificateErrors", ignore=True)
        await tab.look(width=900, height=800, scale=1)
        yield tab
        assert tab.problems == []


@pytest.fixture
def signing_in(tenant: Tenant, tmp_path: Path) -> SigningIn:
    client = str(tenant.scene.ask("POST", "clients", {"name": "Claw"})["id"])
    tenant.scene.ask("PUT", f"clients/{client}", {"device_interval_s": 1})
    purpose = Purpose("default", tenant.cloud.login, tenant.id, client)
    file = SignInFile(tmp_path / "delegated.bin", purpose, UnsafeFileSeal(tmp_path / "key"))
    return SigningIn(file, tenant.cloud, (tenant.id, client), TenantClock(tenant))


async def lands(tab: Tab, words: str) -> None:
    """Wait for the page that says *words*; a question to the page before is lost with it."""
    async with asyncio.timeout(BOUND_S):
        while True:
            with suppress(AssertionError, TimeoutError):
                async with asyncio.timeout(1):
                    if words in await tab.read("document.body ? document.body.innerText : ''"):
                        return


async def test_person_signs_in_by_keyboard_and_comes_back(
    signing_in: SigningIn, tab: Tab, tmp_path: Path
) -> None:
    shown: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    loop = asyncio.get_running_loop()

    def show(address: str) -> None:
        loop.call_soon_threadsafe(shown.set_result, address)

    waiting = asyncio.create_task(asyncio.to_thread(signing_in.by_browser, show, BOUND_S))
    await tab.open(await shown)
    assert "This is not Microsoft." in await tab.read("document.body.innerText")
    assert await tab.read("document.documentElement.scrollWidth") <= 900
    await tab.shoot(tmp_path / "sign-in-light.png")
    await tab.look(width=900, height=800, dark=True, scale=1)
    assert await tab.read("getComputedStyle(document.body).backgroundColor") == "rgb(21, 21, 26)"
    await tab.shoot(tmp_path / "sign-in-dark.png")
    await tab.look(width=375, height=740, scale=1)
    assert await tab.read("document.documentElement.scrollWidth") == 375
    await tab.shoot(tmp_path / "sign-in-phone.png")

    await tab.press("Tab")
    assert await tab.read("document.activeElement.value") == "ada"
    await tab.press("Enter")
    account = await waiting

    assert account.upn == "ada@contoso.example"
    await lands(tab, "your terminal")


async def test_code_is_typed_by_keyboard(signing_in: SigningIn, tab: Tab, tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    told: asyncio.Future[tuple[str, str]] = loop.create_future()

    def show(address: str, code: str) -> None:
        loop.call_soon_threadsafe(told.set_result, (address, code))

    waiting = asyncio.create_task(asyncio.to_thread(signing_in.by_code, show))
    address, code = await told
    await tab.open(address)
    assert await tab.read("document.activeElement.name") == "user_code"
    await tab.shoot(tmp_path / "code.png")
    await tab.type(code)
    await tab.press("Enter")
    await lands(tab, "yourself, at a terminal")
    await tab.shoot(tmp_path / "code-who.png")
    await tab.press("Tab")
    await tab.press("Tab")
    await tab.press("Enter")
    await lands(tab, "That is all")
    await tab.shoot(tmp_path / "code-done.png")

    assert (await waiting).upn == "grace@contoso.example"


async def test_administrator_consents_by_keyboard(tenant: Tenant, tab: Tab, tmp_path: Path) -> None:
    agent = tenant.scene.hire(Credential.make())
    scope = "Chat.ReadWrite 5a807f24-c9de-44ee-a3a7-329e88a00ffc/AgentData.ReadWrite"
    address = (
        f"{tenant.cloud.login}/{tenant.id}/v2.0/adminconsent?client_id={agent.agent}"
        f"&scope={quote(scope)}"
    )
    for width, dark in ((900, False), (900, True), (375, True)):
        await tab.look(width=width, height=900, dark=dark, scale=1)
        await tab.open(address)
        assert await tab.read("document.documentElement.scrollWidth") <= width
        await tab.shoot(tmp_path / f"consent-{width}-{dark}.png")
    assert "This is not Microsoft." in await tab.read("document.body.innerText")

    for _ in range(2):
        await tab.press("Tab")
    assert await tab.read("document.activeElement.value") == "grace"
    await tab.press("Enter")
    await lands(tab, "has no role that may allow this")
    await tab.press("Tab")
    await tab.press("Enter")
    await lands(tab, "Claw may do what was asked")


async def test_page_of_a_stranger_gets_nothing_from_it(tenant: Tenant, tab: Tab) -> None:
    """Ours: the page cannot be shown inside another, where a click could be led astray."""
    client = str(tenant.scene.ask("POST", "clients", {"name": "Claw"})["id"])
    address = (
        f"{tenant.cloud.login}/{tenant.id}/oauth2/v2.0/authorize?client_id={client}"
        f"&redirect_uri=http://localhost&response_type=code&scope=User.Read"
        f"&code_challenge={'a' * 43}&code_challenge_method=S256"
    )
    framed = f"<iframe src={quote(address, safe=':/?&=')}></iframe>"
    await tab.open(f"data:text/html,{quote(framed)}")

    assert await tab.read("document.querySelector('iframe').contentDocument") is None
    tab.problems.clear()  # the browser says that it refused to frame it
