"""The first minute: the page in a real browser, the daemon and the built-in host behind it."""

from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from bot.stage import until
from entraclaw.bot.inbox import State
from entraclaw.bot.inbox_look import look
from parts.running import running_sandbox
from sandbox.browser import ALT, Tab, browser, chromium

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(chromium() is None, reason="there is no chromium on this machine"),
]

_ANSWERS = "[...document.querySelectorAll('.bubble')].map(b => b.innerText)"


@pytest.fixture
def sandbox(tmp_path: Path) -> Generator[Mapping[str, str]]:
    with running_sandbox(tmp_path / "home") as settings:
        yield settings


async def test_ada_is_answered_and_mallory_is_not_even_heard(
    sandbox: Mapping[str, str], tmp_path: Path
) -> None:
    inbox = Path(sandbox["ENTRACLAW_HOME"]) / "sandbox" / "inbox.db"
    async with browser(tmp_path / "profile") as tab:
        await tab.open(sandbox["PAGE"])
        await _say(tab, "hello from the page")
        await tab.until(f"{_ANSWERS}.some(t => t.startsWith('You said: hello from the page'))")

        await tab.press("3", ALT)
        await _say(tab, "let me in")
        await tab.until("document.body.innerText.includes('kept, no answer yet')")
        await _is_settled(inbox)

        assert not await tab.read(f"{_ANSWERS}.some(t => t.includes('You said: let me in'))")
        assert tab.problems == []

    with look(inbox) as seen:
        dropped, *others = seen.latest(10)
    assert (dropped.state, dropped.reason) == (State.DROPPED, "home tenant not known")
    assert {entry.state for entry in others} == {State.DONE}


async def _say(tab: Tab, words: str) -> None:
    await tab.until("document.activeElement && document.activeElement.id === 'words'")
    await tab.type(words)
    await tab.press("Enter")


async def _is_settled(inbox: Path) -> None:
    async def settled() -> bool:
        with look(inbox) as seen:
            return seen.latest(1)[0].state is State.DROPPED

    await until(settled)
