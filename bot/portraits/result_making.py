"""Has the engine make what owners ask for when their portrait is finished."""

from collections.abc import Iterable
from dataclasses import replace

from bot.portraits.engine_results import all_text, card_text, export_text, failure_of, made_results
from bot.portraits.messenger import Alerts
from engine import (
    AgeWords,
    Combine,
    EngineClient,
    EngineFault,
    Export,
    Exported,
    Medium,
    OperatorError,
    PhotoError,
    Reimagine,
)
from storage import DRAWN_KINDS, RESULT_STATES, SHARED_KINDS, Kind, Made, Notice, Portrait, Result, Storage

_STRIP_KINDS = (Kind.STRIP, Kind.STRIP_FILE)
_STICKER_KINDS = (Kind.STICKER, Kind.PACK)


class ResultMaker:
    """What it makes is stored; requests that cannot be fulfilled are dropped, and a notice says so."""

    def __init__(self, storage: Storage, engine: EngineClient, alerts: Alerts) -> None:
        self._storage = storage
        self._engine = engine
        self._alerts = alerts

    async def make(self, portrait: Portrait, wanted: Iterable[Result]) -> None:
        """Make what is wanted and not there yet."""
        missing: dict[float, set[Kind]] = {}
        for result in wanted:
            if result.digest is None:
                missing.setdefault(result.age, set()).add(result.kind)
        for age, kinds in missing.items():
            for together in _made_together(kinds):
                await self._make(portrait.id, age, together)

    async def _make(self, id_: int, age: float, kinds: set[Kind]) -> None:
        portrait = await self._storage.portraits.get(id_)  # with the name that it has by now
        if portrait is None:
            return
        try:
            made = await self._made(portrait, age, kinds)
        except (EngineFault, OperatorError, PhotoError) as error:
            await self._storage.results.drop_requests(id_, age, tuple(kinds), Notice.NOT_MADE)
            await self._alerts.portrait_failed(portrait, str(failure_of(error)))
            return
        # The requests' rows say what is wanted.
        await self._storage.results.add(id_, [replace(one, wanted=False) for one in made], self._storage.now())
        # Asked for, but not to be had of this photo.
        await self._storage.results.drop_requests(id_, age, tuple(kinds), Notice.NO_WHOLE_PHOTO)

    async def _made(self, portrait: Portrait, age: float, kinds: set[Kind]) -> list[Made]:
        if kinds <= set(SHARED_KINDS):
            return await self._all(portrait, age)
        latent = await self._storage.media.read(portrait.latent or "")  # it may have been made anew meanwhile
        if kinds <= set(DRAWN_KINDS):
            return await self._drawn(portrait, latent, age, Kind.FILM in kinds)
        if Kind.AGED_FILM in kinds:
            return await self._aged_film(portrait, latent, age)
        kind = next(iter(kinds))
        medium = Medium.STRIP if kind in _STRIP_KINDS else Medium.STICKER if kind in _STICKER_KINDS else Medium(kind)
        request = Export(f"{portrait.id}@{age:.2f}:{medium}", latent, medium, age, export_text(portrait, age))
        made = await self._engine.export(request)
        await self._keep(portrait, made.latent)
        same = {Medium.STRIP: _STRIP_KINDS, Medium.STICKER: _STICKER_KINDS}.get(medium, (kind,))
        return [_exported(one, age, made) for one in same]

    async def _drawn(self, portrait: Portrait, latent: bytes, age: float, film: bool) -> list[Made]:
        still = age == 0.0  # on the way from today to today nothing would move
        request = Reimagine(
            f"{portrait.id}@{age:.2f}", latent, age, film=film and not still, card=card_text(portrait, age)
        )
        made = await self._engine.reimagine(request)
        await self._keep(portrait, made.latent)
        results = made_results(age, made.still, made.whole, made.card, made.film)
        if film and still:
            loop = Export(f"{request.id}:loop", made.latent or latent, Medium.LOOP, portrait.age)
            results.append(_exported(Kind.FILM, age, await self._engine.export(loop)))
        return results

    async def _aged_film(self, portrait: Portrait, latent: bytes, age: float) -> list[Made]:
        ages: AgeWords = export_text(portrait, age).ages
        made = await self._engine.reimagine(Reimagine(f"{portrait.id}@{age:.2f}:ages", latent, age, ages=ages))
        await self._keep(portrait, made.latent)
        film = made_results(age, made.still, None, None, made.film)[-1]
        return [replace(film, kind=Kind.AGED_FILM)]

    async def _all(self, portrait: Portrait, age: float) -> list[Made]:
        pets = [one for one in await self._storage.portraits.together(portrait) if one.state in RESULT_STATES]
        latents = tuple([await self._storage.media.read(one.latent or "") for one in pets])
        request = Combine(f"{portrait.id}@{age:.2f}:all", latents, age, all_text(pets, age))
        made = await self._engine.combine(request)
        for pet, latent in zip(pets, made.latents, strict=False):
            await self._keep(pet, latent)
        all_ = [Made(Kind.ALL_WHOLE, age, made.whole)]
        return all_ if made.card is None else [*all_, Made(Kind.ALL_CARD, age, made.card)]

    async def _keep(self, portrait: Portrait, latent: bytes | None) -> None:
        """Keep a latent that was made anew."""
        if latent is not None:
            await self._storage.portraits.store_files(portrait.id, self._storage.now(), latent=latent)


def _made_together(kinds: set[Kind]) -> list[set[Kind]]:
    """The kinds, those together that one request to the engine brings."""
    groups = (DRAWN_KINDS, SHARED_KINDS, _STRIP_KINDS, _STICKER_KINDS)
    several = [set(group) & set(kinds) for group in groups]
    alone = [{kind} for kind in Kind if kind in kinds and not any(kind in group for group in groups)]
    return [group for group in (*several, *alone) if group]


def _exported(kind: Kind, age: float, made: Exported) -> Made:
    return Made(kind, age, made.file, True, made.thumbnail, made.width, made.height, made.duration_s)
