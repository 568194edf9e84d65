"""Bringing results to their owners: those of a new portrait, and what is asked for later."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import date
from itertools import count
from typing import Any

from bot.messaging.errors import FileGone, MediaRefused, Unsure, short
from bot.messaging.views import title
from bot.portraits.messenger import Messenger
from bot.texts import words_for
from engine import CardText, EngineClient, EngineFault, Film, OperatorError, PhotoError, Reimagine
from storage import Kind, Made, Notice, Portrait, Result, State, Storage

_SHOWN_S = 4.5  # how long the app shows that somebody is typing, a little less
_LAST_UPLOADS_S = 3.0  # an upload that is nearly through may end before we stop


class Delivery:
    """The steps of a portrait whose results are made."""

    def __init__(self, storage: Storage, engine: EngineClient, speaker: Messenger) -> None:
        self._storage = storage
        self._engine = engine
        self._speaker = speaker
        self._uploads: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Give uploads under way a moment, so that nothing is sent twice later."""
        if self._uploads:
            _, late = await asyncio.wait(self._uploads, timeout=_LAST_UPLOADS_S)
            for upload in late:
                upload.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def deliver(self, portrait: Portrait) -> None:
        """Send what is not sent yet; then the portrait is done. A pet that its caption named is known from here on."""
        if portrait.name and portrait.pet is None:
            await self._storage.people.name_pet(portrait.id, portrait.name, self._storage.now())
            portrait = await self._storage.portraits.get(portrait.id) or portrait
        async with meanwhile(self._speaker.sending, portrait):
            await self._send_all(portrait)
        await self._say_what_is_to_be_said(portrait)
        done = await self._storage.portraits.advance(portrait.id, State.DONE, self._storage.now())
        if done:
            # As it was before: the owner may have been asked for a name meanwhile, by another message.
            await self._speaker.finished(portrait)
            await self._storage.portraits.told(portrait.id, State.DONE)
            if done.pet is not None:
                await self._storage.people.use_pet(done.pet, self._storage.now())

    async def fulfil(self, portrait: Portrait) -> None:
        """Make and send what the owner asked for after the portrait was done."""
        if portrait.told != portrait.state and not portrait.expected_text:  # a process was killed just before it
            await self._speaker.finished(portrait)
            await self._storage.portraits.told(portrait.id, State.DONE)
        while wanted := await self._storage.portraits.unsent(portrait.id):
            async with meanwhile(self._speaker.sending, portrait):
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
        except (EngineFault, OperatorError, PhotoError) as error:
            await self._storage.portraits.unwant(portrait.id, age, Notice.SORRY)
            await self._speaker.alarm(portrait, reason_of(error))
            return
        if made.latent is not None:
            await self._storage.portraits.keep(portrait.id, self._storage.now(), latent=made.latent)
        results = made_results(age, made.still, made.whole, made.card, made.film)
        await self._storage.portraits.add_results(portrait.id, results, self._storage.now())
        # Asked for, but not to be had of this photo.
        await self._storage.portraits.unwant(portrait.id, age, Notice.ONLY_FACE)

    async def _send_all(self, portrait: Portrait) -> None:
        for result in await self._storage.portraits.unsent(portrait.id):
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
            sent = await self._speaker.send(portrait, result)
        except Unsure:
            await self._storage.portraits.not_sent(result, Notice.UNSURE)
        except MediaRefused:
            await self._storage.portraits.not_sent(result, Notice.REFUSED)
        else:
            await self._storage.portraits.sent(result.id, sent.message, sent.file_id)
            await self._take_back_if_deleted(portrait, sent.message)

    async def _say_what_is_to_be_said(self, portrait: Portrait) -> None:
        """It is noted until it is said, so what an ill Telegram does not take now is said later."""
        for notice, age in await self._storage.portraits.notices(portrait.id):
            await self._whole(self._say(portrait, notice, age))

    async def _say(self, portrait: Portrait, notice: Notice, age: float) -> None:
        try:
            message = await self._speaker.say(portrait, notice, age)
        except Unsure:
            await self._storage.portraits.shown(portrait.id, portrait.chat, 0)
            raise
        if message is not None:
            await self._storage.portraits.shown(portrait.id, portrait.chat, message)
            await self._take_back_if_deleted(portrait, message)
        await self._storage.portraits.said(portrait.id, notice, age)

    async def _take_back_if_deleted(self, portrait: Portrait, message: int) -> None:
        """What was on its way while its portrait was deleted goes, too."""
        if await self._storage.portraits.get(portrait.id) is None:
            await self._speaker.erase([portrait], {portrait.chat: [message]})


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
                await asyncio.wait_for(done.wait(), _SHOWN_S)
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
        title=title(words, portrait),
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


def reason_of(error: Exception) -> str:
    """What the row remembers: a photo's reason, else the type of the error, never its words."""
    if isinstance(error, PhotoError):
        return error.reason
    if isinstance(error, FileGone):
        return "not_fetched"
    return str(error) if isinstance(error, EngineFault | OperatorError) else short(error)
