"""Starts queued portraits as places in the engine become free, and tells everybody how long they wait."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self, Unpack

from bot.operations.error_summary import error_trail
from bot.portraits.limits import Limits, Over
from bot.portraits.messenger import Messenger
from bot.portraits.wait_estimate import REMEMBERED_PORTRAITS, WaitEstimate
from storage import (
    NO_FAILURE,
    Expecting,
    FailureReason,
    PhotoRole,
    Portrait,
    PortraitChanges,
    PortraitFailure,
    State,
    Storage,
)

_logger = logging.getLogger(__name__)

_LIMIT_REASONS = {Over.PERSON: FailureReason.PERSON_LIMIT, Over.GROUP: FailureReason.GROUP_LIMIT}


@dataclass(slots=True)
class RunningPortrait:
    """A portrait that the engine works on."""

    portrait: Portrait  # its row, with the message that shows its progress
    since: float = field(default_factory=time.monotonic)

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.since


class Dispatcher:
    """`async with` runs it. `schedule` is called with every portrait whose row was changed here.

    places               returns how many portraits the engine takes at once now
    estimate_interval_s  between two estimates while nothing else happens
    """

    def __init__(
        self,
        storage: Storage,
        messenger: Messenger,
        limits: Limits,
        schedule: Callable[[int], None],
        places: Callable[[], int],
        estimate_interval_s: float,
    ) -> None:
        self._storage = storage
        self._messenger = messenger
        self._limits = limits
        self._schedule = schedule
        self._places = places
        self._estimate_interval_s = estimate_interval_s
        self._changed = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self.running: dict[int, RunningPortrait] = {}
        self.estimate = WaitEstimate(places)

    async def __aenter__(self) -> Self:
        self.estimate.remember(*await self._storage.queue.durations(REMEMBERED_PORTRAITS))
        self._loop = asyncio.create_task(self._dispatch(), name="dispatcher")
        self.wake()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._loop:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    def wake(self) -> None:
        """Look at the queue again: it changed, or a place became free."""
        self._changed.set()

    async def pause(self, on: bool) -> None:
        """Start no portrait while `on`; it stays so over a restart."""
        await self._storage.pause(on)
        self.wake()

    async def enqueue(self, id_: int, **changes: Unpack[PortraitChanges]) -> Portrait | None:
        """Queue a portrait, unless today's limit is used up; None when it cannot be queued from where it is."""
        portrait = await self._storage.portraits.get(id_)
        if portrait is None:
            return None
        changes |= {"failure": NO_FAILURE, "failed_photo": PhotoRole.NONE, "expected_text": Expecting.NOTHING}
        if portrait.queued_at is None and (over := await self._limits.over(portrait.owner, portrait.chat)):
            changes["failure"] = PortraitFailure(_LIMIT_REASONS[over[0]])
            return await self._refuse(portrait, changes)
        queued = await self._storage.portraits.advance(id_, State.QUEUED, self._storage.now(), **changes)
        if queued:
            if portrait.queued_at is None:
                await self._limits.count(queued.owner, queued.chat)
            if queued.status_message is None:  # progress needs its message
                await self._messenger.show_looking(queued, 1)
                queued = await self._storage.portraits.get(id_) or queued
            # So that a press is seen at once; the place follows.
            await self._messenger.show_queued(queued, before=0, wait_s=None, paused=False)
        self.wake()
        return queued

    async def requeue(self, portrait: Portrait) -> None:
        """Put a running portrait back to its place in the queue."""
        now = self._storage.now()
        await self._storage.portraits.advance(portrait.id, State.QUEUED, now, queued_at=portrait.queued_at)
        self.wake()

    def release(self, id_: int) -> None:
        """Let another portrait have this one's place in the engine."""
        self.running.pop(id_, None)
        self.wake()

    def show_progress_of(self, portrait: Portrait) -> bool:
        """Show the progress from now on where this row says; False when it does not run."""
        if running := self.running.get(portrait.id):
            running.portrait = portrait
        return running is not None

    async def _refuse(self, portrait: Portrait, changes: PortraitChanges) -> Portrait | None:
        """Fail with what was answered, which is kept for the next try, on another day."""
        portraits, now = self._storage.portraits, self._storage.now()
        if portrait.state is State.FAILED:
            failed = await portraits.change(portrait.id, now, **changes)
            await portraits.clear_announced(portrait.id)
        else:
            failed = await portraits.advance(portrait.id, State.FAILED, now, **changes)
        self._schedule(portrait.id)
        return failed

    async def _dispatch(self) -> None:
        waiting = False
        while True:
            with suppress(TimeoutError):  # while somebody waits, the estimate goes down as time passes
                await asyncio.wait_for(self._changed.wait(), self._estimate_interval_s if waiting else None)
            self._changed.clear()
            try:
                await self._fill_places()
                waiting = await self._announce()
            except Exception as error:
                _logger.error("the queue could not be looked at: %s", error_trail(error))

    async def _fill_places(self) -> None:
        for id_ in list(self.running):  # cancelled or deleted before its task had come to it
            portrait = await self._storage.portraits.get(id_)
            if portrait is None or portrait.state is not State.RUNNING:
                self.running.pop(id_, None)
        if await self._storage.paused():
            return
        while len(self.running) < self._places():
            portrait = await self._storage.queue.start_next(self._storage.now())
            if portrait is None:
                return
            self.running[portrait.id] = RunningPortrait(portrait)
            self._schedule(portrait.id)

    async def _announce(self) -> bool:
        """Tell everybody in the queue how many are before them and how long it takes; return whether anybody waits."""
        paused = await self._storage.paused()
        queue = await self._storage.queue.waiting()
        waits_s = self.estimate.waits_s(one.elapsed_s for one in self.running.values())
        for place, (portrait, wait_s) in enumerate(zip(queue, waits_s, strict=False)):
            await self._messenger.show_queued(portrait, place + len(self.running), wait_s, paused)
        return bool(queue)
