"""Keeps files exactly as long as a row names them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiosqlite

from storage.database import Database
from storage.media import Media

_IS_IN_USE = (
    "SELECT 1 FROM media WHERE digest = ?1 AND NOT EXISTS (SELECT 1 FROM unused_media AS u WHERE u.digest = ?1)"
)


class MediaIndex:
    """Stores content together with the rows that name it, and removes content that no row names."""

    def __init__(self, database: Database, media: Media) -> None:
        self._db = database
        self._media = media

    @asynccontextmanager
    async def storing(
        self, contents: Sequence[bytes], now: float
    ) -> AsyncIterator[tuple[aiosqlite.Connection, list[str]]]:
        """Open a transaction in which these contents exist as files; yield it with their digests, to be named in rows.

        The slow part, writing and flushing, happens before the transaction. Content that the block names in no row,
        because it was cancelled or the row is gone, is removed. A process killed in between leaves files without a
        row, which `tidy` removes.
        """
        async with self._media.staging(contents) as staged:
            digests = [one.digest for one in staged]
            try:
                async with self._db.writing() as db:
                    for one in staged:
                        self._media.place(one)
                        await db.execute(
                            "INSERT INTO media VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (one.digest, one.size, now)
                        )
                    yield db, digests
            finally:
                await asyncio.shield(self._check(digests))

    async def _check(self, digests: Sequence[str]) -> None:
        """Clear out if no row names one of these files."""
        for digest in digests:
            if await self._db.one(_IS_IN_USE, (digest,)) is None:
                await self.clear_out(digests)
                return

    async def clear_out(self, placed: Sequence[str] = ()) -> int:
        """Delete files that no row names any more, and all traces of deleted rows; return how many files.

        `placed` are digests of files that may not even have a row in `media`.
        """
        async with self._db.writing() as db:
            cursor = await db.execute(
                "DELETE FROM media WHERE digest IN (SELECT digest FROM unused_media) RETURNING digest"
            )
            unused = {*placed, *[row["digest"] for row in await cursor.fetchall()]}
        # Content stored again since the transaction would lose its file: keep the writers out and look.
        async with self._db.alone():
            for digest in unused:
                if await self._db.one("SELECT 1 FROM media WHERE digest = ?", (digest,)) is None:
                    self._media.remove(digest)
        await self._db.scrub()
        return len(unused)

    async def tidy(self) -> int:
        """Remove files without a row, left by a killed process; return how many. Call it before others write."""
        await self.clear_out()
        known = {row["digest"] for row in await self._db.all("SELECT digest FROM media")}
        return await self._media.sweep(known)

    async def size(self) -> int:
        """Return the size of all files, in bytes."""
        return await self._db.number("SELECT sum(size) FROM media")
