"""Which photo of an album is taken."""

import pytest

from bot.portraits.album_choice import best_of_album
from bot.portraits.errors import FileGone
from tests.bot.harness import Harness


async def test_an_album_whose_portrait_was_deleted_is_no_defect(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.sees("Samoyed")
    portrait = await mina.portrait()
    services = harness.services
    await services.storage.portraits.delete(portrait.id)
    with pytest.raises(FileGone):
        await best_of_album(portrait, services.storage, services.engine, services.messenger.fetch, 0.0)
