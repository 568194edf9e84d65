"""How many portraits each person and each group had made, by day."""

from datetime import UTC, datetime

from storage.database import Database


class Usage:
    """Counts portraits; days are of UTC, and `subject` is the id of a person or a group."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def count(self, subject: int, now: float) -> None:
        """Count one more portrait today."""
        await self._db.execute(
            "INSERT INTO usage VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1", (subject, _day(now))
        )

    async def today(self, subject: int, now: float) -> int:
        return await self._db.number("SELECT count FROM usage WHERE subject = ? AND day = ?", (subject, _day(now)))

    async def by_day(self, subject: int) -> dict[str, int]:
        """Return the counts by day (2026-11-23), as far back as they are kept."""
        rows = await self._db.all("SELECT day, count FROM usage WHERE subject = ? ORDER BY day", (subject,))
        return {row["day"]: row["count"] for row in rows}

    async def forget_past_days(self, now: float) -> None:
        await self._db.execute("DELETE FROM usage WHERE day < ?", (_day(now),))


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()
