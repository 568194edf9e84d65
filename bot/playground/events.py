"""Passes what happens in the playground on to pages and tests."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from bot.playground.errors import Json


class Events:
    """Gives each subscriber every event after its subscription, in order; an event's `type` says what happened."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Json]] = set()

    def publish(self, kind: str, **event: object) -> None:
        for queue in self._queues:
            queue.put_nowait({"type": kind, **event})

    @contextmanager
    def subscription(self) -> Iterator[asyncio.Queue[Json]]:
        queue: asyncio.Queue[Json] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)
