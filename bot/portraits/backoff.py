"""How long to wait before something is tried again."""

from collections.abc import Iterator, Sequence
from itertools import chain, repeat


def backoff(seconds: Sequence[float]) -> Iterator[float]:
    """These pauses, and then the last of them again and again."""
    return chain(seconds, repeat(seconds[-1]))
