"""Results of portraits: requested, made, sent; and the notices about them that are still to be sent."""

from collections.abc import Iterable, Sequence
from typing import Unpack

import aiosqlite

from storage.database import Database
from storage.media_index import MediaIndex
from storage.portrait_rows import change_portrait, fetch_row, note
from storage.records import (
    PREDECESSORS,
    SHARED_KINDS,
    SHOWN_KINDS,
    UNKNOWN_MESSAGE,
    Kind,
    Made,
    Notice,
    Portrait,
    PortraitChanges,
    Result,
    State,
)


class Results:
    """Keeps the pictures and films of portraits, and whether their owners have them."""

    def __init__(self, database: Database, media_index: MediaIndex) -> None:
        self._db = database
        self._media_index = media_index

    async def finish(
        self, id: int, latent: bytes, made: Sequence[Made], now: float, **changes: Unpack[PortraitChanges]
    ) -> Portrait | None:
        """Store what the engine made and move from running to delivering, in one transaction; None if cancelled."""
        contents = [latent, *_contents(made)]
        async with self._media_index.storing(contents, now) as (db, digests):
            delivering = {**changes, "state": State.DELIVERING, "latent": digests[0]}
            portrait = await change_portrait(db, id, PREDECESSORS[State.DELIVERING], now, delivering)
            if portrait:
                await _record(db, id, made, digests[1:])
            return portrait

    async def add(self, id: int, made: Sequence[Made], now: float) -> bool:
        """Store further results of a finished portrait; False when it is gone."""
        async with self._media_index.storing(_contents(made), now) as (db, digests):
            if await fetch_row(db, "SELECT 1 FROM portraits WHERE id = ?", (id,)) is None:
                return False
            await _record(db, id, made, digests)
            return True

    async def request(self, id: int, age: float, kinds: Iterable[Kind], press: str = "") -> list[Result]:
        """Note that the owner wants these results, whether made or sent already or not; return their rows.

        The same `press`, handed out a second time, asks for nothing.
        """
        kinds = list(kinds)
        async with self._db.writing() as db:
            for kind in kinds:
                await db.execute(
                    "INSERT INTO results (portrait, age, kind, wanted, press) VALUES (?, ?, ?, 1, ?)"
                    " ON CONFLICT DO UPDATE SET wanted = 1, message = NULL, press = excluded.press"
                    " WHERE excluded.press = '' OR excluded.press <> results.press",
                    (id, age, kind, press),
                )
        return [result for result in await self.of(id) if result.age == age and result.kind in kinds]

    async def request_shared(self, portrait: Portrait, pets: int) -> bool:
        """Note that the owner wants what shows all `pets` of a photo, unless some are not made yet, or it was wanted.

        When one of them failed or was cancelled, no further ones come.
        """
        async with self._db.writing() as db:
            row = await fetch_row(
                db,
                "SELECT count(*) AS known, sum(state IN ('done', 'delivering')) AS made,"
                " sum(state IN ('failed', 'cancelled')) AS ended,"
                " sum(EXISTS (SELECT 1 FROM results WHERE portrait = p.id AND kind IN (?, ?))) AS wanted"
                " FROM portraits p WHERE together = ? AND owner = ?",
                (*SHARED_KINDS, portrait.together, portrait.owner),
            )
            open_ = row["known"] - row["made"] - row["ended"]
            if open_ or row["wanted"] or row["made"] < 2 or (row["known"] < pets and not row["ended"]):
                return False
            for kind in SHARED_KINDS:
                await db.execute(
                    "INSERT INTO results (portrait, age, kind, wanted) VALUES (?, ?, ?, 1)",
                    (portrait.id, portrait.age, kind),
                )
            return True

    async def show_age(self, id: int, age: float) -> bool:
        """Note that the owner wants to see this age where another one is shown; False when it is shown already.

        Only the age asked for last is wanted. What is shown stays until that is made.
        """
        async with self._db.writing() as db:
            await db.execute(
                "UPDATE results SET wanted = 0 WHERE portrait = ? AND kind IN (?, ?) AND age <> ? AND message IS NULL",
                (id, *SHOWN_KINDS, age),
            )
            for kind in SHOWN_KINDS:
                await db.execute(
                    "INSERT INTO results (portrait, age, kind, wanted) VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE"
                    " SET wanted = 1, message = CASE WHEN message = (SELECT max(message) FROM results AS others"
                    " WHERE others.portrait = excluded.portrait AND others.kind = excluded.kind AND message > 0)"
                    " THEN message END",
                    (id, age, kind),
                )
            row = await fetch_row(
                db, "SELECT 1 FROM results WHERE portrait = ? AND wanted AND message IS NULL AND age = ?", (id, age)
            )
            return row is not None

    async def shown_instead(self, result: Result) -> Result | None:
        """Return the result that is shown where this one shall be: of the same kind at another age; None if none is."""
        if result.kind not in SHOWN_KINDS:
            return None
        where = "portrait = ? AND kind = ? AND id <> ? AND message > 0 ORDER BY message DESC LIMIT 1"
        return await self._db.record(Result, where, result.portrait, result.kind, result.id)

    async def drop_requests(self, id: int, age: float, kinds: Sequence[Kind], notice: Notice) -> None:
        """Forget requested results that could not be made; if there are any, note what is to be said of them."""
        marks = ", ".join("?" * len(kinds))
        async with self._db.writing() as db:
            cursor = await db.execute(
                f"DELETE FROM results WHERE portrait = ? AND age = ? AND digest IS NULL AND kind IN ({marks})",  # noqa: S608 (only marks)
                (id, age, *kinds),
            )
            if cursor.rowcount:
                await note(db, id, notice, age)

    async def of(self, id: int) -> list[Result]:
        """Return all results of a portrait in the order in which they are sent."""
        results, order = await self._db.records(Result, "portrait = ?", id), list(Kind)
        return sorted(results, key=lambda result: (order.index(result.kind), result.id))

    async def unsent(self, id: int) -> list[Result]:
        """Return the results that the owner wants and has not received, in the order in which they are sent."""
        return [result for result in await self.of(id) if result.wanted and result.message is None]

    async def ids_with_open_requests(self) -> list[int]:
        """Return the ids of finished portraits with a result or a notice still to be sent."""
        rows = await self._db.all(
            "SELECT id FROM portraits p WHERE state = 'done'"
            " AND (EXISTS (SELECT 1 FROM results WHERE portrait = p.id AND wanted AND message IS NULL)"
            " OR EXISTS (SELECT 1 FROM notices WHERE portrait = p.id)) ORDER BY id"
        )
        return [row["id"] for row in rows]

    async def mark_sending(self, result: int, sending: bool) -> None:
        """Note that a result is on its way just now, or that it is not after all."""
        await self._db.execute("UPDATE results SET sending = ? WHERE id = ?", (sending, result))

    async def settle_interrupted(self) -> None:
        """Note that what was on its way when the process was killed may not have arrived. Call it at the start."""
        for result in await self._db.records(Result, "sending"):
            await self.not_sent(result, Notice.DELIVERY_UNCERTAIN)

    async def sent(self, result: int, message: int, file_id: str, instead_of: Result | None = None) -> None:
        """Note that a result is in the chat, where another one was or not, and under which id the messenger has it."""
        async with self._db.writing() as db:
            if instead_of:
                await db.execute("UPDATE results SET message = NULL, wanted = 0 WHERE id = ?", (instead_of.id,))
            await db.execute(
                "UPDATE results SET message = ?, file_id = ?, sending = 0 WHERE id = ?", (message, file_id, result)
            )
            await db.execute(
                "INSERT INTO messages SELECT p.id, p.chat, r.message"
                " FROM results r JOIN portraits p ON p.id = r.portrait WHERE r.id = ?"
                " ON CONFLICT DO NOTHING",
                (result,),
            )

    async def not_sent(self, result: Result, notice: Notice | None = None) -> None:
        """Give up sending a result until its owner asks again; note what is to be said of it."""
        async with self._db.writing() as db:
            await db.execute("UPDATE results SET message = ?, sending = 0 WHERE id = ?", (UNKNOWN_MESSAGE, result.id))
            if notice:
                await note(db, result.portrait, notice, result.age)
            if notice is Notice.DELIVERY_UNCERTAIN:
                await db.execute(
                    "INSERT INTO messages SELECT id, chat, ? FROM portraits WHERE id = ? ON CONFLICT DO NOTHING",
                    (UNKNOWN_MESSAGE, result.portrait),
                )

    async def note(self, id: int, notice: Notice, age: float) -> None:
        """Note what is to be said about a portrait's results."""
        async with self._db.writing() as db:
            await note(db, id, notice, age)

    async def set_file_id(self, result: int, file_id: str | None) -> None:
        """Note under which id the messenger has a result now; None when it has it no more."""
        await self._db.execute("UPDATE results SET file_id = ? WHERE id = ?", (file_id, result))

    async def notices(self, id: int) -> list[tuple[Notice, float]]:
        """Return the notices still to be sent about a portrait's results, each with the age of the results."""
        rows = await self._db.all("SELECT kind, age FROM notices WHERE portrait = ? ORDER BY kind, age", (id,))
        return [(Notice(row["kind"]), row["age"]) for row in rows]

    async def delete_notice(self, id: int, notice: Notice, age: float) -> None:
        """Note that this was said."""
        await self._db.execute("DELETE FROM notices WHERE portrait = ? AND kind = ? AND age = ?", (id, notice, age))


def _contents(made: Sequence[Made]) -> list[bytes]:
    return [data for one in made for data in (one.data, one.thumbnail) if data is not None]


async def _record(db: aiosqlite.Connection, id: int, made: Sequence[Made], digests: Sequence[str]) -> None:
    remaining = iter(digests)
    for one in made:
        digest = next(remaining)
        thumbnail = next(remaining) if one.thumbnail is not None else None
        await db.execute(
            "INSERT INTO results (portrait, age, kind, wanted, digest, thumbnail, width, height, duration_s)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET wanted = max(wanted, excluded.wanted),"
            " digest = excluded.digest, thumbnail = excluded.thumbnail, width = excluded.width,"
            " height = excluded.height, duration_s = excluded.duration_s",
            (id, one.age, one.kind, one.wanted, digest, thumbnail, one.width, one.height, one.duration_s),
        )
