from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.phone import PATIENCE_S, Phone
from tests.end_to_end.processes import Telegram


@pytest.fixture
def telegram(tmp_path: Path) -> Iterator[Telegram]:
    with Telegram(tmp_path / "telegram") as telegram:
        yield telegram


@pytest.fixture
async def phone(telegram: Telegram) -> AsyncIterator[Phone]:
    """Mina's phone."""
    async with httpx.AsyncClient(base_url=telegram.url, timeout=PATIENCE_S) as http:
        yield Phone(http)
