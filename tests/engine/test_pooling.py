"""Work beside the working thread gives what it would give on it, and is given up with whoever waits for it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.pooling import ahead, aside, single_threads


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with single_threads(1, "test") as pool:
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
        assert outcome(aside(lambda number=number: number, pool if beside else None, "meanwhile")) == number  # type: ignore[misc]


def test_others_have_a_step_until_it_is_done(pool: ThreadPoolExecutor) -> None:
    may_end = threading.Event()
    waiting = aside(may_end.wait, pool, "meanwhile")
    assert [next(waiting) for _ in range(3)] == ["meanwhile"] * 3
    may_end.set()
    assert outcome(waiting) is True


def test_its_errors_come_back_too_even_a_timeout_of_its_own(pool: ThreadPoolExecutor) -> None:
    def late() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        outcome(aside(late, pool, "meanwhile"))


def test_parts_come_in_order_and_those_not_begun_are_given_up(pool: ThreadPoolExecutor) -> None:
    begun: list[int] = []

    def work(part: int) -> int:
        begun.append(part)
        return part * part

    assert list(ahead(work, range(8), pool)) == list(ahead(work, range(8), None)) == [part * part for part in range(8)]
    begun.clear()
    parts = ahead(work, range(100), pool)
    assert next(parts) == 0
    parts.close()
    pool.shutdown()
    assert len(begun) < 10
