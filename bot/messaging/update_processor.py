"""Handles updates of one chat in their order, and those of different chats concurrently."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, cast

from telegram import Update
from telegram.ext import BaseUpdateProcessor

from bot.messaging.update_queue import DurableUpdateQueue

_MAX_CONCURRENT_UPDATES = 10_000  # updates waiting for their chat count too; fewer would let one eager chat block all


class PerChatProcessor(BaseUpdateProcessor):
    """One lock per chat. `queue` is told when an update's handlers begin, and when they have ended, however."""

    def __init__(self, queue: DurableUpdateQueue) -> None:
        super().__init__(_MAX_CONCURRENT_UPDATES)
        self._queue = queue
        self._turns: dict[int, asyncio.Lock] = {}
        self._waiting: dict[int, int] = {}
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def close(self, grace_s: float) -> None:
        """Start no more handlers, and end after so many seconds those that wait for a Telegram that hangs.

        The next process handles what is not through.
        """
        self._closed = True
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=grace_s)
            for task in late:
                task.cancel()

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        if not isinstance(update, Update):
            await coroutine
            return
        key = _key(update)
        turn = self._turns.setdefault(key, asyncio.Lock())
        self._waiting[key] = self._waiting.get(key, 0) + 1
        try:
            async with turn:
                if self._closed:
                    cast(Coroutine[Any, Any, Any], coroutine).close()
                    return
                self._running.add(task := cast(asyncio.Task[Any], asyncio.current_task()))
                task.add_done_callback(self._running.discard)
                await self._queue.begun(update)
                await self._handle(update, coroutine)
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key], self._turns[key]

    async def _handle(self, update: Update, coroutine: Awaitable[Any]) -> None:
        try:
            await coroutine
        except asyncio.CancelledError:
            if self._closed:
                await asyncio.shield(self._queue.stopped(update))
            raise
        await self._queue.handled(update)

    async def initialize(self) -> None:
        """Nothing to prepare."""

    async def shutdown(self) -> None:
        """Nothing to free."""


def _key(update: Update) -> int:
    if update.effective_chat:
        return update.effective_chat.id
    return update.effective_user.id if update.effective_user else 0
