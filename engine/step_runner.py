"""Generators that yield a step at a time, run to their end."""

from collections.abc import Callable, Generator
from contextlib import closing
from typing import TypeVar

_Step = TypeVar("_Step")
_Other = TypeVar("_Other")
_Result = TypeVar("_Result")


def result_of(steps: Generator[_Step, None, _Result], on_step: Callable[[_Step], object] | None = None) -> _Result:
    """Run `steps` to the end and return the result; `on_step` is called with each of them."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            result: _Result = end.value
            return result
        if on_step is not None:
            on_step(step)


def mapped(
    steps: Generator[_Step, None, _Result], change: Callable[[_Step], _Other]
) -> Generator[_Other, None, _Result]:
    """Yield what `change` makes of each step, and return the result of `steps`, which are closed with this."""
    with closing(steps):
        try:
            while True:
                yield change(next(steps))
        except StopIteration as end:
            result: _Result = end.value
            return result
