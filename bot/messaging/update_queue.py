"""The queue between Telegram and our handlers, which forgets nothing.

python-telegram-bot tells Telegram that it has an update as soon as it lies in this queue. So an update is written
down before `put` returns, and crossed out when its handlers are through: a process killed in between hands it out
again at its next start. Handlers may thus see an update twice and must not mind. What was crossed out is known for a
day: Telegram posts an update again when the answer of our webhook was lost.
"""

import asyncio
import json
import logging
import sqlite3

from telegram import Bot, Update

from bot.portraits.backoff import backoff
from storage import Storage

_logger = logging.getLogger(__name__)

_WRITE_RETRY_PAUSES_S = (1.0, 5.0, 30.0)  # s, while the disk is full, say; the last one repeats


class DurableUpdateQueue(asyncio.Queue[object]):
    def __init__(self, storage: Storage) -> None:
        super().__init__()
        self._storage = storage

    async def put(self, item: object) -> None:
        if isinstance(item, Update) and not await self._remember(item):
            return  # Telegram sends again what it thinks was lost
        await super().put(item)

    async def _remember(self, update: Update) -> bool:
        """Write it down; while that cannot be done, wait: an error here would end the polling for good."""
        waits_s = backoff(_WRITE_RETRY_PAUSES_S)
        while True:
            try:
                return await self._storage.updates.remember(update.update_id, update.to_json())
            except sqlite3.Error as error:
                pause_s = next(waits_s)
                _logger.error("an update cannot be written down: %s, again in %.0f s", type(error).__name__, pause_s)
                await asyncio.sleep(pause_s)

    async def reopen(self, bot: Bot) -> int:
        """Queue what an earlier process left unhandled; gives how many."""
        left = [Update.de_json(json.loads(body), bot) for body in await self._storage.updates.left()]
        for update in left:
            self.put_nowait(update)
        return len(left)

    def close(self) -> None:
        """Leave what waits to the next process."""
        while not self.empty():
            self.get_nowait()
            self.task_done()

    async def handled(self, update: Update) -> None:
        await self._storage.updates.handled(update.update_id, self._storage.now())
