"""Updates received from Telegram: those not handled completely yet, and the ids of those handled lately."""

from storage.database import Database


class Updates:
    """Remembers an update until it is handled, and its id for a while longer."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def remember(self, id: int, body: str) -> bool:
        """Store an update's JSON, before Telegram is told that we have it; False when it is known already."""
        async with self._db.writing() as db:
            cursor = await db.execute("INSERT INTO updates (id, body) VALUES (?, ?) ON CONFLICT DO NOTHING", (id, body))
            return cursor.rowcount > 0

    async def handled(self, id: int, now: float) -> None:
        """Delete all of the update but its id: Telegram may send again what it thinks was lost."""
        await self._db.execute("UPDATE updates SET body = '', handled_at = ? WHERE id = ?", (now, id))
        if id <= self._db.scrub_until:  # it may be the update that asked to forget somebody, and names them
            await self._db.scrub()

    async def forget_handled(self, before: float) -> None:
        """Delete the ids of updates that were handled before this moment."""
        await self._db.execute("DELETE FROM updates WHERE handled_at < ?", (before,))

    async def left(self, attempts: int = 3) -> list[str]:
        """Return the JSON of updates that an earlier process left unhandled, oldest first.

        Each is handed out `attempts` times at most: one that brings the process down must not do so for ever.
        """
        async with self._db.writing() as db:
            await db.execute("DELETE FROM updates WHERE attempts >= ? AND handled_at IS NULL", (attempts,))
            await db.execute("UPDATE updates SET attempts = attempts + 1 WHERE handled_at IS NULL")
        rows = await self._db.all("SELECT body FROM updates WHERE handled_at IS NULL ORDER BY id")
        return [row["body"] for row in rows]
