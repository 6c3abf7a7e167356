from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from bot.stage import Sandbox, Stage, sandbox, staged


@pytest.fixture(scope="session")
def emulation(tmp_path_factory: pytest.TempPathFactory) -> Generator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("tenant")) as running:
        yield running


@pytest.fixture
async def stage(emulation: Sandbox, tmp_path: Path) -> AsyncGenerator[Stage]:
    async with staged(emulation, tmp_path / "home") as stage:
        yield stage
