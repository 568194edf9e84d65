"""Trying again after a pause."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import TypeVar

_T = TypeVar("_T")


def backoff(pauses_s: Sequence[float]) -> Iterator[float]:
    """Yield these pauses, and then the last of them for ever."""
    return chain(pauses_s, repeat(pauses_s[-1]))


async def retry(
    attempt: Callable[[], Awaitable[_T]],
    pauses_s: Iterable[float],
    retry_on: type[Exception] | tuple[type[Exception], ...],
    give_up_on: tuple[type[Exception], ...] = (),
    on_pause: Callable[[Exception, float], None] = lambda error, pause_s: None,
) -> _T:
    """Await `attempt()` until it succeeds, with a pause after each `retry_on`; after the last pause, once more.

    Other errors, and those of `give_up_on`, are raised at once. `on_pause` is told what happened and how long we wait.
    """
    for pause_s in pauses_s:
        try:
            return await attempt()
        except give_up_on:
            raise
        except retry_on as error:
            on_pause(error, pause_s)
            await asyncio.sleep(pause_s)
    return await attempt()
