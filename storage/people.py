"""People who write to the bot."""

from storage.database import Database
from storage.media_index import MediaIndex
from storage.portrait_rows import delete_portraits, fetch_row
from storage.records import Deleted, Person


class People:
    """Keeps a row of everybody who asked for something: their language, and whether they may and can be answered."""

    def __init__(self, database: Database, media_index: MediaIndex) -> None:
        self._db = database
        self._media_index = media_index

    async def meet(self, id: int, telegram_language: str, now: float) -> Person:
        """Return the person's row, made at the first meeting; whoever writes to us can be reached (again)."""
        person = await self.get(id)
        if person is not None and person.telegram_language == telegram_language and person.reachable:
            return person
        async with self._db.writing() as db:
            row = await fetch_row(
                db,
                "INSERT INTO people (id, telegram_language, created_at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
                " SET telegram_language = excluded.telegram_language, reachable = 1 RETURNING *",
                (id, telegram_language, now),
            )
        return Person.of(row)

    async def get(self, id: int) -> Person | None:
        return await self._db.record(Person, "id = ?", id)

    async def choose_language(self, id: int, language: str | None, spoken: str) -> None:
        """Set the language; None follows Telegram. `spoken` is what results, for portraits already begun."""
        async with self._db.writing() as db:
            await db.execute("UPDATE people SET language = ? WHERE id = ?", (language, id))
            await db.execute("UPDATE portraits SET language = ? WHERE owner = ?", (spoken, id))

    async def mark_unreachable(self, id: int) -> None:
        """Note that they stopped the bot: nothing is sent until they write again."""
        await self._db.execute("UPDATE people SET reachable = 0 WHERE id = ?", (id,))

    async def block(self, id: int, now: float) -> None:
        await self._db.execute(
            "INSERT INTO people (id, blocked, created_at) VALUES (?, 1, ?) ON CONFLICT DO UPDATE SET blocked = 1",
            (id, now),
        )

    async def unblock(self, id: int) -> None:
        await self._db.execute("UPDATE people SET blocked = 0 WHERE id = ?", (id,))

    async def blocked(self) -> list[int]:
        return [row["id"] for row in await self._db.all("SELECT id FROM people WHERE blocked ORDER BY id")]

    async def forget(self, id: int) -> Deleted:
        """Delete a person with portraits, pets and files. A block stays, or forgetting would lift it.

        So does the count of today, which `Usage.forget_past_days` deletes when the day is over.
        """
        async with self._db.writing() as db:
            deleted = await delete_portraits(db, "owner", id)
            await db.execute("DELETE FROM pets WHERE owner = ?", (id,))
            await db.execute("DELETE FROM people WHERE id = ? AND NOT blocked", (id,))
            await db.execute("UPDATE people SET language = NULL, telegram_language = '' WHERE id = ?", (id,))
        await self._media_index.clear_out()
        return deleted
