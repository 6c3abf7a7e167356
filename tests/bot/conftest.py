from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.stage import Sandbox, Stage, sandbox, staged
from bot.talk import Shared, share


@pytest.fixture(scope="session")
def emulation(tmp_path_factory: pytest.TempPathFactory) -> Generator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("tenant")) as running:
        yield running


@pytest.fixture
async def stage(emulation: Sandbox, tmp_path: Path) -> AsyncGenerator[Stage]:
    async with staged(emulation, tmp_path / "home") as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    emulation: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Shared]:
    """One daemon for all of a module that need nothing but conversations of their own."""
    home = tmp_path_factory.mktemp("shared") / "home"
    async with staged(emulation, home) as stage, stage.daemon() as daemon:
        yield await share(stage, daemon)
