"""Bringing results to their owners: those of a new portrait, and what is asked for later."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import date
from itertools import count
from typing import Any

from bot.error_summary import error_type
from bot.portraits.errors import DeliveryUncertain, FileGone, MediaRefused
from bot.portraits.messenger import Messenger
from bot.portraits.titles import portrait_title
from bot.texts import words_for
from engine import CardText, EngineClient, EngineFault, Film, PhotoError, Reimagine
from storage import UNKNOWN_MESSAGE, Failure, FailureReason, Kind, Made, Notice, Portrait, Result, State, Storage

_ACTION_INTERVAL_S = 4.5  # s; Telegram shows "typing…" for five
_UPLOADS_GRACE_S = 3.0  # s for uploads that are nearly through when the bot stops; longer delays the stop


class Delivery:
    """The steps of a portrait whose results are made."""

    def __init__(self, storage: Storage, engine: EngineClient, messenger: Messenger) -> None:
        self._storage = storage
        self._engine = engine
        self._messenger = messenger
        self._uploads: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Give uploads under way a moment, so that nothing is sent twice later."""
        if self._uploads:
            _, late = await asyncio.wait(self._uploads, timeout=_UPLOADS_GRACE_S)
            for upload in late:
                upload.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def deliver(self, portrait: Portrait) -> None:
        """Send what is not sent yet; then the portrait is done. A pet that its caption named is known from here on."""
        if portrait.name and portrait.pet is None:
            await self._storage.pets.name(portrait.id, portrait.name, self._storage.now())
            portrait = await self._storage.portraits.get(portrait.id) or portrait
        async with meanwhile(self._messenger.sending, portrait):
            await self._send_all(portrait)
        await self._say_what_is_to_be_said(portrait)
        done = await self._storage.portraits.advance(portrait.id, State.DONE, self._storage.now())
        if done:
            # As it was before: the owner may have been asked for a name meanwhile, by another message.
            await self._messenger.finished(portrait)
            await self._storage.portraits.mark_announced(portrait.id, State.DONE)
            if done.pet is not None:
                await self._storage.pets.use(done.pet, self._storage.now())

    async def fulfil(self, portrait: Portrait) -> None:
        """Make and send what the owner asked for after the portrait was done."""
        if not portrait.announced and not portrait.expected_text:  # a process was killed just before it
            await self._messenger.finished(portrait)
            await self._storage.portraits.mark_announced(portrait.id, State.DONE)
        while wanted := await self._storage.results.unsent(portrait.id):
            async with meanwhile(self._messenger.sending, portrait):
                for age in {result.age for result in wanted if result.digest is None}:
                    await self._reimagine(portrait, age)
                await self._send_all(portrait)
        await self._say_what_is_to_be_said(portrait)

    async def _reimagine(self, portrait: Portrait, age: float) -> None:
        now = await self._storage.portraits.get(portrait.id)
        if now is None:
            return
        latent = await self._storage.media.read(now.latent or "")  # it may have been made anew meanwhile
        request = Reimagine(f"{portrait.id}@{age:.2f}", latent, age, film=True, card=card_text(portrait, age))
        try:
            made = await self._engine.reimagine(request)
        except (EngineFault, PhotoError) as error:
            await self._storage.results.drop_requests(portrait.id, age, Notice.NOT_MADE)
            await self._messenger.alarm(portrait, str(failure_of(error)))
            return
        if made.latent is not None:
            await self._storage.portraits.store_files(portrait.id, self._storage.now(), latent=made.latent)
        results = made_results(age, made.still, made.whole, made.card, made.film)
        await self._storage.results.add(portrait.id, results, self._storage.now())
        # Asked for, but not to be had of this photo.
        await self._storage.results.drop_requests(portrait.id, age, Notice.NO_WHOLE_PHOTO)

    async def _send_all(self, portrait: Portrait) -> None:
        for result in await self._storage.results.unsent(portrait.id):
            if result.digest is not None:
                await self._whole(self._send(portrait, result))

    async def _whole(self, sending: Coroutine[Any, Any, None]) -> None:
        """Send and note something, never torn apart by a cancellation in between."""
        upload = asyncio.create_task(sending)
        self._uploads.add(upload)
        upload.add_done_callback(self._uploads.discard)
        await asyncio.shield(upload)

    async def _send(self, portrait: Portrait, result: Result) -> None:
        try:
            sent = await self._messenger.send(portrait, result)
        except DeliveryUncertain:
            await self._storage.results.not_sent(result, Notice.DELIVERY_UNCERTAIN)
        except MediaRefused:
            await self._storage.results.not_sent(result, Notice.MEDIA_REFUSED)
        else:
            await self._storage.results.sent(result.id, sent.message, sent.file_id)
            await self._take_back_if_deleted(portrait, sent.message)

    async def _say_what_is_to_be_said(self, portrait: Portrait) -> None:
        """It is noted until it is said, so what an ill Telegram does not take now is said later."""
        for notice, age in await self._storage.results.notices(portrait.id):
            await self._whole(self._say(portrait, notice, age))

    async def _say(self, portrait: Portrait, notice: Notice, age: float) -> None:
        try:
            message = await self._messenger.say(portrait, notice, age)
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
            await self._messenger.erase([portrait], {portrait.chat: [message]})


@asynccontextmanager
async def meanwhile(show: Callable[[Portrait, int], Awaitable[None]], portrait: Portrait) -> AsyncIterator[None]:
    """Show again and again what we are at, with the count of the times: the app forgets it after five seconds.

    What is being shown at the end of the block is shown to its end, so that nothing overtakes it.
    """
    done = asyncio.Event()

    async def keep_showing() -> None:
        for times in count():
            await show(portrait, times)
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), _ACTION_INTERVAL_S)
                return

    showing = asyncio.create_task(keep_showing())
    try:
        yield
        done.set()
        await showing
    finally:
        showing.cancel()


def card_text(portrait: Portrait, age: float) -> CardText:
    words = words_for(portrait.language)
    return CardText(
        title=portrait_title(words, portrait),
        then=words("card.then") if age >= 0 else words("card.grown"),
        now=words("card.now"),
        footer=words("card.footer", date=words.date(date.today())),
    )


def made_results(age: float, still: bytes, whole: bytes | None, card: bytes | None, film: Film | None) -> list[Made]:
    """The engine's answer as results; the still and the film are sent, the others wait to be asked for."""
    made = [Made(Kind.STILL, age, still)]
    if whole is not None:
        made.append(Made(Kind.WHOLE, age, whole, wanted=False))
    if card is not None:
        made.append(Made(Kind.CARD, age, card, wanted=False))
    if film is not None:
        made.append(Made(Kind.FILM, age, film.mp4, True, film.thumbnail, film.width, film.height, film.duration_s))
    return made


def failure_of(error: Exception) -> Failure:
    """What the row remembers: a photo's reason, else the type of the error, never its words."""
    if isinstance(error, PhotoError):
        return Failure(FailureReason(error.reason))
    if isinstance(error, FileGone):
        return Failure(FailureReason.NOT_FETCHED)
    return Failure(FailureReason.DEFECT, error.detail if isinstance(error, EngineFault) else error_type(error))
