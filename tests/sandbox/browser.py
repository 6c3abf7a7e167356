"""A headless Chromium, driven over its DevTools protocol with what is here already.

Contract: https://chromedevtools.github.io/devtools-protocol/
"""

import asyncio
import base64
import itertools
import json
import re
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp

Json: TypeAlias = dict[str, Any]

BOUND_S = 30.0
ALT, SHIFT = 1, 8

# Chromium's own traffic is turned off, so that whatever leaves was sent by a page.
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)

KEYS = {"Enter": 13, "Tab": 9, "Escape": 27, "Backspace": 8, "ArrowDown": 40, "ArrowUp": 38}


def chromium() -> str | None:
    """Find a Chromium on this machine."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


class Tab:
    """One page; *problems* are its errors so far, *requests* the addresses it asked for."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._session = socket, ""
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Json]] = {}
        self.problems: list[str] = []
        self.requests: list[str] = []

    async def attach(self) -> None:
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.call(f"{domain}.enable")

    async def listen(self) -> None:
        async for frame in self._socket:
            told: Json = json.loads(frame.data)
            if "id" in told:
                self._asked.pop(told["id"]).set_result(told)
            else:
                self._note(told["method"], told["params"])

    async def call(self, method: str, **params: object) -> Json:
        number = next(self._numbers)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        frame: Json = {"id": number, "method": method, "params": params}
        await self._socket.send_json(
            frame | ({"sessionId": self._session} if self._session else {})
        )
        told = await asyncio.wait_for(answer, BOUND_S)
        assert "error" not in told, told
        result: Json = told["result"]
        return result

    async def open(self, url: str) -> None:
        await self.call("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def read(self, script: str) -> Any:  # noqa: ANN401  # whatever the script says
        """Evaluate *script* in the page, a promise included."""
        answer = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until *script* is true, looking once a frame."""
        look = f"done => {{ const look = () => ({script}) ? done() : requestAnimationFrame(look);"
        await self.read(f"new Promise({look} look(); }})")

    async def press(self, key: str, modifiers: int = 0) -> None:
        """Press and let go of one key."""
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 and not modifiers & ALT else "")
        code = f"Digit{key}" if key.isdigit() else key if key in KEYS else ""
        event: Json = {"key": key, "code": code, "modifiers": modifiers}
        # A code that is not the key's own would be another key: that of "." is Delete's.
        alphanumeric = len(key) == 1 and key.isalnum()
        event["windowsVirtualKeyCode"] = ord(key.upper()) if alphanumeric else KEYS.get(key, 0)
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **event)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    async def type(self, text: str) -> None:
        for character in text:
            await self.press(character)

    async def look(self, *, width: int, height: int, dark: bool = False, scale: int = 2) -> None:
        """Give the page a size and a colour scheme."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])

    async def shoot(self, path: Path) -> None:
        """Write what is seen as a PNG."""
        moving = (
            "document.getAnimations().some(a => isFinite(a.effect.getComputedTiming().endTime))"
        )
        await self.until(f"!({moving})")
        shot = await self.call("Page.captureScreenshot", format="png")
        await asyncio.to_thread(path.write_bytes, base64.b64decode(shot["data"]))

    def _note(self, method: str, params: Json) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown" or (
            method == "Runtime.consoleAPICalled" and params["type"] in {"error", "warning"}
        ):
            self.problems.append(json.dumps(params)[:500])
        elif method == "Log.entryAdded" and params["entry"]["level"] in {"error", "warning"}:
            self.problems.append(params["entry"]["text"])


@asynccontextmanager
async def browser(profile: Path) -> AsyncGenerator[Tab]:
    """Run a Chromium with its files in *profile* until the block ends."""
    program = chromium()
    assert program is not None
    process = await asyncio.create_subprocess_exec(
        program,
        *FLAGS,
        f"--user-data-dir={profile}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(BOUND_S):
            url = await _address(process)
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, max_msg_size=0) as ws,
        ):
            tab = Tab(ws)
            listening = asyncio.create_task(tab.listen())
            await tab.attach()
            yield tab
            listening.cancel()
    finally:
        process.terminate()
        await asyncio.wait_for(process.communicate(), BOUND_S)


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async for line in process.stderr:
        if found := re.search(rb"DevTools listening on (ws://\S+)", line):
            return found[1].decode()
    raise AssertionError("Chromium ended before it listened")
