"""Sends no faster than Telegram allows.

python-telegram-bot's own limiter lets twice the published rate through after a quiet minute, and halts every chat when
one is refused. This one counts what was sent in sliding windows, and each chat waits for itself.
"""

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter

_logger = logging.getLogger(__name__)

# Durations as python-telegram-bot's next version gives them.
os.environ.setdefault("PTB_TIMEDELTA", "1")

_MAX_REFUSALS = 3  # to wait out for what must arrive; more would block the chat for minutes
_UNCOUNTED_PREFIXES = ("get", "answer", "delete", "set", "leave")  # methods that Telegram does not count as messages
_TIDY_FROM_CHATS = 1000  # chats; from here on silent ones are dropped, so that the table stays small
_SILENT_S = 120.0  # s; a chat silent for longer than its windows (60 s) has its whole allowance again

ON_WIRE: ContextVar[Callable[[bool], Awaitable[None]] | None] = ContextVar("ON_WIRE", default=None)
"""Whom a task wants to be told: True right before its request is sent, False once Telegram has refused it (429)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Allowed rates, a little below those that Telegram publishes (30 a second, 1 a second, 20 a minute)."""

    overall_per_s: int = 20  # what leaves evenly arrives in bunches
    chat_burst: int = 3  # messages at once to a chat; after that `chat_per_s`
    chat_per_s: float = 1.0
    group_per_minute: int = 18


@dataclass(slots=True)
class _Chat:
    """What was sent to a chat, and until when it may not be written to."""

    sent: deque[float] = field(default_factory=deque)  # within the last minute
    blocked_until: float = 0.0  # after a refusal
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class RateLimiter(BaseRateLimiter[int]):
    """`rate_limit_args` is how many refusals (429) to wait out; 0 gives up at the first, None waits out a few."""

    def __init__(
        self,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._pace = pace or Pace()
        self._clock = clock
        self._sleep = sleep
        self._overall: deque[float] = deque()
        self._chats: dict[int, _Chat] = {}
        self._tidy_at = _TIDY_FROM_CHATS

    async def initialize(self) -> None:
        """Nothing to prepare."""

    async def shutdown(self) -> None:
        """Nothing to free."""

    def busy(self, chat: int) -> bool:
        """Return whether a message to this chat would have to wait, for callers that would rather send none."""
        return self._wait_s(chat) > 0

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, Any]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: int | None,
    ) -> Any:
        chat = data.get("chat_id")
        if endpoint.startswith(_UNCOUNTED_PREFIXES) or not isinstance(chat, int):
            return await callback(*args, **kwargs)
        for refusals_left in range(_MAX_REFUSALS if rate_limit_args is None else rate_limit_args, -1, -1):
            await self._turn(chat)
            await _tell_on_wire(True)
            try:
                return await callback(*args, **kwargs)
            except RetryAfter as refusal:
                await _tell_on_wire(False)
                pause_s = seconds_of(refusal)
                self._chat(chat).blocked_until = self._clock() + pause_s
                _logger.warning("Telegram refuses %s in one chat for %.0f s", endpoint, pause_s)
                if not refusals_left:
                    raise
        return None

    async def _turn(self, chat: int) -> None:
        """Wait until one more message may be sent to this chat, and count it."""
        async with self._chat(chat).turn:
            while (wait_s := self._wait_s(chat)) > 0:
                await self._sleep(wait_s)
            now = self._clock()
            self._overall.append(now)
            self._chat(chat).sent.append(now)

    def _wait_s(self, chat: int) -> float:
        now = self._clock()
        self._forget(now)
        state = self._chat(chat)
        while state.sent and now - state.sent[0] >= 60:
            state.sent.popleft()
        while self._overall and now - self._overall[0] >= 1:
            self._overall.popleft()
        waits = [state.blocked_until - now, _window(self._overall, self._pace.overall_per_s, 1.0, now)]
        if chat < 0:
            waits.append(_window(state.sent, self._pace.group_per_minute, 60.0, now))
        waits.append(_bucket(state.sent, self._pace.chat_burst, self._pace.chat_per_s, now))
        return max(0.0, *waits)

    def _chat(self, chat: int) -> _Chat:
        return self._chats.setdefault(chat, _Chat())

    def _forget(self, now: float) -> None:
        """Drop chats that were silent for long, so that the table does not grow for ever."""
        if len(self._chats) < self._tidy_at:
            return
        self._chats = {
            id_: chat
            for id_, chat in self._chats.items()
            if chat.turn.locked() or now < max([*chat.sent, chat.blocked_until]) + _SILENT_S
        }
        self._tidy_at = max(_TIDY_FROM_CHATS, 2 * len(self._chats))


async def _tell_on_wire(on: bool) -> None:
    if tell := ON_WIRE.get():
        await tell(on)


def _window(sent: deque[float], limit: int, length_s: float, now: float) -> float:
    """Return the seconds until fewer than `limit` messages lie in the last `length_s`."""
    return 0.0 if len(sent) < limit else sent[-limit] + length_s - now


def _bucket(sent: deque[float], burst: int, per_s: float, now: float) -> float:
    """Return the seconds until a bucket of `burst` tokens, refilled at `per_s`, has one again."""
    tokens, at = float(burst), float("-inf")
    for moment in sent:
        tokens = min(float(burst), tokens + (moment - at) * per_s) - 1
        at = moment
    tokens = min(float(burst), tokens + (now - at) * per_s)
    return 0.0 if tokens >= 1 - 1e-9 else (1 - tokens) / per_s


def seconds_of(refusal: RetryAfter) -> float:
    """Return how many seconds Telegram asks to wait."""
    after = refusal.retry_after
    return float(after if isinstance(after, int | float) else after.total_seconds())
