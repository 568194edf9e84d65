"""Updates received from Telegram: those not handled completely yet, and the ids of those handled lately."""

from storage.database import Database


class Updates:
    """Remembers an update until it is handled, and its id for a while longer."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def remember(self, id: int, body: str) -> bool:
        """Store an update's JSON, before Telegram is told that we have it; False when it is known already."""
        new = "INSERT INTO updates (id, body) VALUES (?, ?) ON CONFLICT DO NOTHING"
        return await self._db.execute(new, (id, body)) > 0

    async def handled(self, id: int, now: float) -> None:
        """Delete all of the update but its id: Telegram may send again what it thinks was lost."""
        await self._db.execute("UPDATE updates SET body = '', handled_at = ? WHERE id = ?", (now, id))
        if id <= self._db.scrub_until:  # it may be the update that asked to forget somebody, and names them
            await self._db.scrub()

    async def set_aside(self, id: int, kind: str, error: str, now: float) -> bool:
        """Note that an update cannot be handled, keeping nothing of its content; False when that is noted already."""
        async with self._db.writing() as db:
            await db.execute(
                "INSERT INTO updates (id, body, handled_at) VALUES (?1, '', ?2)"
                " ON CONFLICT DO UPDATE SET body = '', handled_at = ?2",
                (id, now),
            )
            cursor = await db.execute(
                "INSERT INTO set_aside VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", (id, kind, error, now)
            )
            return cursor.rowcount > 0

    async def aside_by_kind(self) -> dict[str, int]:
        """Return how many updates of each kind were set aside, as far back as that is kept."""
        rows = await self._db.all("SELECT kind, count(*) AS n FROM set_aside GROUP BY kind")
        return {row["kind"]: row["n"] for row in rows}

    async def forget_aside(self, before: float) -> None:
        """Delete what is noted of updates that were set aside before this moment."""
        await self._db.execute("DELETE FROM set_aside WHERE at < ?", (before,))

    async def forget_handled(self, before: float) -> None:
        """Delete the ids of updates that were handled before this moment."""
        await self._db.execute("DELETE FROM updates WHERE handled_at < ?", (before,))

    async def begin(self, id: int) -> None:
        """Count an attempt to handle an update: if it brings the process down, it must not do so for ever."""
        await self._db.execute("UPDATE updates SET attempts = attempts + 1 WHERE id = ?", (id,))

    async def spare(self, id: int) -> None:
        """Take the attempt back: the process was told to stop, and this update is not to blame."""
        await self._db.execute("UPDATE updates SET attempts = max(0, attempts - 1) WHERE id = ?", (id,))

    async def left(self) -> list[tuple[int, str, int]]:
        """Return id, JSON and number of attempts of the updates that earlier processes left unhandled, oldest first."""
        rows = await self._db.all("SELECT id, body, attempts FROM updates WHERE handled_at IS NULL ORDER BY id")
        return [(row["id"], row["body"], row["attempts"]) for row in rows]
