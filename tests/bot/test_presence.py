"""What the ways of each system have in common, and what they are where they are not."""

import asyncio
import os
import sys
from pathlib import Path

import psutil
import pytest

from bot.stage import until
from entraclaw.bot.presence import here
from entraclaw.bot.presence.absent import Absent
from entraclaw.bot.presence.asking import run
from entraclaw.bot.presence.hello import WindowsHello
from entraclaw.bot.presence.macos import SecurityAgent
from entraclaw.bot.presence.polkit import Polkit, action, policy, started
from entraclaw.bot.presence.terminal import asked_here

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="polkit is Linux'")
PRINTS = "import os, sys; open(sys.argv[1], 'w').write(' '.join(sorted(os.environ)))"


async def test_program_that_asks_has_only_the_environment_it_is_given(tmp_path: Path) -> None:
    """Ours: whoever starts the daemon must not say which system bus is the system's."""
    told = tmp_path / "told"
    words = [sys.executable, "-I", "-c", PRINTS, str(told)]

    assert await run(words, {"PATH": "/usr/bin", "LC_CTYPE": "C"}) == 0
    assert told.read_text() == "LC_CTYPE PATH"


async def test_what_the_program_leaves_with_is_told() -> None:
    assert await run([sys.executable, "-I", "-c", "raise SystemExit(3)"], {}) == 3


async def test_program_that_never_ends_is_ended() -> None:
    words = [sys.executable, "-I", "-c", "import signal; signal.pause()"]

    assert await run(words, {}, bound_s=0.1) == -1


async def test_program_is_ended_with_whoever_waits_for_it(tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = f"import os, signal; open({str(told)!r}, 'w').write(str(os.getpid())); signal.pause()"
    asking = asyncio.create_task(run([sys.executable, "-I", "-c", script], {}))

    async def has_told() -> bool:
        return told.exists() and bool(told.read_text())

    await until(has_told)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert not psutil.pid_exists(int(told.read_text()))


async def test_where_nobody_can_be_asked_nobody_says_yes() -> None:
    absent = Absent("this is a test")

    assert (absent.way, absent.unavailable()) == ("none", "this is a test")
    assert await absent.ask("do everything") is False


@LINUX
def test_ways_of_other_systems_are_not_here() -> None:
    assert SecurityAgent().unavailable() == "osascript is not here"
    assert WindowsHello().unavailable() == "Windows PowerShell is not here"
    assert len({SecurityAgent().way, WindowsHello().way, Polkit(1).way}) == 3


@LINUX
def test_way_of_linux_is_polkit_and_asks_nobody_without_its_policy() -> None:
    way = here(os.getpid())

    assert isinstance(way, Polkit)
    assert way.unavailable() != ""


@LINUX
async def test_process_that_is_gone_is_not_asked() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-I", "-c", "")
    await process.wait()

    assert await Polkit(process.pid).ask("do everything") is False


@LINUX
def test_moment_a_process_was_started_is_the_kernels() -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    since_boot = psutil.Process().create_time() - psutil.boot_time()

    assert int(started(os.getpid())) / ticks == pytest.approx(since_boot, abs=2)


def test_policy_asks_each_time_and_is_one_users_own() -> None:
    text = policy(1000, "a&b")

    assert f'<action id="{action(1000)}">' in text
    assert "unix-user:a&amp;b<" in text
    assert text.count(">auth_self<") == 3  # and nothing is kept for whoever asks next


@pytest.mark.parametrize("way", ["played", "polkit"])
def test_nothing_is_started_for_a_way_that_needs_no_terminal_or_where_there_is_none(
    way: str,
) -> None:
    before = psutil.Process().children()

    with asked_here(way):
        assert psutil.Process().children() == before
