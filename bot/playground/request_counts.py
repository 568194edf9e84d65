"""Counts requests as Telegram does, over all, by chat and by group, and refuses too many in strict mode.

Telegram publishes about 30 messages a second over all, one a second in one chat with short bursts allowed, and
20 a minute in one group. It does not say how long a burst may be; `BURST` is our guess. Chat actions and edits
count like messages.
"""

import math
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable

from bot.playground.errors import Json, too_many_requests

OVERALL_PER_SECOND = 30  # requests; Telegram's published limit
GROUP_PER_MINUTE = 20  # requests to one group; Telegram's published limit
BURST = 5  # requests to one chat at once; a guess, larger accepts more


class _Window:
    """Allows `limit` requests in any `length_s` seconds."""

    def __init__(self, limit: int, length_s: float) -> None:
        self.limit = limit
        self.length_s = length_s
        self.peak = 0
        self._times: deque[float] = deque()

    def wait_s(self, now: float) -> float:
        """Return the seconds until one more fits; 0 where it fits now."""
        while self._times and now - self._times[0] >= self.length_s:
            self._times.popleft()
        return 0.0 if len(self._times) < self.limit else self.length_s - (now - self._times[0])

    def count(self, now: float) -> None:
        self._times.append(now)
        self.peak = max(self.peak, len(self._times))


class _Bucket:
    """Allows one request a second, after `BURST` at once."""

    def __init__(self) -> None:
        self._tokens = float(BURST)
        self._at = -math.inf

    def wait_s(self, now: float) -> float:
        self._tokens = min(float(BURST), self._tokens + min(now - self._at, BURST))
        self._at = now
        return max(0.0, 1.0 - self._tokens)

    def count(self, _: float) -> None:
        # Without strict mode a chat may go into debt; it is bounded, so that it is paid after a few seconds.
        self._tokens = max(-float(BURST), self._tokens - 1.0)


class RateMeter:
    """Counts the requests to each chat. `clock` gives seconds and only goes forward."""

    def __init__(self, strict: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self.strict = strict
        self._clock = clock
        self._overall = _Window(OVERALL_PER_SECOND, 1.0)
        self._chats: dict[int, _Bucket] = defaultdict(_Bucket)
        self._groups: dict[int, _Window] = defaultdict(lambda: _Window(GROUP_PER_MINUTE, 60.0))
        self._excess: Counter[str] = Counter()
        self._requests = 0

    def spend(self, chat_id: int, group: bool) -> None:
        """Count one request; in strict mode raises 429 where it is one too many, and does not count it."""
        now = self._clock()
        rules: dict[str, _Window | _Bucket] = {"overall": self._overall, "chat": self._chats[chat_id]}
        if group:
            rules["group"] = self._groups[chat_id]
        waits = {name: rule.wait_s(now) for name, rule in rules.items()}
        self._excess.update(name for name, wait_s in waits.items() if wait_s > 0)
        longest_s = max(waits.values())
        if self.strict and longest_s > 0:
            raise too_many_requests(math.ceil(longest_s))
        self._requests += 1
        for rule in rules.values():
            rule.count(now)

    def report(self) -> Json:
        """Return the number of requests, how often each rule was exceeded, and the highest counts."""
        return {
            "strict": self.strict,
            "requests": self._requests,
            "excess": {name: self._excess[name] for name in ("overall", "chat", "group")},
            "peak_per_second": self._overall.peak,
            "peak_per_group_minute": max((window.peak for window in self._groups.values()), default=0),
        }
