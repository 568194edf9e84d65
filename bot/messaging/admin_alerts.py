"""Tells the bot's administrators what went wrong: types of errors, never photos, names or words."""

from collections.abc import Iterable

from telegram.ext import ExtBot

from bot.messaging.telegram_calls import quietly
from bot.texts import DEFAULT, closest_language, words_for
from storage import Portrait, Storage

_REPORT_INTERVAL_S = 3600.0  # s between two reports of one type of error; shorter floods the administrators


class AdminAlerts:
    """Writes to every administrator in their language."""

    def __init__(self, bot: ExtBot[int], storage: Storage, admins: Iterable[int]) -> None:
        self._bot = bot
        self._storage = storage
        self._admins = tuple(admins)
        self._reported: dict[str, float] = {}  # when, by type of error

    async def portrait_failed(self, portrait: Portrait, error: str) -> None:
        """Tell which portrait failed, and of what type of error. Raises nothing."""
        await self._tell_admins("admin.failure", portrait=portrait.id, error=error)

    async def update_failed(self, error: str) -> None:
        """Tell of an error outside any portrait; of one type once an hour. Raises nothing."""
        now = self._storage.now()
        if now - self._reported.get(error, -_REPORT_INTERVAL_S) < _REPORT_INTERVAL_S:
            return
        self._reported[error] = now
        await self._tell_admins("admin.error", error=error)

    async def _tell_admins(self, key: str, **values: object) -> None:
        for admin in self._admins:
            person = await self._storage.people.get(admin)
            language = person.language or closest_language(person.telegram_language) if person else DEFAULT
            await quietly(self._bot.send_message(admin, words_for(language)(key, **values), rate_limit_args=0))
