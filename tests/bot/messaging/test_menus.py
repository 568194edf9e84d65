from pathlib import Path

from bot.playground.methods.profile import menu_for
from bot.texts import words_for
from tests.bot.harness import Harness, eventually


async def test_everybody_gets_a_menu_though_an_administrator_has_not_written_yet(tmp_path: Path) -> None:
    async with Harness(tmp_path, admins=frozenset({424242, 1003})) as harness:
        boss, joon = harness.user("Boss", "zh"), harness.user("Joon", "ko")
        chat = harness.group(joon)
        assert boss.id == 1003

        async def said(user: int, chat_id: int, key: str) -> bool:
            menu = menu_for(harness.telegram, chat_id, user)
            return words_for(harness.telegram.world.user(user).language_code)(key) in [
                one["description"] for one in menu
            ]

        await eventually(lambda: said(joon.id, joon.id, "command.history"))
        await eventually(lambda: said(joon.id, chat.id, "command.young"))
        await boss.write("/start")
        await eventually(lambda: said(boss.id, boss.id, "command.stats"))
