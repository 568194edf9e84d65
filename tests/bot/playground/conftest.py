from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from telegram import Bot

from bot.playground.fake_telegram import FakeTelegram
from bot.playground.server import Address, serve
from bot.playground.users import Users

MINA, JOON, FAMILY = 1001, 1002, -2001


@pytest.fixture
def telegram(tmp_path: Path) -> FakeTelegram:
    return FakeTelegram(tmp_path / "playground")


@pytest.fixture
async def address(telegram: FakeTelegram) -> AsyncIterator[Address]:
    async with serve(telegram) as address:
        yield address


@pytest.fixture
async def bot(address: Address) -> AsyncIterator[Bot]:
    async with Bot(address.token, f"{address.url}/bot", f"{address.url}/file/bot") as bot:
        yield bot


@pytest.fixture
def users(telegram: FakeTelegram) -> Users:
    return Users(telegram)
