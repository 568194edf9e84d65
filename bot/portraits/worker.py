"""Where portraits are worked on, each as its row says, until the row waits for its owner or is done.

A portrait has at most one task here. What happens next is read from the row alone, so a restart goes on with every
unfinished row as if nothing had been.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from heapq import heapify, heapreplace
from itertools import repeat
from statistics import median
from types import TracebackType
from typing import Self

from bot.messaging.errors import ChatGone, ChatMoved, FileGone, TelegramTrouble, trail
from bot.portraits.backoff import pauses
from bot.portraits.delivery import Delivery, card_text, made_results, meanwhile, reason_of
from bot.portraits.findings import Findings
from bot.portraits.limits import Limits
from bot.portraits.messenger import Messenger
from engine import (
    EngineClient,
    EngineFault,
    EngineStopped,
    OperatorError,
    PhotoError,
    PhotoReason,
    Progress,
    Rejuvenate,
    Species,
)
from storage import Notice, Pet, Portrait, State, Storage

_logger = logging.getLogger(__name__)

_ESTIMATE_S = 10.0  # between two estimates while nothing else happens
_PARALLEL = 4  # portraits the engine has at once; it advances them as one batch
_PATIENCE_S = (2.0, 5.0, 15.0, 60.0)  # between attempts while Telegram is ill; the last one repeats


class PortraitWorker:
    """`async with` runs it. `serve` makes it look at a portrait again after its row was changed."""

    def __init__(
        self, storage: Storage, engine: EngineClient, speaker: Messenger, limits: Limits, parallel: int = _PARALLEL
    ) -> None:
        self._storage = storage
        self._engine = engine
        self._speaker = speaker
        self._limits = limits
        self._parallel = parallel
        self._delivery = Delivery(storage, engine, speaker)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._changed: set[int] = set()  # served while their task was busy
        self._running: dict[int, float] = {}  # since when, by the monotonic clock
        self._told: dict[int, Portrait] = {}  # what is running, with the message that shows its progress
        self._bell = asyncio.Event()
        self._closing = False
        self._porter: asyncio.Task[None] | None = None
        self._recent_s: deque[float] = deque(maxlen=20)  # how long the engine took, to estimate the wait
        self._steps: dict[State, Callable[[Portrait], Awaitable[None]]] = {
            State.RECEIVED: self._look,
            State.AWAITING_HEAD: self._ask,
            State.AWAITING_BREED: self._ask,
            State.AWAITING_BABY_PHOTO: self._ask,
            State.BABY_RECEIVED: self._look_at_baby,
            State.RUNNING: self._run,
            State.DELIVERING: self._delivery.deliver,
            State.DONE: self._delivery.fulfil,
            State.FAILED: self._tell,
            State.CANCELLED: self._tell,
        }

    async def __aenter__(self) -> Self:
        portraits = self._storage.portraits
        for portrait in await portraits.unfinished():
            if portrait.state is State.RUNNING:  # it runs no more
                await self._requeue(portrait)
            self.serve(portrait.id)
        for id_ in await portraits.wishes():
            self.serve(id_)
        self._recent_s.extend(await portraits.durations(self._recent_s.maxlen or 0))
        self._porter = asyncio.create_task(self._start_next(), name="workshop")
        self.ring()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop at once, except for uploads under way: those get a moment, so that nothing is sent twice later."""
        self._closing = True
        tasks = [*self._tasks.values(), *([self._porter] if self._porter else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._delivery.close()

    @property
    def running(self) -> int:
        return len(self._running)

    def serve(self, id_: int) -> None:
        """Do with this portrait what its row says; at once, or after what is being done with it."""
        if id_ in self._tasks:
            self._changed.add(id_)
        elif not self._closing:
            task = asyncio.create_task(self._serve(id_), name=f"portrait {id_}")
            self._tasks[id_] = task
            task.add_done_callback(partial(self._served, id_))

    def drop(self, id_: int) -> None:
        """Stop what is being done with this portrait, and read its row again."""
        if task := self._tasks.get(id_):
            self._changed.add(id_)
            task.cancel()
        else:
            self.serve(id_)
        self.ring()

    async def move_group(self, old: int, new: int, served: int = 0) -> None:
        """The group became a supergroup: ask and show there what was here. `served` is being seen to already."""
        for id_ in await self._storage.people.move_group(old, new):
            portrait = await self._storage.portraits.get(id_)
            if portrait and portrait.state in (State.QUEUED, State.RUNNING):
                await self._show_again(portrait)
            elif id_ != served:
                self.serve(id_)

    async def _show_again(self, portrait: Portrait) -> None:
        """Show in another chat how far it is, and go on there."""
        await self._speaker.moved(portrait)
        now = await self._storage.portraits.get(portrait.id)
        if now is None:
            return
        if portrait.id in self._told:
            self._told[portrait.id] = now
            return
        # It ended just then, and nobody else knows of that message.
        if now.state in (State.DELIVERING, State.DONE):
            await self._speaker.finished(now)
        elif now.state in (State.FAILED, State.CANCELLED):
            with suppress(ChatGone, ChatMoved, TelegramTrouble):  # it was said once
                await self._say_how_it_ended(now)

    def ring(self) -> None:
        """The queue changed, or a place became free."""
        self._bell.set()

    async def enqueue(self, id_: int, **changes: object) -> Portrait | None:
        """Queue a portrait, unless today's limit is used up; None when it cannot be queued from where it is."""
        portrait = await self._storage.portraits.get(id_)
        if portrait is None:
            return None
        if portrait.queued_at is None and (over := await self._limits.over(portrait.owner, portrait.chat)):
            # What was answered is kept for the next try, on another day.
            changes |= {"failure": f"limit_{over[0]}", "failed_photo": "", "expected_text": ""}
            portraits, now = self._storage.portraits, self._storage.now()
            if portrait.state is State.FAILED:
                failed = await portraits.change(id_, now, **changes)
                await portraits.untold(id_)
            else:
                failed = await portraits.advance(id_, State.FAILED, now, **changes)
            self.serve(id_)
            return failed
        queued = await self._storage.portraits.advance(
            id_, State.QUEUED, self._storage.now(), failure="", failed_photo="", expected_text="", **changes
        )
        if queued:
            if portrait.queued_at is None:
                await self._limits.count(queued.owner, queued.chat)
            await self._speaker.queued(queued, 0, None, False)  # a press is seen at once; the place follows
        self.ring()
        return queued

    def _served(self, id_: int, task: asyncio.Task[None]) -> None:
        del self._tasks[id_]
        if not task.cancelled() and (error := task.exception()):
            _logger.error("portrait %d is left as it is for a while: %s", id_, trail(error))
            asyncio.get_running_loop().call_later(_PATIENCE_S[-1], self.serve, id_)
        if id_ in self._changed:
            self._changed.discard(id_)
            self.serve(id_)

    async def _serve(self, id_: int) -> None:
        """Step by step for as long as the row's state calls for something."""
        waits_s = pauses(_PATIENCE_S)
        while portrait := await self._storage.portraits.get(id_):
            step = self._steps.get(portrait.state)
            if step is None:
                return
            if portrait.state is State.RUNNING and id_ not in self._running:  # nothing could be written when it ended
                await self._requeue(portrait)
                return
            try:
                await self._take(step, portrait)
            except TelegramTrouble as trouble:
                pause_s = next(waits_s)
                _logger.warning("portrait %d: Telegram: %s, again in %.0f s", id_, trouble, pause_s)
                await asyncio.sleep(pause_s)
                continue
            except ChatMoved as moved:
                await self.move_group(portrait.chat, moved.new_id, portrait.id)
                continue
            after = await self._storage.portraits.get(id_)
            if after is None or after.state is portrait.state:
                return

    async def _take(self, step: Callable[[Portrait], Awaitable[None]], portrait: Portrait) -> None:
        """One step, and what becomes of the row when it fails."""
        try:
            await step(portrait)
        except (TelegramTrouble, ChatMoved):
            raise
        except EngineStopped:
            if not self._closing and portrait.state is State.RUNNING:
                await self._requeue(portrait)
            # Otherwise the row stays as it is, and a restart goes on with it.
        except ChatGone:
            await self._give_up_chat(portrait)
        except (PhotoError, FileGone, EngineFault, OperatorError) as error:
            await self._fail(portrait, error)
        except Exception as error:  # whatever it is, one portrait's trouble is nobody else's
            _logger.error("portrait %d failed: %s", portrait.id, trail(error))
            await self._fail(portrait, error)
        finally:
            if portrait.state is State.RUNNING:  # its row says so no more: whoever waits for the place may have it
                self._running.pop(portrait.id, None)
                self._told.pop(portrait.id, None)
                self.ring()

    # ---- the steps

    async def _look(self, portrait: Portrait) -> None:
        """Fetch the photo and see what is in it; then ask the owner."""
        async with meanwhile(self._speaker.looking, portrait):
            if portrait.photo is None:
                photo = await self._fetch(portrait.file_id)
                kept = await self._storage.portraits.keep(portrait.id, self._storage.now(), photo=photo)
                if kept is None:
                    return
            else:
                photo = await self._storage.media.read(portrait.photo)
            findings = Findings.of(await self._engine.recognise(photo))
        found = {"recognition": findings.to_json(), "species": findings.species}
        if not findings.pet and not portrait.anyway:
            await self._storage.portraits.change(portrait.id, self._storage.now(), **found)
            raise PhotoError(PhotoReason.NO_PET)
        if len(findings.heads) > 1:
            state = State.AWAITING_HEAD
        else:
            portrait = await self._storage.portraits.get(portrait.id) or portrait  # its breed may be known by now
            state = State.AWAITING_BREED if portrait.breed is None else State.AWAITING_BABY_PHOTO
        await self._storage.portraits.advance(portrait.id, state, self._storage.now(), head=0, **found)

    async def _ask(self, portrait: Portrait) -> None:
        if portrait.state is State.AWAITING_BABY_PHOTO and (pet := await self._named_pet(portrait)):
            known = {"pet": pet.id, "name": pet.name}
            if pet.baby_photo and not portrait.baby_file_id:
                await self._speaker.looking(portrait, 1)  # nothing was asked yet: the progress needs its message
                await self.enqueue(portrait.id, baby_photo=pet.baby_photo, **known)
                return
            portrait = await self._storage.portraits.change(portrait.id, self._storage.now(), **known) or portrait
        await self._speaker.ask(portrait)
        await self._storage.portraits.told(portrait.id, portrait.state)

    async def _named_pet(self, portrait: Portrait) -> Pet | None:
        """The pet that its caption named and that we know, before the portrait is linked to it."""
        if not portrait.name or portrait.pet is not None:
            return None
        for pet in await self._storage.people.pets(portrait.owner):
            alike = not portrait.species or pet.species in (portrait.species, "")
            if alike and pet.name.casefold() == portrait.name.casefold():
                return pet
        return None

    async def _tell(self, portrait: Portrait) -> None:
        """Say how it ended, once; of what was cancelled nothing is kept."""
        if portrait.told == portrait.state:
            return
        with suppress(ChatGone):  # then nobody wants to know
            await self._say_how_it_ended(portrait)
        if portrait.state is State.CANCELLED:
            if photos := await self._storage.portraits.own_photos(portrait.id):
                await self._engine.forget(photos)
            await self._storage.portraits.empty(portrait.id)
        await self._storage.portraits.told(portrait.id, portrait.state)

    async def _look_at_baby(self, portrait: Portrait) -> None:
        """Fetch the baby photo and see that it can be used."""
        async with meanwhile(self._speaker.looking, portrait):
            baby = await self._fetch(portrait.baby_file_id or "")
            if await self._storage.portraits.keep(portrait.id, self._storage.now(), baby_photo=baby) is None:
                return
            try:
                await self._engine.recognise(baby)
            except PhotoError as error:
                raise PhotoError(error.reason, "baby_photo") from None
        await self.enqueue(portrait.id)

    async def _run(self, portrait: Portrait) -> None:
        """Let the engine work; then the results wait to be sent."""
        began = time.monotonic()
        self._told[portrait.id] = portrait
        request = await self._request(portrait)
        made = await self._engine.rejuvenate(request, lambda progress: self._progressed(portrait.id, progress))
        self._recent_s.append(time.monotonic() - began)
        results = made_results(portrait.age, made.still, made.whole, made.card, made.film)
        await self._storage.portraits.finish(
            portrait.id,
            made.latent,
            results,
            self._storage.now(),
            network=made.network,
            species=made.species,
            breed=portrait.breed or "",
        )

    # ---- their parts

    async def _say_how_it_ended(self, portrait: Portrait) -> None:
        await (self._speaker.failed if portrait.state is State.FAILED else self._speaker.cancelled)(portrait)

    async def _fetch(self, file_id: str) -> bytes:
        """However long it takes: that it did not work could not be said either while Telegram is away."""
        waits_s = pauses(_PATIENCE_S)
        while True:
            try:
                return await self._speaker.fetch(file_id)
            except TelegramTrouble:
                await asyncio.sleep(next(waits_s))

    async def _request(self, portrait: Portrait) -> Rejuvenate:
        media = self._storage.media
        return Rejuvenate(
            id=str(portrait.id),
            photo=await media.read(portrait.photo or ""),
            breed=portrait.breed or "",
            species=Species(portrait.species) if portrait.species else None,
            baby_photo=await media.read(portrait.baby_photo) if portrait.baby_photo and portrait.age > 0 else None,
            age=portrait.age,
            head=portrait.head or 0,
            anyway=portrait.anyway,
            card=card_text(portrait, portrait.age),
        )

    def _progressed(self, id_: int, progress: Progress) -> None:
        if id_ not in self._running:
            return
        if progress.eta_s is None and self._recent_s:  # the engine has just been started; we remember earlier ones
            left_s = median(self._recent_s) - (time.monotonic() - self._running[id_])
            progress = replace(progress, eta_s=left_s if left_s > 0 else None)
        self._speaker.progress(self._told[id_], progress)

    async def _fail(self, portrait: Portrait, error: Exception) -> None:
        now, portraits = self._storage.now(), self._storage.portraits
        if portrait.state is State.DONE:  # the portrait itself is fine; what was asked for later is not
            for result in await portraits.unsent(portrait.id):
                await portraits.not_sent(result, Notice.SORRY)
                self.serve(portrait.id)  # the next step says it
            await self._speaker.alarm(portrait, reason_of(error))
            return
        fetching_baby = isinstance(error, FileGone) and portrait.state is State.BABY_RECEIVED
        if fetching_baby or (isinstance(error, PhotoError) and error.which == "baby_photo"):
            await portraits.advance(
                portrait.id,
                State.AWAITING_BABY_PHOTO,
                now,
                failure=reason_of(error),
                failed_photo="baby_photo",
                baby_photo=None,
                baby_file_id=None,
            )
            return  # the next step asks
        failed_photo = error.which if isinstance(error, PhotoError) else ""
        failed = await portraits.advance(
            portrait.id, State.FAILED, now, failure=reason_of(error), failed_photo=failed_photo
        )
        if failed is None or (portrait.state is State.RECEIVED and await self._try_album(failed)):
            return
        if not isinstance(error, PhotoError | FileGone):
            await self._speaker.alarm(portrait, reason_of(error))

    async def _try_album(self, failed: Portrait) -> bool:
        """The first good photo of an album counts: begin again with the second when the first one is none."""
        if not failed.baby_file_id or not failed.failed_photo:
            return False
        await self._storage.portraits.advance(
            failed.id,
            State.RECEIVED,
            self._storage.now(),
            file_id=failed.baby_file_id,
            baby_file_id=None,
            photo=None,
            failure="",
            failed_photo="",
        )
        self.serve(failed.id)
        return True

    async def _give_up_chat(self, portrait: Portrait) -> None:
        """Nobody is there to answer: note it and stop."""
        await self._storage.portraits.advance(portrait.id, State.FAILED, self._storage.now(), failure="chat_gone")
        for result in await self._storage.portraits.unsent(portrait.id):
            await self._storage.portraits.not_sent(result)
        for notice, age in await self._storage.portraits.notices(portrait.id):
            await self._storage.portraits.said(portrait.id, notice, age)
        if portrait.in_group:
            await self._storage.people.leave_group(portrait.chat)
        else:
            await self._storage.people.mark_unreachable(portrait.owner)

    # ---- the queue

    async def _start_next(self) -> None:
        waiting = False
        while True:
            with suppress(TimeoutError):  # somebody waits: the estimate goes down as time passes
                await asyncio.wait_for(self._bell.wait(), _ESTIMATE_S if waiting else None)
            self._bell.clear()
            try:
                await self._fill_places()
                waiting = await self._announce()
            except Exception as error:
                _logger.error("the queue could not be looked at: %s", trail(error))

    async def _requeue(self, portrait: Portrait) -> None:
        """Back to its place in the queue."""
        await self._storage.portraits.advance(
            portrait.id, State.QUEUED, self._storage.now(), queued_at=portrait.queued_at
        )
        self.ring()

    async def _fill_places(self) -> None:
        for id_ in list(self._running):  # cancelled or deleted before its task had come to it
            portrait = await self._storage.portraits.get(id_)
            if portrait is None or portrait.state is not State.RUNNING:
                self._running.pop(id_, None)
                self._told.pop(id_, None)
        if await self._storage.paused():
            return
        while len(self._running) < self._parallel:
            portrait = await self._storage.portraits.start_next(self._storage.now())
            if portrait is None:
                return
            self._running[portrait.id] = time.monotonic()
            self.serve(portrait.id)

    async def _announce(self) -> bool:
        """Tell everybody in the queue how many are before them and how long it takes; gives whether anybody waits."""
        paused = await self._storage.paused()
        queue = await self._storage.portraits.queue()
        for place, (portrait, wait_s) in enumerate(zip(queue, self._waits_s(), strict=False)):
            await self._speaker.queued(portrait, place + len(self._running), wait_s, paused)
        return bool(queue)

    def _waits_s(self) -> Iterator[float | None]:
        """How long until the first in the queue is done, the second, …, at the pace of the last portraits.

        Each takes the place that becomes free next. None while nothing is known.
        """
        if not self._recent_s:
            yield from repeat(None)
        each_s, now = median(self._recent_s), time.monotonic()
        # What takes longer than usual may end at any moment.
        free_in = [max(0.0, each_s - (now - since)) for since in self._running.values()]
        free_in += [0.0] * (self._parallel - len(free_in))
        heapify(free_in)
        while True:
            done_in = free_in[0] + each_s
            heapreplace(free_in, done_in)
            yield done_in
