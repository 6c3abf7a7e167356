"""Pictures of a running sandbox's page: `python -m tests.sandbox.screenshots URL DIRECTORY`.

URL is the one that the sandbox prints, key included. Ada writes one message by
keyboard, the agent's answer is waited for, and three PNGs are written: light,
dark, and a phone.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

from .browser import Tab, browser

_OWN = "[...document.querySelectorAll('.own')].at(-1)"


async def shoot(tab: Tab, url: str, folder: Path, words: str) -> None:
    """Write the pictures into *folder*."""
    await tab.look(width=1280, height=800)
    await tab.open(url)
    await tab.until("document.querySelector('#words:not(:disabled)')")
    await tab.until("document.activeElement.id === 'words'")
    before = await tab.read("document.querySelectorAll('.own').length")
    await tab.type(words)
    await tab.press("Enter")
    await tab.until(f"document.querySelectorAll('.own').length > {before}")
    await tab.until(f"{_OWN}.querySelector('.told').innerText.includes('answered after')")
    await tab.read(f"{_OWN}.querySelector('.fate button').click()")
    await tab.until(f"{_OWN}.querySelector('.hops')")
    await tab.read("document.getElementById('log').scrollTop = 1e9")
    await tab.shoot(folder / "sandbox-light.png")
    await tab.look(width=1280, height=800, dark=True)
    await tab.shoot(folder / "sandbox-dark.png")
    await tab.look(width=375, height=740)
    await tab.read("document.getElementById('log').scrollTop = 1e9")
    await tab.shoot(folder / "sandbox-phone.png")


async def _main(url: str, folder: Path, words: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        async with browser(Path(profile)) as tab:
            await shoot(tab, url, folder, words)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox.screenshots")
    parser.add_argument("url")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--say", default="Hello, who are you?", help="what Ada writes")
    arguments = parser.parse_args()
    asyncio.run(_main(arguments.url, arguments.directory, arguments.say))
