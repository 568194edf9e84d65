"""The queue between Telegram and the handlers, which loses nothing.

python-telegram-bot confirms an update to Telegram as soon as it is in this queue. So an update is written down before
`put` returns, and marked when its handlers are through: a process killed in between hands it out again at its next
start. Handlers may thus see an update twice and must not mind. Handled updates are known for a day: Telegram posts an
update again when the answer of our webhook was lost.
"""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Sequence

from telegram import Bot, Update

from bot.error_summary import error_type
from bot.portraits.backoff import backoff, retry
from storage import Storage

_logger = logging.getLogger(__name__)


class DurableUpdateQueue(asyncio.Queue[object]):
    """Use it in place of `asyncio.Queue`; `retries_s` are the pauses while an update cannot be written down."""

    def __init__(self, storage: Storage, retries_s: Sequence[float]) -> None:
        super().__init__()
        self._storage = storage
        self._retries_s = retries_s

    async def put(self, item: object) -> None:
        if isinstance(item, Update) and not await self._remember(item):
            return  # Telegram sends an update again when it thinks that it was lost
        await super().put(item)

    async def _remember(self, update: Update) -> bool:
        """Write an update down; wait while that cannot be done: an error here would end the polling for good."""

        def log(error: Exception, pause_s: float) -> None:
            _logger.error("an update cannot be written down: %s, again in %.0f s", error_type(error), pause_s)

        return await retry(
            lambda: self._storage.updates.remember(update.update_id, update.to_json()),
            backoff(self._retries_s),
            retry_on=sqlite3.Error,
            on_pause=log,
        )

    async def reopen(self, bot: Bot) -> int:
        """Queue the updates that an earlier process left unhandled; return how many."""
        left = [Update.de_json(json.loads(body), bot) for body in await self._storage.updates.left()]
        for update in left:
            self.put_nowait(update)
        return len(left)

    def close(self) -> None:
        """Leave waiting updates to the next process."""
        while not self.empty():
            self.get_nowait()
            self.task_done()

    async def handled(self, update: Update) -> None:
        await self._storage.updates.handled(update.update_id, self._storage.now())
