from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.texts import LANGUAGES
from bot.timings import Timings
from engine import Forgotten
from storage import State
from tests.bot.harness import Harness, eventually

OFTEN = Timings(cleanup_interval_s=0.1, first_cleanup_s=0.1)


async def test_what_is_old_is_deleted_on_schedule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Harness(tmp_path, timings=OFTEN, retention_days=30) as harness:
        mina = harness.user()
        await mina.ask_for_portrait()
        await mina.portrait_in(State.DONE)
        storage, engine = harness.services.storage, harness.services.engine
        (portrait,) = await storage.portraits.of_owner(mina.id)
        forget, forgotten = engine.forget, list[str]()

        async def noted(photos: Sequence[str]) -> Forgotten:
            forgotten.extend(photos)
            return await forget(photos)

        monkeypatch.setattr(engine, "forget", noted)
        real = storage.now
        storage.now = lambda: real() + 31 * 86_400

        async def gone() -> bool:
            return not await storage.portraits.of_owner(mina.id)

        await eventually(gone)

        async def told() -> bool:
            return forgotten == [portrait.photo]

        await eventually(told)
    assert [path for path in (harness.settings.home / "media").glob("*/*") if path.is_file()] == []


async def test_menus_are_published_for_everybody_and_for_administrators(tmp_path: Path) -> None:
    async with Harness(tmp_path, admins=frozenset({1001})) as harness:

        async def published(taken: int, refused: int) -> bool:
            calls = [call.status for call in harness.telegram.calls if call.method == "setMyCommands"]
            return (calls.count(200), calls.count(400)) == (taken * len(LANGUAGES), refused * len(LANGUAGES))

        await eventually(lambda: published(2, 1))
        await harness.users.write(1001, 1001, "/start")
        await eventually(lambda: published(3, 1))
