"""Work beside the engine's one working thread.

On a CPU, threads that each have work of their own keep more cores busy than threads that share one operation of torch.
"""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

import torch

_WAIT_S = 0.02  # at a time, for what is worked on beside; then others may have a step
_AHEAD = 3  # parts in work at a time; bounds the memory

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def single_threads(count: int, name: str) -> ThreadPoolExecutor:
    """Threads in each of which torch stays on one core."""
    return ThreadPoolExecutor(count, name, initializer=torch.set_num_threads, initargs=(1,))


def aside(work: Callable[[], _Out], pool: Executor | None, meanwhile: _In) -> Generator[_In, None, _Out]:
    """Returns what `work` does; yields `meanwhile` now and then while a pool does it."""
    if pool is None:
        return work()
    future = pool.submit(work)
    try:
        while True:
            wait([future], _WAIT_S)
            if future.done():
                return future.result()
            yield meanwhile
    finally:
        future.cancel()


def ahead(work: Callable[[_In], _Out], parts: Sequence[_In], pool: Executor | None) -> Generator[_Out, None, None]:
    """`work` on each part in turn; in a pool, on the next ones already. Closing it gives up what has not begun."""
    if pool is None:
        yield from map(work, parts)
        return
    begun: deque[Future[_Out]] = deque()
    rest = iter(parts)
    try:
        begun.extend(pool.submit(work, part) for part in islice(rest, _AHEAD))
        while begun:
            done = begun.popleft().result()
            begun.extend(pool.submit(work, part) for part in islice(rest, 1))
            yield done
    finally:
        for future in begun:
            future.cancel()
