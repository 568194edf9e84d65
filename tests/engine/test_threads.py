"""Work beside the working thread gives what it would give on it, and is given up with whoever waits for it."""

import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.threads import in_pool, one_core_threads, prefetch, steps_in_pool


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with one_core_threads(1, "test") as pool:
        yield pool


def outcome(waiting: "Iterator[str]") -> object:
    while True:
        try:
            assert next(waiting) == "meanwhile"
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("beside", [True, False])
def test_what_is_done_aside_comes_back(pool: ThreadPoolExecutor, beside: bool) -> None:
    for number in range(50):
        assert outcome(in_pool(lambda number=number: number, pool if beside else None, "meanwhile")) == number  # type: ignore[misc]


def test_others_have_a_step_until_it_is_done(pool: ThreadPoolExecutor) -> None:
    may_end = threading.Event()
    waiting = in_pool(may_end.wait, pool, "meanwhile")
    assert [next(waiting) for _ in range(3)] == ["meanwhile"] * 3
    may_end.set()
    assert outcome(waiting) is True


def test_its_errors_come_back_too_even_a_timeout_of_its_own(pool: ThreadPoolExecutor) -> None:
    def late() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        outcome(in_pool(late, pool, "meanwhile"))


@pytest.mark.parametrize("beside", [True, False])
def test_steps_aside_are_seen_as_they_are_taken(pool: ThreadPoolExecutor, beside: bool) -> None:
    seen = [threading.Event() for _ in range(3)]

    def steps() -> Generator[int, None, str]:
        for number, event in enumerate(seen):
            yield number
            if beside:
                event.wait()
        return "done"

    taken, waiting = [-1], steps_in_pool(steps(), pool if beside else None, -1)
    while True:
        try:
            number = next(waiting)
        except StopIteration as end:
            assert end.value == "done"
            break
        if number != taken[-1]:
            taken.append(number)
            seen[number].set()
    assert taken == [-1, 0, 1, 2]


def test_steps_aside_are_given_up_with_whoever_waits_for_them(pool: ThreadPoolExecutor) -> None:
    closed = threading.Event()

    def steps() -> Generator[int, None, None]:
        try:
            yield from range(1_000_000_000)
        finally:
            closed.set()

    waiting = steps_in_pool(steps(), pool, -1)
    while next(waiting) < 0:
        pass
    waiting.close()
    assert closed.wait(30)


def test_errors_in_steps_aside_come_back(pool: ThreadPoolExecutor) -> None:
    def steps() -> Generator[int, None, None]:
        yield 1
        raise OSError("theirs")

    with pytest.raises(OSError, match="theirs"):
        list(steps_in_pool(steps(), pool, 0))


def test_parts_are_done_even_by_the_pool_s_only_thread(pool: ThreadPoolExecutor) -> None:
    assert pool.submit(lambda: list(prefetch(abs, range(-9, 1), pool))).result(30) == list(range(9, -1, -1))


def test_parts_come_in_order_and_those_not_begun_are_given_up(pool: ThreadPoolExecutor) -> None:
    begun: list[int] = []

    def work(part: int) -> int:
        begun.append(part)
        return part * part

    assert (
        list(prefetch(work, range(8), pool))
        == list(prefetch(work, range(8), None))
        == [part * part for part in range(8)]
    )
    begun.clear()
    parts = prefetch(work, range(100), pool)
    assert next(parts) == 0
    parts.close()
    pool.shutdown()
    assert len(begun) < 10
