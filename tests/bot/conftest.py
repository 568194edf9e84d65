from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.timings import Timings
from tests.bot.harness import Harness


@pytest.fixture
def timings() -> Timings:
    """How long the bot waits; tests override or parametrize it."""
    return Timings()


@pytest.fixture
async def harness(tmp_path: Path, timings: Timings) -> AsyncIterator[Harness]:
    async with Harness(tmp_path, timings=timings) as harness:
        yield harness
