"""The steps of a portrait until its results are made: looking at its photos, asking, and the engine's work."""

import time
from contextlib import suppress
from dataclasses import replace

from bot.portraits.activity import showing
from bot.portraits.album_choice import best_of_album
from bot.portraits.backoff import backoff, retry
from bot.portraits.dispatcher import Dispatcher
from bot.portraits.engine_results import RELEASE, card_text, made_results
from bot.portraits.errors import ChatGone, MessengerUnavailable
from bot.portraits.findings import Findings
from bot.portraits.messenger import Messenger
from bot.portraits.question_order import next_question
from bot.portraits.shared_photos import SharedPhotos
from bot.timings import Timings
from engine import EngineClient, PhotoError, Progress, Rejuvenate, Species
from storage import Pet, PhotoRole, Portrait, PortraitChanges, State, Storage


class PortraitSteps:
    """One method a step; each reads the row it is given and leaves the portrait in the next state.

    They raise the errors of `bot.portraits.errors` and those of the engine.
    """

    def __init__(
        self,
        storage: Storage,
        engine: EngineClient,
        messenger: Messenger,
        dispatcher: Dispatcher,
        shared_photos: SharedPhotos,
        timings: Timings,
    ) -> None:
        self._storage = storage
        self._engine = engine
        self._messenger = messenger
        self._dispatcher = dispatcher
        self._timings = timings
        self._shared_photos = shared_photos

    async def look(self, portrait: Portrait) -> None:
        """Fetch the photo and see what is in it; the owner is asked next."""
        async with showing(self._messenger.show_looking, portrait, self._timings.action_interval_s):
            photo = await self._photo(portrait)
            if photo is None:
                return
            recognition = await self._engine.recognise(photo)
        findings = Findings.of(recognition)
        now = await self._storage.portraits.get(portrait.id) or portrait  # its breed may be known by now
        chosen = now.together is not None
        head = now.head or 0 if chosen else 0
        found: PortraitChanges = {
            "recognition": findings.to_json(),
            "species": findings.of_head(head).species if chosen else findings.species,
            "photo_quality": findings.look_of(head).quality_class,
        }
        await self._storage.portraits.change(portrait.id, self._storage.now(), **found)
        state = next_question(replace(now, head=head), findings, chosen)
        if state is State.AWAITING_HEAD and recognition.numbered:
            numbered = recognition.numbered
            await self._storage.portraits.store_files(portrait.id, self._storage.now(), numbered=numbered)
        await self._storage.portraits.advance(portrait.id, state, self._storage.now(), head=head)

    async def _photo(self, portrait: Portrait) -> bytes | None:
        """The photo, fetched once; of an album, the best one. None when the row is gone."""
        if portrait.photo is not None:
            return await self._storage.media.read(portrait.photo)
        if portrait.album and portrait.album_message is None and await self._storage.albums.of(portrait.id):
            quiet_s = self._timings.album_quiet_s
            best, photo = await best_of_album(portrait, self._storage, self._engine, self._fetch, quiet_s)
            kept = await self._storage.portraits.change(
                portrait.id,
                self._storage.now(),
                file_id=best.file_id,
                file_unique_id=best.file_unique_id,
                album_message=best.message,
            )
        else:
            photo = await self._fetch(portrait.file_id)
            kept = portrait
        stored = kept and await self._storage.portraits.store_files(portrait.id, self._storage.now(), photo=photo)
        return photo if stored else None

    async def ask(self, portrait: Portrait) -> None:
        """Ask what the state calls for, unless the pet that the caption named is known with its baby photo."""
        if portrait.state is State.AWAITING_BABY_PHOTO and (pet := await self._named_pet(portrait)):
            known: PortraitChanges = {"pet": pet.id, "name": pet.name}
            if pet.baby_photo and not portrait.baby_file_id:
                known["baby_photo"] = pet.baby_photo
                await self._dispatcher.enqueue(portrait.id, **known)
                return
            portrait = await self._storage.portraits.change(portrait.id, self._storage.now(), **known) or portrait
        if portrait.album and not portrait.told_album:
            now, told = self._storage.now(), portrait.state
            portrait = await self._storage.portraits.change(portrait.id, now, told_album=told) or portrait
        await self._messenger.ask(portrait)
        await self._storage.portraits.mark_announced(portrait.id, portrait.state)

    async def look_at_baby_photo(self, portrait: Portrait) -> None:
        """Fetch the baby photo and see that it can be used; then the portrait is queued."""
        async with showing(self._messenger.show_looking, portrait, self._timings.action_interval_s):
            try:
                baby = await self._fetch(portrait.baby_file_id or "")
                if await self._storage.portraits.store_files(portrait.id, self._storage.now(), baby_photo=baby) is None:
                    return
                await self._engine.recognise(baby)
            except PhotoError as error:
                raise PhotoError(error.reason, PhotoRole.BABY_PHOTO) from None
        await self._dispatcher.enqueue(portrait.id)

    async def rejuvenate(self, portrait: Portrait) -> None:
        """Let the engine work; then the results wait to be sent."""
        await self._shared_photos.begin_next(portrait)
        began = time.monotonic()
        self._dispatcher.show_progress_of(portrait)
        request = await self._request(portrait)
        made = await self._engine.rejuvenate(request, lambda progress: self._show_progress(portrait.id, progress))
        self._dispatcher.estimate.remember(time.monotonic() - began)
        await self._storage.results.finish(
            portrait.id,
            made.latent,
            made_results(portrait.age, made.still, made.whole, made.card, made.film),
            self._storage.now(),
            network=made.network,
            release=RELEASE,
            species=made.species,
            breed=portrait.breed or "",
        )

    async def announce_end(self, portrait: Portrait) -> None:
        """Say once that it failed or was cancelled; of what was cancelled nothing is kept."""
        if portrait.announced:
            return
        with suppress(ChatGone):  # then nobody wants to know
            await self.say_how_it_ended(portrait)
        if portrait.state is State.CANCELLED:
            if photos := await self._storage.portraits.own_photos(portrait.id):
                await self._engine.forget(photos)
            await self._storage.portraits.erase(portrait.id)
        await self._shared_photos.show_all(portrait)
        await self._storage.portraits.mark_announced(portrait.id, portrait.state)

    async def say_how_it_ended(self, portrait: Portrait) -> None:
        """Say that it failed or was cancelled, whether that was said before or not."""
        if portrait.state is State.FAILED:
            await self._messenger.show_failure(portrait)
        else:
            await self._messenger.show_cancelled(portrait)

    async def _named_pet(self, portrait: Portrait) -> Pet | None:
        """The known pet that the caption named, before the portrait is linked to it."""
        if not portrait.name or portrait.pet is not None:
            return None
        for pet in await self._storage.pets.of_owner(portrait.owner):
            alike = not portrait.species or pet.species in (portrait.species, "")
            if alike and pet.name.casefold() == portrait.name.casefold():
                return pet
        return None

    async def _fetch(self, file_id: str) -> bytes:
        """However long it takes: that it did not work could not be said either while the messenger is unavailable."""
        pauses_s = backoff(self._timings.step_retries_s)
        return await retry(lambda: self._messenger.fetch(file_id), pauses_s, retry_on=MessengerUnavailable)

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

    def _show_progress(self, id_: int, progress: Progress) -> None:
        running = self._dispatcher.running.get(id_)
        if running is None:
            return
        if progress.eta_s is None:  # the engine has just been started; we remember earlier portraits
            progress = replace(progress, eta_s=self._dispatcher.estimate.remaining_s(running.elapsed_s))
        self._messenger.show_progress(running.portrait, progress)
