"""Shares and areas under curves with 95 % intervals that hold for small numbers too."""

import math
from collections.abc import Callable, Sequence
from typing import Any

_Z = 1.959964  # of a normal distribution, 95 % lie within so many deviations
_HALVINGS = 50

Interval = tuple[float, float]


def wilson(hits: int, count: int) -> Interval:
    """The 95 % interval of a share of `hits` among `count` (Wilson 1927); (0, 1) of nothing."""
    if count == 0:
        return 0.0, 1.0
    share, square = hits / count, _Z * _Z / count
    middle = (share + square / 2) / (1 + square)
    reach = _Z * math.sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def share_of(hits: Sequence[bool]) -> dict[str, Any]:
    """The share of hits with its interval, for JSON; 0 of nothing."""
    low, high = wilson(sum(hits), len(hits))
    return {"share": round(sum(hits) / max(len(hits), 1), 3), "from": round(low, 3), "to": round(high, 3)}


def area_under_curve(positive: Sequence[float], negative: Sequence[float]) -> float:
    """In what share of pairs the positive one scores higher, ties counting half: 1 is perfect, 0.5 is guessing.

    Both need a score at least.
    """
    won = sum((a > b) + 0.5 * (a == b) for a in positive for b in negative)
    return won / (len(positive) * len(negative))


def area_interval(area: float, positives: int, negatives: int) -> Interval:
    """The 95 % interval of an area under the curve of so many scores (Newcombe 2006, method 5).

    It holds the areas from which the one that was found is no more than 1.96 deviations away, the deviation being
    that of Hanley & McNeil (1982).
    """

    def far(other: float) -> bool:
        more = (positives + negatives) / 2 - 1
        spread = 1 + more * (1 - other) / (2 - other) + more * other / (1 + other)
        return (area - other) ** 2 > _Z * _Z * other * (1 - other) * spread / (positives * negatives)

    return _border(far, 0.0, area), _border(far, 1.0, area)


def _border(far: Callable[[float], bool], outside: float, inside: float) -> float:
    """Where `far` begins to be false on the way from `outside` to `inside`."""
    for _ in range(_HALVINGS):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if far(middle) else (outside, middle)
    return inside
