"""How long somebody has to wait, as far as it can be told."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from heapq import heapify, heapreplace
from itertools import repeat
from statistics import median

REMEMBERED_PORTRAITS = 20  # how many the estimate is made from; more make it slow to follow a change of pace


class WaitEstimate:
    """Estimates waits from how long the last portraits took in the engine, which takes `places()` of them at once."""

    def __init__(self, places: Callable[[], int]) -> None:
        self._places = places
        self._recent_s: deque[float] = deque(maxlen=REMEMBERED_PORTRAITS)

    def remember(self, *durations_s: float) -> None:
        """Take these portraits into account from now on."""
        self._recent_s.extend(durations_s)

    def remaining_s(self, elapsed_s: float) -> float | None:
        """Return how long a portrait still takes that was begun so long ago; None when nobody can tell."""
        left_s = median(self._recent_s) - elapsed_s if self._recent_s else 0.0
        return left_s if left_s > 0 else None

    def waits_s(self, elapsed_s: Iterable[float]) -> Iterator[float | None]:
        """Yield how long until the first in the queue is done, the second, …; None while nothing is known.

        `elapsed_s` is how long ago each running portrait was begun. Each in the queue takes the place that becomes
        free next; what takes longer than usual may end at any moment.
        """
        if not self._recent_s:
            yield from repeat(None)
        each_s = median(self._recent_s)
        free_in = [max(0.0, each_s - since_s) for since_s in elapsed_s]
        free_in += [0.0] * (max(1, self._places()) - len(free_in))
        heapify(free_in)
        while True:
            done_in = free_in[0] + each_s
            heapreplace(free_in, done_in)
            yield done_in
