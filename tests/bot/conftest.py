from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.harness import Harness


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Harness]:
    async with Harness(tmp_path) as town:
        yield town
