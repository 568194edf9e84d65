"""Showing an owner that something is being done."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count

from storage import Portrait


@asynccontextmanager
async def showing(
    show: Callable[[Portrait, int], Awaitable[None]], portrait: Portrait, interval_s: float
) -> AsyncIterator[None]:
    """Call `show` with the portrait and the number of calls before, now and every `interval_s`, until the block ends.

    A call under way at the end of the block, however it ends, is awaited, so that nothing overtakes it.
    """
    done = asyncio.Event()

    async def keep_showing() -> None:
        for times in count():
            await show(portrait, times)
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), interval_s)
                return

    task = asyncio.create_task(keep_showing())
    try:
        yield
        done.set()
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
