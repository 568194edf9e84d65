"""Works on portraits, each as its row says, until the row waits for its owner or is done.

A portrait has at most one task here. What happens next is read from the row alone, so a restart goes on with every
unfinished row as if nothing had been.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Self

from bot.operations.error_summary import error_trail
from bot.portraits.backoff import backoff
from bot.portraits.delivery import Delivery
from bot.portraits.disk_trouble import DiskTrouble, is_disk_trouble
from bot.portraits.dispatcher import Dispatcher
from bot.portraits.errors import ChatGone, ChatMoved, FileGone, MessengerUnavailable
from bot.portraits.failures import FailureHandler
from bot.portraits.limits import Limits
from bot.portraits.messenger import Alerts, Messenger, StickerSetMaker
from bot.portraits.portrait_steps import PortraitSteps
from bot.portraits.shared_photos import SharedPhotos
from bot.timings import Timings
from engine import EngineClient, EngineFault, EngineStopped, OperatorError, PhotoError
from storage import RESULT_STATES, Portrait, State, Storage

_logger = logging.getLogger(__name__)


class PortraitWorker:
    """`async with` runs it. `schedule` makes it look at a portrait again after its row was changed."""

    def __init__(
        self,
        storage: Storage,
        engine: EngineClient,
        messenger: Messenger,
        sticker_sets: StickerSetMaker,
        alerts: Alerts,
        limits: Limits,
        timings: Timings,
    ) -> None:
        self._storage = storage
        self._messenger = messenger
        self._timings = timings
        self._alerts = alerts
        self.dispatcher = Dispatcher(
            storage, messenger, limits, self.schedule, lambda: engine.portraits, timings.estimate_interval_s
        )
        engine.on_capacity = self.dispatcher.wake
        shared_photos = SharedPhotos(storage, self.schedule)
        self._delivery = Delivery(storage, engine, messenger, sticker_sets, alerts, shared_photos, timings)
        self._failures = FailureHandler(storage, alerts, self.schedule)
        steps = PortraitSteps(storage, engine, messenger, self.dispatcher, shared_photos, timings)
        self._portrait_steps = steps
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._changed: set[int] = set()  # scheduled while their task was busy
        self._closing = False
        self._steps: dict[State, Callable[[Portrait], Awaitable[None]]] = {
            State.RECEIVED: steps.look,
            State.AWAITING_HEAD: steps.ask,
            State.AWAITING_GO_ON: steps.ask,
            State.AWAITING_BREED: steps.ask,
            State.AWAITING_BABY_PHOTO: steps.ask,
            State.BABY_RECEIVED: steps.look_at_baby_photo,
            State.RUNNING: steps.rejuvenate,
            State.DELIVERING: self._delivery.deliver,
            State.DONE: self._delivery.fulfil,
            State.FAILED: steps.announce_end,
            State.CANCELLED: steps.announce_end,
        }

    async def __aenter__(self) -> Self:
        await self._storage.results.settle_interrupted()
        for portrait in await self._storage.queue.unfinished():
            if portrait.state is State.RUNNING:  # it runs no more
                await self.dispatcher.requeue(portrait)
            self.schedule(portrait.id)
        for id_ in await self._storage.results.ids_with_open_requests():
            self.schedule(id_)
        await self.dispatcher.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop at once, except for uploads under way: those get a moment, so that nothing is sent twice later."""
        self._closing = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await self.dispatcher.__aexit__()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._delivery.close()

    @property
    def running(self) -> int:
        """How many portraits the engine has now."""
        return len(self.dispatcher.running)

    def schedule(self, id_: int) -> None:
        """Do with this portrait what its row says: at once, or after what is being done with it."""
        if id_ in self._tasks:
            self._changed.add(id_)
        elif not self._closing:
            task = asyncio.create_task(self._run(id_), name=f"portrait {id_}")
            self._tasks[id_] = task
            task.add_done_callback(partial(self._finished, id_))

    def scheduled(self, portrait: Portrait | None) -> Portrait | None:
        """Schedule the portrait, if there is one, and return it."""
        if portrait:
            self.schedule(portrait.id)
        return portrait

    def restart(self, id_: int) -> None:
        """Stop what is being done with this portrait, and read its row again."""
        if task := self._tasks.get(id_):
            self._changed.add(id_)
            task.cancel()
        else:
            self.schedule(id_)
        self.dispatcher.wake()

    async def move_group(self, old: int, new: int, except_for: int = 0) -> None:
        """Continue in the chat `new` what was begun in `old`: the group became a supergroup.

        `except_for` is a portrait whose own task asks its question again.
        """
        for id_ in await self._storage.groups.move(old, new):
            portrait = await self._storage.portraits.get(id_)
            if portrait and portrait.state in (State.QUEUED, State.RUNNING):
                await self._show_again(portrait)
            elif id_ != except_for:
                self.schedule(id_)

    async def _show_again(self, portrait: Portrait) -> None:
        """Show in the new chat how far it is, and go on there."""
        await self._messenger.show_moved(portrait)
        now = await self._storage.portraits.get(portrait.id)
        if now is None or self.dispatcher.show_progress_of(now):
            return
        # It ended just then, and nobody else knows of that message.
        if now.state in RESULT_STATES:
            await self._messenger.remove_status(now)
        elif now.state in (State.FAILED, State.CANCELLED):
            with suppress(ChatGone, ChatMoved, MessengerUnavailable):  # it was said once
                await self._portrait_steps.say_how_it_ended(now)

    def _finished(self, id_: int, task: asyncio.Task[None]) -> None:
        del self._tasks[id_]
        if not task.cancelled() and (error := task.exception()):
            _logger.error("portrait %d is left as it is for a while: %s", id_, error_trail(error))
            asyncio.get_running_loop().call_later(self._timings.step_retries_s[-1], self.schedule, id_)
        if id_ in self._changed:
            self._changed.discard(id_)
            self.schedule(id_)

    async def _run(self, id_: int) -> None:
        """Step by step for as long as the row's state calls for something."""
        pauses_s = backoff(self._timings.step_retries_s)
        while portrait := await self._storage.portraits.get(id_):
            step = self._steps.get(portrait.state)
            if step is None:
                return
            if portrait.state is State.RUNNING and id_ not in self.dispatcher.running:
                await self.dispatcher.requeue(portrait)  # nothing could be written when it ended
                return
            try:
                await self._run_step(step, portrait)
            except MessengerUnavailable as trouble:
                pause_s = next(pauses_s)
                _logger.warning("portrait %d: Telegram: %s, again in %.0f s", id_, trouble, pause_s)
                await asyncio.sleep(pause_s)
                continue
            except DiskTrouble as trouble:
                pause_s = next(pauses_s)
                _logger.error("portrait %d: the disk takes no writes: %s, again in %.0f s", id_, trouble, pause_s)
                await self._alerts.update_failed(str(trouble))
                await asyncio.sleep(pause_s)
                continue
            except ChatMoved as moved:
                await self.move_group(portrait.chat, moved.new_id, except_for=portrait.id)
                continue
            after = await self._storage.portraits.get(id_)
            if after is None or after.state is portrait.state:
                return

    async def _run_step(self, step: Callable[[Portrait], Awaitable[None]], portrait: Portrait) -> None:
        """One step, and what becomes of the row when it fails."""
        try:
            await step(portrait)
        except (MessengerUnavailable, ChatMoved):
            raise
        except EngineStopped:
            if not self._closing and portrait.state is State.RUNNING:
                await self.dispatcher.requeue(portrait)
            # Otherwise the row stays as it is, and a restart goes on with it.
        except ChatGone as error:
            if not await self._failures.continue_in_private(portrait):
                await self._failures.give_up_chat(portrait, error)
        except (PhotoError, FileGone, EngineFault, OperatorError) as error:
            await self._failures.fail(portrait, error)
        except Exception as error:  # whatever it is, one portrait's trouble is nobody else's
            if is_disk_trouble(error):
                raise DiskTrouble(type(error).__name__) from None
            now = await self._storage.portraits.get(portrait.id)
            if now is None or now.state is not portrait.state:  # cancelled or deleted, and its files with it
                _logger.info("portrait %d has no use for this step any more: %s", portrait.id, type(error).__name__)
                return
            _logger.error("portrait %d failed: %s", portrait.id, error_trail(error))
            await self._failures.fail(portrait, error)
        finally:
            if portrait.state is State.RUNNING:  # its row says so no more: whoever waits for the place may have it
                self.dispatcher.release(portrait.id)
