"""Work beside the engine's one working thread.

On a CPU, threads that each have work of their own keep more cores busy than threads that share one operation of torch.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

import torch

_WAIT_S = 0.004  # at a time, for what is worked on beside; then others may have a step
_STOP_S = 1.0  # for a step that nobody wants any more, at most
_AHEAD = 3  # parts in work at a time; bounds the memory

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def one_core_threads(count: int, name: str) -> ThreadPoolExecutor:
    """Threads in each of which torch stays on one core."""
    return ThreadPoolExecutor(count, name, initializer=torch.set_num_threads, initargs=(1,))


def in_pool(work: Callable[[], _Out], pool: Executor | None, meanwhile: _In) -> Generator[_In, None, _Out]:
    """Returns what `work` does; yields `meanwhile` now and then while a pool does it."""
    if pool is None:
        return work()
    return (yield from _awaited(pool.submit(work), lambda: meanwhile))


def steps_in_pool(
    steps: Generator[_In, None, _Out], pool: Executor | None, meanwhile: _In
) -> Generator[_In, None, _Out]:
    """Goes through `steps` in a pool and returns what they do; yields now and then what they have yielded last.

    Some are yielded again and again, others never. `meanwhile` stands for that before the first of them. Closing it
    gives them up after the step they are at.
    """
    if pool is None:
        return (yield from steps)
    latest, given_up = meanwhile, False

    def through() -> _Out:
        nonlocal latest
        with contextlib.closing(steps):
            while not given_up:
                try:
                    latest = next(steps)
                except StopIteration as end:
                    done: _Out = end.value
                    return done
        raise CancelledError

    future = pool.submit(through)
    try:
        return (yield from _awaited(future, lambda: latest))
    finally:
        given_up = True
        if not future.cancelled():
            wait([future], _STOP_S)  # what it has opened should be closed before its files are removed


def _awaited(future: Future[_Out], meanwhile: Callable[[], _In]) -> Generator[_In, None, _Out]:
    try:
        while True:
            wait([future], _WAIT_S)
            if future.done():
                return future.result()
            yield meanwhile()
    finally:
        future.cancel()


def prefetch(work: Callable[[_In], _Out], parts: Sequence[_In], pool: Executor | None) -> Generator[_Out, None, None]:
    """`work` on each part in turn; in a pool, on the next ones already. Closing it gives up what has not begun.

    A part that the pool has had no time for is done here, so that this may itself be in a thread of the pool.
    """
    if pool is None:
        yield from map(work, parts)
        return
    begun: deque[tuple[_In, Future[_Out]]] = deque()
    rest = iter(parts)
    try:
        begun.extend((part, pool.submit(work, part)) for part in islice(rest, _AHEAD))
        while begun:
            part, future = begun.popleft()
            done = work(part) if future.cancel() else future.result()
            begun.extend((part, pool.submit(work, part)) for part in islice(rest, 1))
            yield done
    finally:
        for _, future in begun:
            future.cancel()
