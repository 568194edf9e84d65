"""Chooses the photo of an album that will give the best picture."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.portraits.errors import FileGone
from bot.portraits.findings import Findings
from engine import EngineClient, PhotoError
from storage import AlbumPhoto, Portrait, Storage

Fetch = Callable[[str], Awaitable[bytes]]


class AlbumChoice:
    """`quiet_s`: so long after its last photo an album is complete; Telegram hands out its photos one by one."""

    def __init__(self, storage: Storage, engine: EngineClient, fetch: Fetch, quiet_s: float) -> None:
        self._storage = storage
        self._engine = engine
        self._fetch = fetch
        self._quiet_s = quiet_s

    async def best(self, portrait: Portrait) -> tuple[AlbumPhoto, bytes]:
        """Return the photo whose face shows best, of equal ones the first, and its file.

        Raises the error of the first photo when none can be used, `FileGone` when the portrait was deleted meanwhile.
        """
        found: list[tuple[float, AlbumPhoto, bytes]] = []
        errors: list[Exception] = []
        seen: set[int] = set()
        while new := [photo for photo in await self._complete(portrait) if photo.message not in seen]:
            seen |= {photo.message for photo in new}
            await self._look_at(new, found, errors)
        if not found:
            raise errors[0]
        _, photo, file = max(found, key=lambda one: (one[0], -one[1].message))
        return photo, file

    async def _look_at(
        self, photos: list[AlbumPhoto], found: list[tuple[float, AlbumPhoto, bytes]], errors: list[Exception]
    ) -> None:
        for photo in photos:
            try:
                file = await self._fetch(photo.file_id)
                found.append((Findings.of(await self._engine.recognise(file)).best_score, photo, file))
            except (PhotoError, FileGone) as error:
                errors.append(error)

    async def _complete(self, portrait: Portrait) -> list[AlbumPhoto]:
        while True:
            photos = await self._storage.albums.of(portrait.id)
            if not photos:
                raise FileGone("its portrait is gone")
            quiet_s = self._storage.now() - max(photo.added_at for photo in photos)
            if quiet_s >= self._quiet_s:
                return photos
            await asyncio.sleep(self._quiet_s - max(quiet_s, 0.0))
