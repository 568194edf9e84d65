"""Runs work in pools of threads while the engine's working thread goes on with other steps.

On a CPU, threads that each have work of their own keep more cores busy than threads that share one operation of torch.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

import torch

_POLL_S = 0.004  # wait for work in a pool before others have a step; longer keeps them waiting, shorter costs time
_ABANDONED_STEP_S = 1.0  # longest wait for the step in progress when its result is no longer wanted
_PREFETCHED = 3  # parts worked on ahead of their turn; more need more memory

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def one_core_threads(count: int, name: str) -> ThreadPoolExecutor:
    """A pool of `count` threads in which torch uses one core each."""
    return ThreadPoolExecutor(count, name, initializer=torch.set_num_threads, initargs=(1,))


def in_pool(work: Callable[[], _Out], pool: Executor | None, meanwhile: _In) -> Generator[_In, None, _Out]:
    """Run `work` in `pool`, yield `meanwhile` now and then while it runs, and return its result."""
    if pool is None:
        return work()
    return (yield from _result_of(pool.submit(work), lambda: meanwhile))


def steps_in_pool(
    steps: Generator[_In, None, _Out], pool: Executor | None, meanwhile: _In
) -> Generator[_In, None, _Out]:
    """Run the generator in `pool`, re-yield its latest value while it runs, and return its result.

    A value may be yielded several times or never; `meanwhile` is yielded before there is one. Closing this generator
    ends the other after the step it is at.
    """
    if pool is None:
        return (yield from steps)
    latest, given_up = meanwhile, False

    def run() -> _Out:
        nonlocal latest
        with contextlib.closing(steps):
            while not given_up:
                try:
                    latest = next(steps)
                except StopIteration as end:
                    done: _Out = end.value
                    return done
        raise CancelledError

    future = pool.submit(run)
    try:
        return (yield from _result_of(future, lambda: latest))
    finally:
        given_up = True
        if not future.cancelled():
            wait([future], _ABANDONED_STEP_S)  # it should close its files before they are removed


def _result_of(future: Future[_Out], meanwhile: Callable[[], _In]) -> Generator[_In, None, _Out]:
    try:
        while True:
            wait([future], _POLL_S)
            if future.done():
                return future.result()
            yield meanwhile()
    finally:
        future.cancel()


def prefetch(work: Callable[[_In], _Out], parts: Sequence[_In], pool: Executor | None) -> Generator[_Out, None, None]:
    """Yield `work(part)` for each part in turn, while a pool works on the next ones. Closing cancels those not begun.

    A part that the pool has not begun is worked on here, so this may itself run in a thread of the same pool.
    """
    if pool is None:
        yield from map(work, parts)
        return
    begun: deque[tuple[_In, Future[_Out]]] = deque()
    rest = iter(parts)
    try:
        begun.extend((part, pool.submit(work, part)) for part in islice(rest, _PREFETCHED))
        while begun:
            part, future = begun.popleft()
            done = work(part) if future.cancel() else future.result()
            begun.extend((part, pool.submit(work, part)) for part in islice(rest, 1))
            yield done
    finally:
        for _, future in begun:
            future.cancel()
