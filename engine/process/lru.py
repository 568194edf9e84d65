"""A bounded dictionary."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class LruDict(Generic[_Value]):
    """Keeps the `size` values that were used last, by name."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[str, _Value] = OrderedDict()  # least recently used first

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._values))

    def items(self) -> tuple[tuple[str, _Value], ...]:
        """Names and values, the least recently used first."""
        return tuple(self._values.items())

    def get(self, name: str) -> _Value | None:
        """The value, which counts as used now, or None."""
        if name in self._values:
            self._values.move_to_end(name)
        return self._values.get(name)

    def put(self, name: str, value: _Value) -> None:
        """Keep a value; the one that was not used for longest is dropped when there are too many."""
        self._values[name] = value
        self._values.move_to_end(name)
        while len(self._values) > self._size:
            self._values.popitem(last=False)

    def discard(self, name: str) -> None:
        """Drop the value, if it is there."""
        self._values.pop(name, None)
