"""Which photo of an album is taken."""

import asyncio
import time

import pytest

from bot.playground.request_parameters import Upload
from bot.portraits.album_choice import best_of_album
from bot.portraits.errors import FileGone
from storage import State
from tests.bot.harness import Harness
from tests.scripted_engine import scripted_photo


async def test_an_album_whose_portrait_was_deleted_is_no_defect(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.sees("Samoyed")
    portrait = await mina.portrait()
    services = harness.services
    await services.storage.portraits.delete(portrait.id)
    with pytest.raises(FileGone):
        await best_of_album(portrait, services.storage, services.engine, services.messenger.fetch, 0.0)


async def test_a_clock_that_is_set_back_delays_no_album(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    mina = harness.user()
    photos = [Upload("photo.jpg", "image/jpeg", scripted_photo(shade=shade)) for shade in (200, 90)]
    await harness.users.send(mina.id, mina.id, photos, as_files=True)
    await mina.portrait_in(State.RECEIVED)
    monkeypatch.setattr(harness.services.storage, "now", lambda: time.time() - 3600)
    async with asyncio.timeout(30):
        await mina.sees("Samoyed")
