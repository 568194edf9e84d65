"""The photos of albums, of which each portrait takes one."""

from storage.database import Database
from storage.records import AlbumPhoto


class AlbumPhotos:
    """Keeps what is needed to fetch another photo of an album."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, id: int, photo: AlbumPhoto) -> None:
        """Note one more photo of the portrait's album; the same message received twice is one."""
        await self._db.execute(
            "INSERT INTO album_photos SELECT id, ?, ?, ?, ? FROM portraits WHERE id = ? ON CONFLICT DO NOTHING",
            (photo.message, photo.file_id, photo.file_unique_id, photo.added_at, id),
        )

    async def of(self, id: int) -> list[AlbumPhoto]:
        """Return the photos of the portrait's album in the order in which they stand in the chat."""
        return await self._db.records(AlbumPhoto, "portrait = ? ORDER BY message", id)

    async def clear(self, id: int) -> None:
        """Forget the album's photos."""
        await self._db.execute("DELETE FROM album_photos WHERE portrait = ?", (id,))
