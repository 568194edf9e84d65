"""Listens for updates as long as the bot runs: whatever ends the listening, it begins again after a pause.

Two things are not waited out: a token that stays refused, and another program that stays in our place.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

from telegram.error import BadRequest, Conflict, InvalidToken, RetryAfter, TelegramError

from bot.messaging.rate_limiter import seconds_of
from bot.portraits.backoff import backoff
from bot.timings import Timings

_logger = logging.getLogger(__name__)

_ONE_TROUBLE_S = 60.0  # s; troubles further apart are two; more than the longest pause and the longest request together

TOKEN_REFUSED = "Telegram does not know this bot; check THROWBACK_TOKEN"  # noqa: S105 (a sentence)


class ListeningEnded(Exception):
    """Trying again is of no use; the text says what a person has to do."""


class Pulse:
    """When updates were asked for, and when Telegram answered, in seconds of a clock that nobody sets."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked_at = self.heard_at = clock()
        self._held_up_at = float("-inf")

    def asked(self) -> None:
        """Note that Telegram is being asked."""
        self._asked_at = self._clock()

    def heard(self) -> None:
        """Note that Telegram has answered."""
        self.heard_at = self._clock()

    def held_up(self) -> None:
        """Note that an update waits to be written down: no other is asked for meanwhile."""
        self._held_up_at = self._clock()

    @property
    def held_up_ago_s(self) -> float:
        """Since when the last update waits; endless where Telegram was heard since."""
        return self._clock() - self._held_up_at if self._held_up_at > self.heard_at else float("inf")

    @property
    def asked_ago_s(self) -> float:
        return self._clock() - self._asked_at

    @property
    def heard_ago_s(self) -> float:
        return self._clock() - self.heard_at


class UpdateSource(Protocol):
    """Gets updates from Telegram and queues them, until something ends it; then it is begun again."""

    async def prepare(self) -> None:
        """Tell Telegram in which way updates are wanted."""

    async def listen(self, pulse: Pulse) -> None:
        """Go on until something is raised; keep `pulse` up to date."""


@dataclass(slots=True)
class _Trouble:
    """How long one kind of trouble lasts."""

    since: float = 0.0
    last: float = float("-inf")

    def lasts_s(self, now: float) -> float:
        """Return since when it lasts, now that it occurs again."""
        if now - self.last > _ONE_TROUBLE_S:
            self.since = now
        self.last = now
        return now - self.since


class Listener:
    """`async with` listens; entering raises `BadRequest` where Telegram says that it cannot be done in this way.

    `ended` raises `ListeningEnded` once it has to give up.
    """

    def __init__(self, source: UpdateSource, timings: Timings) -> None:
        self.pulse = Pulse()
        self._source = source
        self._timings = timings
        self._refused, self._displaced = _Trouble(), _Trouble()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        prepared = True
        try:
            await self._source.prepare()
        except BadRequest:
            raise
        except TelegramError:  # which may pass; of what stays, `ended` tells
            prepared = False
        self._task = asyncio.create_task(self._keep_listening(prepared))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def ended(self) -> None:
        """Wait until nobody listens any more. Raises `ListeningEnded`."""
        if self._task:
            await asyncio.shield(self._task)

    async def _keep_listening(self, prepared: bool) -> None:
        pauses_s = backoff(self._timings.listen_retries_s)
        while True:
            heard_at = self.pulse.heard_at
            # In a task of its own: cancelling that one does not end the listening.
            task = asyncio.create_task(self._listen(prepared), name="updates")
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            if self.pulse.heard_at > heard_at:  # it went well for a while
                self._refused = _Trouble()
                pauses_s = backoff(self._timings.listen_retries_s)
            pause_s = next(pauses_s)
            if isinstance(outcome, RetryAfter):
                pause_s = max(pause_s, min(seconds_of(outcome), _ONE_TROUBLE_S / 2))
            self._report(outcome, pause_s)
            await asyncio.sleep(pause_s)
            prepared = False

    async def _listen(self, prepared: bool) -> None:
        if not prepared:
            self.pulse.asked()
            await self._source.prepare()
        await self._source.listen(self.pulse)

    def _report(self, outcome: BaseException | None, pause_s: float) -> None:
        """Log why the listening ended. Raises `ListeningEnded` when the reason has stayed the same for too long."""
        now = time.monotonic()
        if isinstance(outcome, Conflict):
            _logger.warning("another program asks Telegram for this bot's updates, too; only one may")
            if self._displaced.lasts_s(now) >= self._timings.refusal_limit_s:
                raise ListeningEnded("another program keeps running with this bot's token; only one may: stop it")
            return
        if isinstance(outcome, InvalidToken) and self._refused.lasts_s(now) >= self._timings.refusal_limit_s:
            raise ListeningEnded(TOKEN_REFUSED)
        reason = type(outcome).__name__ if outcome else "it ended"
        _logger.warning("no updates from Telegram: %s, again in %.0f s", reason, pause_s)
