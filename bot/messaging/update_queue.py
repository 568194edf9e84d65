"""The queue between Telegram and the handlers, which loses nothing and which no update can stop.

Telegram is told that we have an update as soon as `receive` returns. So it is written down before, and marked when its
handlers are through: a process killed in between hands it out again at its next start. Handlers may thus see an update
twice and must not mind. Handled updates are known for a day: Telegram posts an update again when the answer of our
webhook was lost. An update that cannot be read, or at which process after process dies, is set aside: noted once,
without its content, and never tried again.
"""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from telegram import Bot, Update

from bot.messaging.raw_updates import read_update, update_id, update_kind
from bot.portraits.backoff import backoff, retry
from storage import Storage

_logger = logging.getLogger(__name__)

_MAX_ATTEMPTS = 5  # processes that may die at an update, by chance or of it; more would be a bot that never comes up
_CRASH = "Crash"  # in the place of an error's type: nobody saw the error

_T = TypeVar("_T")


class DurableUpdateQueue(asyncio.Queue[object]):
    """Use it in place of `asyncio.Queue`; `retries_s` are the pauses while an update cannot be written down."""

    def __init__(self, storage: Storage, retries_s: Sequence[float]) -> None:
        super().__init__()
        self._storage = storage
        self._retries_s = retries_s
        self._left: set[int] = set()  # by earlier processes: one of them may have died of one of these

    async def receive(self, raw: object, bot: Bot, held_up: Callable[[], None] = lambda: None) -> None:
        """Queue an update as Telegram sent it, or set it aside; one that is known already is passed over.

        `held_up` is called as often as it cannot be written down.
        """
        id_ = update_id(raw)
        try:
            update, body = read_update(raw, bot)
        except Exception as error:  # whatever it is, it is the trouble of this update alone
            await self.set_aside(id_, update_kind(raw), type(error).__name__)
            return
        if await self._insist(lambda: self._storage.updates.remember(id_, body), held_up):
            self.put_nowait(update)

    async def set_aside(self, id_: int, kind: str, error: str) -> None:
        """Note that this update is not handled."""
        now = self._storage.now()
        if await self._insist(lambda: self._storage.updates.set_aside(id_, kind, error, now)):
            _logger.warning("an update (%s) cannot be handled and is set aside: %s", kind, error)

    async def reopen(self, bot: Bot) -> int:
        """Queue the updates that an earlier process left unhandled; return how many."""
        left = await self._storage.updates.left()
        for id_, body, attempts in left:
            raw = None
            try:
                raw = json.loads(body)
                update, _ = read_update(raw, bot)
            except Exception as error:
                await self.set_aside(id_, update_kind(raw), type(error).__name__)
                continue
            if attempts >= _MAX_ATTEMPTS:
                await self.set_aside(id_, update_kind(raw), _CRASH)
            else:
                self._left.add(id_)
                self.put_nowait(update)
        return self.qsize()

    def close(self) -> None:
        """Leave waiting updates to the next process."""
        while not self.empty():
            self.get_nowait()
            self.task_done()

    async def begun(self, update: Update) -> None:
        """Note that the handlers have this update now."""
        if update.update_id in self._left:
            await self._storage.updates.begin(update.update_id)

    async def stopped(self, update: Update) -> None:
        """Note that the handlers were stopped in the middle of it, because the process is to end."""
        if update.update_id in self._left:
            await self._storage.updates.spare(update.update_id)

    async def handled(self, update: Update) -> None:
        self._left.discard(update.update_id)
        await self._storage.updates.handled(update.update_id, self._storage.now())

    async def _insist(self, write: Callable[[], Awaitable[_T]], held_up: Callable[[], None] = lambda: None) -> _T:
        """Write something down; wait while that cannot be done: what is not written down must not be confirmed."""

        def log(error: Exception, pause_s: float) -> None:
            held_up()
            _logger.error("an update cannot be written down: %s, again in %.0f s", type(error).__name__, pause_s)

        return await retry(write, backoff(self._retries_s), retry_on=sqlite3.Error, on_pause=log)
