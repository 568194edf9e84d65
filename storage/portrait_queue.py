"""The order in which portraits are made."""

from storage.database import Database
from storage.portrait_rows import change_portrait, fetch_row
from storage.records import Portrait, State

# Everybody's first photo, then everybody's second, …; those of one turn by time.
_QUEUE = """
SELECT p.*, row_number() OVER (PARTITION BY p.owner ORDER BY p.queued_at, p.id)
    + (SELECT count(*) FROM portraits r WHERE r.owner = p.owner AND r.state = 'running') AS turn
FROM portraits AS p WHERE p.state = 'queued'
ORDER BY turn, p.queued_at, p.id
"""


class PortraitQueue:
    """Hands out queued portraits, and what a restart has to continue."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def start_next(self, now: float) -> Portrait | None:
        """Move the next portrait whose owner and group have none running to running, and return it."""
        async with self._db.writing() as db:
            row = await fetch_row(
                db,
                f"SELECT * FROM ({_QUEUE}) AS q WHERE NOT EXISTS (SELECT 1 FROM portraits r WHERE r.state = 'running'"  # noqa: S608
                " AND (r.owner = q.owner OR (q.chat < 0 AND r.chat = q.chat))) LIMIT 1",
            )
            if row is None:
                return None
            return await change_portrait(
                db, row["id"], (State.QUEUED,), now, {"state": State.RUNNING, "started_at": now}
            )

    async def waiting(self) -> list[Portrait]:
        """Return the queued portraits in the order in which their turn comes."""
        return [Portrait.of(row) for row in await self._db.all(_QUEUE)]

    async def unfinished(self) -> list[Portrait]:
        """Return what a restart has to continue: portraits being worked on, and those whose owner was not told."""
        working = "state IN ('received', 'baby_received', 'queued', 'running', 'delivering')"
        return await self._db.records(Portrait, f"{working} OR told <> state ORDER BY id")

    async def durations(self, count: int) -> list[float]:
        """Return how many seconds the last `count` portraits took from their start until they were delivered."""
        rows = await self._db.all(
            "SELECT done_at - started_at AS s FROM portraits WHERE done_at > started_at ORDER BY done_at DESC LIMIT ?",
            (count,),
        )
        return [float(row["s"]) for row in rows]
