"""Chooses the photo of an album that will give the best picture."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.portraits.errors import FileGone
from bot.portraits.findings import Findings
from engine import EngineClient, PhotoError
from storage import AlbumPhoto, Portrait, Storage


async def best_of_album(
    portrait: Portrait,
    storage: Storage,
    engine: EngineClient,
    fetch: Callable[[str], Awaitable[bytes]],
    quiet_s: float,
) -> tuple[AlbumPhoto, bytes]:
    """Return the photo whose face shows best, of equal ones the first, and its file.

    `quiet_s` seconds after its last photo an album is complete; Telegram hands out its photos one by one. Raises the
    error of the first photo when none can be used, `FileGone` when the portrait was deleted meanwhile.
    """
    found: list[tuple[float, AlbumPhoto, bytes]] = []
    errors: list[Exception] = []
    seen: set[int] = set()
    while new := [photo for photo in await _complete(portrait, storage, quiet_s) if photo.message not in seen]:
        for photo in new:
            seen.add(photo.message)
            try:
                file = await fetch(photo.file_id)
                found.append((Findings.of(await engine.recognise(file)).best_score, photo, file))
            except (PhotoError, FileGone) as error:
                errors.append(error)
    if not found:
        raise errors[0]
    _, photo, file = max(found, key=lambda one: (one[0], -one[1].message))
    return photo, file


async def _complete(portrait: Portrait, storage: Storage, quiet_s: float) -> list[AlbumPhoto]:
    while photos := await storage.albums.of(portrait.id):
        quiet_so_far_s = storage.now() - max(photo.added_at for photo in photos)
        if abs(quiet_so_far_s) >= quiet_s:  # less than none: the clock was set back
            return photos
        await asyncio.sleep(quiet_s - max(quiet_so_far_s, 0.0))
    raise FileGone("its portrait is gone")
