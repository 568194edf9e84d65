"""What owners think of their portraits."""

from storage.database import Database
from storage.portrait_rows import note
from storage.records import Notice, Verdict, VerdictCount, VerdictReason


class Verdicts:
    """Keeps one verdict for each age of a portrait; it goes with the portrait."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def give(self, id: int, age: float, verdict: Verdict) -> bool:
        """Note the verdict, or another one than before; return whether there is something to be asked now.

        After the first bad one of a portrait its owner is asked why, by a notice.
        """
        async with self._db.writing() as db:
            await db.execute(
                "INSERT INTO verdicts (portrait, age, verdict) SELECT id, ?2, ?3 FROM portraits WHERE id = ?1"
                " ON CONFLICT DO UPDATE SET verdict = excluded.verdict,"
                " reason = CASE WHEN excluded.verdict = ?4 THEN reason ELSE '' END",
                (id, age, verdict, Verdict.BAD),
            )
            if verdict is not Verdict.BAD:
                return False
            asking = await db.execute("UPDATE portraits SET asked_why = 1 WHERE id = ? AND NOT asked_why", (id,))
            if asking.rowcount:
                await note(db, id, Notice.WHY, age)
            return asking.rowcount > 0

    async def explain(self, id: int, age: float, reason: VerdictReason) -> bool:
        """Note why a verdict is bad; False when it is not bad (any more)."""
        why = "UPDATE verdicts SET reason = ? WHERE portrait = ? AND age = ? AND verdict = ?"
        return await self._db.execute(why, (reason, id, age, Verdict.BAD)) > 0

    async def of(self, id: int, age: float) -> Verdict | None:
        """Return what the owner thinks of the portrait at this age; None when they did not say."""
        row = await self._db.one("SELECT verdict FROM verdicts WHERE portrait = ? AND age = ?", (id, age))
        return Verdict(row["verdict"]) if row else None

    async def rows(self, id: int) -> list[dict[str, object]]:
        """Return all that is kept of a portrait's verdicts, for its owner."""
        rows = await self._db.all("SELECT age, verdict, reason FROM verdicts WHERE portrait = ? ORDER BY age", (id,))
        return [dict(row) for row in rows]

    async def counts(self) -> list[VerdictCount]:
        """Return how many verdicts there are of each kind, by species, network and quality of the photo."""
        rows = await self._db.all(
            "SELECT verdict, species, trim(network || ' ' || release) AS made_by, photo_quality, count(*) AS count"
            " FROM verdicts JOIN portraits ON id = portrait GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
        )
        return [
            VerdictCount(
                Verdict(row["verdict"]), row["species"], row["made_by"], row["photo_quality"], int(row["count"])
            )
            for row in rows
        ]
