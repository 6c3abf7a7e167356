"""A few of the spawn and kill cycles that `python -m hosts.cycles` runs a thousand of."""

import os
from pathlib import Path

import pytest

from bot.stage import Sandbox
from hosts.cycles import is_kept, run


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does")
@pytest.mark.timeout(180)
@pytest.mark.long
async def test_hosts_that_come_and_go_leave_nothing_and_lose_nothing(
    emulation: Sandbox, tmp_path: Path
) -> None:
    figures = await run(emulation, tmp_path / "home", cycles=6, seed=5)

    # So few cycles say nothing about memory.
    assert is_kept(figures, flat=1.0), figures
