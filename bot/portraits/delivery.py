"""Brings results to their owners: those of a new portrait, and what is asked for later."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from bot.portraits.activity import showing
from bot.portraits.backoff import backoff, retry
from bot.portraits.errors import DeliveryUncertain, MediaRefused, MediaUnusable, TooLarge
from bot.portraits.film_compression import halved
from bot.portraits.messenger import Alerts, Messenger, StickerSetMaker
from bot.portraits.pack_filling import PackFilling
from bot.portraits.result_making import ResultMaker
from bot.portraits.shared_photos import SharedPhotos
from bot.timings import Timings
from engine import EngineClient
from storage import UNKNOWN_MESSAGE, Kind, Made, Notice, Portrait, Result, State, Storage

_NOTICES = {
    DeliveryUncertain: Notice.DELIVERY_UNCERTAIN,
    MediaRefused: Notice.MEDIA_REFUSED,
    MediaUnusable: Notice.NOT_TAKEN,
}


_T = TypeVar("_T")


class Delivery:
    """The steps of a portrait whose results are made."""

    def __init__(
        self,
        storage: Storage,
        engine: EngineClient,
        messenger: Messenger,
        sticker_sets: StickerSetMaker,
        alerts: Alerts,
        shared_photos: SharedPhotos,
        timings: Timings,
    ) -> None:
        self._storage = storage
        self._messenger = messenger
        self._shared_photos = shared_photos
        self._timings = timings
        self._maker = ResultMaker(storage, engine, alerts)
        self._packs = PackFilling(storage, sticker_sets)
        self._uploads: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Give uploads under way a moment, so that nothing is sent twice later."""
        if self._uploads:
            _, late = await asyncio.wait(self._uploads, timeout=self._timings.uploads_grace_s)
            for upload in late:
                upload.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def deliver(self, portrait: Portrait) -> None:
        """Send what is not sent yet; then the portrait is done. A pet that its caption named is known from here on."""
        if portrait.name and portrait.pet is None:
            await self._storage.pets.name(portrait.id, portrait.name, self._storage.now())
            portrait = await self._storage.portraits.get(portrait.id) or portrait
        async with showing(self._messenger.show_sending, portrait, self._timings.action_interval_s):
            await self._send_all(portrait)
        await self._send_notices(portrait)
        await self._shared_photos.show_all(portrait)
        done = await self._storage.portraits.advance(portrait.id, State.DONE, self._storage.now())
        if done:
            # As it was before: the owner may have been asked for a name meanwhile, by another message.
            await self._messenger.remove_status(portrait)
            await self._storage.portraits.mark_announced(portrait.id, State.DONE)
            if done.pet is not None:
                await self._storage.pets.use(done.pet, self._storage.now())

    async def fulfil(self, portrait: Portrait) -> None:
        """Make and send what the owner asked for after the portrait was done."""
        if not portrait.announced and not portrait.expected_text:  # a process was killed just before it
            await self._messenger.remove_status(portrait)
            await self._storage.portraits.mark_announced(portrait.id, State.DONE)
        while wanted := await self._storage.results.unsent(portrait.id):
            async with showing(self._messenger.show_sending, portrait, self._timings.action_interval_s):
                await self._maker.make(portrait, wanted)
                await self._send_all(portrait)
        await self._send_notices(portrait)

    async def _send_all(self, portrait: Portrait) -> None:
        for result in await self._storage.results.unsent(portrait.id):
            if result.digest is not None:
                fill = result.kind is not Kind.PACK or await self._uninterrupted(self._packs.fill(portrait, result))
                if fill:
                    await self._uninterrupted(self._send(portrait, result))

    async def _uninterrupted(self, sending: Coroutine[Any, Any, _T]) -> _T:
        """Send and note something, never torn apart by a cancellation in between."""
        upload = asyncio.create_task(sending)
        self._uploads.add(upload)
        upload.add_done_callback(self._ended)
        return await asyncio.shield(upload)

    def _ended(self, upload: asyncio.Task[Any]) -> None:
        self._uploads.discard(upload)
        if not upload.cancelled():
            upload.exception()  # seen: whoever awaited it may be gone, and another attempt follows

    async def _send(self, portrait: Portrait, result: Result, may_shrink: bool = True) -> None:
        results, on_wire = self._storage.results, False
        before = await results.shown_instead(result)

        async def note(on: bool) -> None:
            nonlocal on_wire
            await results.mark_sending(result.id, on)
            on_wire = on

        try:
            shown = await self._messenger.replace_result(portrait, before, result) if before else None
            sent = shown or await self._messenger.send_result(portrait, result, note)
        except (DeliveryUncertain, MediaRefused, MediaUnusable) as error:
            await results.not_sent(result, _NOTICES[type(error)])
        except TooLarge:
            await results.mark_sending(result.id, False)
            smaller = await self._smaller(portrait, result) if may_shrink else None
            if smaller is None:
                await results.not_sent(result, Notice.TOO_LARGE)
            else:
                await self._send(portrait, smaller, may_shrink=False)
        except asyncio.CancelledError:
            if on_wire:  # the bot stops, and the owner may have it
                await asyncio.shield(results.not_sent(result, Notice.DELIVERY_UNCERTAIN))
            raise
        except Exception:  # it did not arrive
            await results.mark_sending(result.id, False)
            raise
        else:
            await self._insist(lambda: results.sent(result.id, sent.message, sent.file_id, instead_of=before))
            await self._take_back_if_deleted(portrait, sent.message)

    async def _insist(self, write: Callable[[], Awaitable[None]]) -> None:
        """Note what cannot be taken back, however long the disk takes no writes."""
        await retry(write, backoff(self._timings.write_retries_s), retry_on=sqlite3.Error)

    async def _smaller(self, portrait: Portrait, result: Result) -> Result | None:
        """Replace a film by a smaller one; None for what is no film, or cannot be made smaller."""
        if result.kind is not Kind.FILM or result.digest is None:
            return None
        media = self._storage.media
        film = await halved(await media.read(result.digest), result.width, result.height, media.root)
        if film is None:
            return None
        thumbnail = await media.read(result.thumbnail) if result.thumbnail else None
        mp4, width, height = film
        made = Made(Kind.FILM, result.age, mp4, True, thumbnail, width, height, result.duration_s)
        await self._storage.results.add(portrait.id, [made], self._storage.now())
        return next((one for one in await self._storage.results.of(portrait.id) if one.id == result.id), None)

    async def _send_notices(self, portrait: Portrait) -> None:
        """It is noted until it is said, so what an ill Telegram does not take now is said later."""
        for notice, age in await self._storage.results.notices(portrait.id):
            await self._uninterrupted(self._send_notice(portrait, notice, age))

    async def _send_notice(self, portrait: Portrait, notice: Notice, age: float) -> None:
        try:
            message = await self._messenger.send_notice(portrait, notice, age)
        except DeliveryUncertain:
            await self._storage.messages.record(portrait.id, portrait.chat, UNKNOWN_MESSAGE)
            raise
        if message is not None:
            await self._storage.messages.record(portrait.id, portrait.chat, message)
            await self._take_back_if_deleted(portrait, message)
        await self._storage.results.delete_notice(portrait.id, notice, age)

    async def _take_back_if_deleted(self, portrait: Portrait, message: int) -> None:
        """What was on its way while its portrait was deleted goes, too."""
        if await self._storage.portraits.get(portrait.id) is None:
            await self._messenger.delete_messages([portrait], {portrait.chat: [message]})
