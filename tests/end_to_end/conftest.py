from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.browser import Guest, ManualBot, Page, browser
from tests.end_to_end.phone import WAIT_S, Phone
from tests.end_to_end.processes import Telegram


@pytest.fixture
def telegram(tmp_path: Path) -> Iterator[Telegram]:
    with Telegram(tmp_path / "telegram") as telegram:
        yield telegram


@pytest.fixture
async def phone(telegram: Telegram) -> AsyncIterator[Phone]:
    """Mina's phone."""
    async with httpx.AsyncClient(base_url=telegram.url, timeout=WAIT_S) as http:
        yield Phone(http)


# For modules with a `telegram` of module scope.


@pytest.fixture(scope="module")
def window(telegram: Telegram, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as chrome:
        yield Page(chrome, telegram.url)


@pytest.fixture
def page(window: Page) -> Iterator[Page]:
    """The browser; a test fails when there is a warning in its console."""
    window.leave()
    window.console_warnings()  # of an earlier test
    yield window
    assert window.console_warnings() == []


@pytest.fixture
def guest(telegram: Telegram) -> Guest:
    return Guest(telegram)


@pytest.fixture
def bot(telegram: Telegram) -> ManualBot:
    return ManualBot(telegram)
