from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.harness import Town


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with Town(tmp_path) as town:
        yield town
