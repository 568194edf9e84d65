"""The updates that were taken from Telegram and are not handled to the end yet."""

from storage.database import Database


class Updates:
    def __init__(self, database: Database) -> None:
        self._db = database

    async def remember(self, id: int, body: str) -> bool:
        """Note an update before Telegram is told that we have it; False when it is known already."""
        async with self._db.writing() as db:
            cursor = await db.execute("INSERT INTO updates (id, body) VALUES (?, ?) ON CONFLICT DO NOTHING", (id, body))
            return cursor.rowcount > 0

    async def handled(self, id: int) -> None:
        async with self._db.writing() as db:
            await db.execute("DELETE FROM updates WHERE id = ?", (id,))

    async def left(self, attempts: int = 3) -> list[str]:
        """The JSON of updates that an earlier process left unhandled, oldest first.

        Each is given out so many times at most: one that brings the process down must not do so for ever.
        """
        async with self._db.writing() as db:
            await db.execute("DELETE FROM updates WHERE attempts >= ?", (attempts,))
            await db.execute("UPDATE updates SET attempts = attempts + 1")
        return [row["body"] for row in await self._db.all("SELECT body FROM updates ORDER BY id")]
