"""People, the groups they write in, their pets, and what they used today."""

from datetime import UTC, datetime

from storage.database import Database
from storage.media_index import MediaIndex
from storage.portraits import ERASED_COLUMNS, delete_portraits
from storage.records import ASKING_STATES, UNKNOWN_MESSAGE, Deleted, Group, Person, Pet, State


class People:
    def __init__(self, database: Database, media_index: MediaIndex) -> None:
        self._db = database
        self._media_index = media_index

    async def meet(self, id: int, telegram_language: str, now: float) -> Person:
        """The person's row, made at the first meeting; whoever writes to us can be reached (again)."""
        row = await self._db.one("SELECT * FROM people WHERE id = ?", (id,))
        if row is None or row["telegram_language"] != telegram_language or not row["reachable"]:
            async with self._db.writing() as db:
                await db.execute(
                    "INSERT INTO people (id, telegram_language, created_at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
                    " SET telegram_language = excluded.telegram_language, reachable = 1",
                    (id, telegram_language, now),
                )
            row = await self._db.the("SELECT * FROM people WHERE id = ?", (id,))
        return Person.of(row)

    async def get(self, id: int) -> Person | None:
        row = await self._db.one("SELECT * FROM people WHERE id = ?", (id,))
        return Person.of(row) if row else None

    async def choose_language(self, id: int, language: str | None, spoken: str) -> None:
        """`language` is None to follow Telegram; `spoken` is what that comes to, for what was begun already."""
        async with self._db.writing() as db:
            await db.execute("UPDATE people SET language = ? WHERE id = ?", (language, id))
            await db.execute("UPDATE portraits SET language = ? WHERE owner = ?", (spoken, id))

    async def mark_unreachable(self, id: int) -> None:
        """They stopped the bot: nothing is sent until they write again."""
        await self._set("UPDATE people SET reachable = 0 WHERE id = ?", id)

    async def block(self, id: int, now: float) -> None:
        await self._set(
            "INSERT INTO people (id, blocked, created_at) VALUES (?, 1, ?) ON CONFLICT DO UPDATE SET blocked = 1",
            id,
            now,
        )

    async def unblock(self, id: int) -> None:
        await self._set("UPDATE people SET blocked = 0 WHERE id = ?", id)

    async def blocked(self) -> list[int]:
        return [row["id"] for row in await self._db.all("SELECT id FROM people WHERE blocked ORDER BY id")]

    async def forget(self, id: int) -> Deleted:
        """Delete a person with portraits, pets and files. A block stays, or forgetting would lift it.

        So does the count of today, which `forget_usage` deletes when the day is over.
        """
        async with self._db.writing() as db:
            deleted = await delete_portraits(db, "owner", id)
            await db.execute("DELETE FROM pets WHERE owner = ?", (id,))
            await db.execute("DELETE FROM people WHERE id = ? AND NOT blocked", (id,))
            await db.execute("UPDATE people SET language = NULL, telegram_language = '' WHERE id = ?", (id,))
        await self._media_index.clear_out()
        return deleted

    # ---- pets

    async def pets(self, owner: int) -> list[Pet]:
        """The owner's pets, the last used first."""
        rows = await self._db.all("SELECT * FROM pets WHERE owner = ? ORDER BY used_at DESC, id DESC", (owner,))
        return [Pet.of(row) for row in rows]

    async def pet(self, id: int) -> Pet | None:
        row = await self._db.one("SELECT * FROM pets WHERE id = ?", (id,))
        return Pet.of(row) if row else None

    async def name_pet(self, portrait: int, name: str, now: float) -> Pet | None:
        """Remember the pet of this portrait by its name, with its breed and baby photo; None when the row is gone.

        An owner has one pet of a name; naming it again brings what is known of it up to date.
        """
        async with self._db.writing() as db:
            cursor = await db.execute(
                "INSERT INTO pets (owner, name, species, breed, baby_photo, created_at, used_at)"
                " SELECT owner, ?, species, coalesce(breed, ''), baby_photo, ?, ? FROM portraits WHERE id = ?"
                " ON CONFLICT DO UPDATE SET species = excluded.species, breed = excluded.breed,"
                " baby_photo = coalesce(excluded.baby_photo, baby_photo), used_at = excluded.used_at RETURNING *",
                (name, now, now, portrait),
            )
            rows = list(await cursor.fetchall())
            if not rows:
                return None
            row = rows[0]
            await db.execute("UPDATE portraits SET pet = ?, name = ? WHERE id = ?", (row["id"], name, portrait))
            return Pet.of(row)

    async def use_pet(self, id: int, now: float) -> None:
        await self._set("UPDATE pets SET used_at = ? WHERE id = ?", now, id)

    async def delete_pet(self, owner: int, id: int) -> None:
        """Forget a pet; its portraits stay, without its name."""
        async with self._db.writing() as db:
            await db.execute("UPDATE portraits SET name = '' WHERE pet = ? AND owner = ?", (id, owner))
            await db.execute("DELETE FROM pets WHERE id = ? AND owner = ?", (id, owner))
        await self._media_index.clear_out()

    # ---- groups

    async def join_group(self, id: int, now: float) -> Group:
        """The group's row, with the bot in it."""
        async with self._db.writing() as db:
            await db.execute(
                "INSERT INTO groups (id, created_at) VALUES (?, ?) ON CONFLICT DO UPDATE SET present = 1", (id, now)
            )
        return Group.of(await self._db.the("SELECT * FROM groups WHERE id = ?", (id,)))

    async def leave_group(self, id: int) -> None:
        """The bot was removed: open portraits of the group end here, and nothing of them is kept."""
        async with self._db.writing() as db:
            await db.execute("UPDATE groups SET present = 0 WHERE id = ?", (id,))
            await db.execute(
                f"UPDATE portraits SET state = 'cancelled', told = 'cancelled', {ERASED_COLUMNS}"  # noqa: S608 - our own words
                " WHERE chat = ? AND state NOT IN ('done', 'failed', 'cancelled')",
                (id,),
            )
        await self._media_index.clear_out()

    async def group(self, id: int) -> Group | None:
        row = await self._db.one("SELECT * FROM groups WHERE id = ?", (id,))
        return Group.of(row) if row else None

    async def limit_group(self, id: int, daily_limit: int | None, now: float) -> None:
        await self.join_group(id, now)
        await self._set("UPDATE groups SET daily_limit = ? WHERE id = ?", daily_limit, id)

    async def move_group(self, old: int, new: int) -> list[int]:
        """The group became a supergroup with another id; gives the portraits that have to be shown again.

        Its messages have no ids in the new chat, whose own begin at 1: what pointed to a message points nowhere now,
        and a portrait's own message gets a number that no message has. What we said stays in the old chat, where
        nobody can take it away any more.
        """
        async with self._db.writing() as db:
            await db.execute("UPDATE OR REPLACE groups SET id = ? WHERE id = ?", (new, old))
            await db.execute(
                "UPDATE results SET message = ? WHERE message IS NOT NULL"
                " AND portrait IN (SELECT id FROM portraits WHERE chat = ?)",
                (UNKNOWN_MESSAGE, old),
            )
            await db.execute(
                "INSERT INTO messages SELECT portrait, chat, ?2 FROM messages WHERE chat = ?1"
                " UNION SELECT id, chat, ?2 FROM portraits WHERE chat = ?1 AND status_message IS NOT NULL"
                " ON CONFLICT DO NOTHING",
                (old, UNKNOWN_MESSAGE),
            )
            await db.execute("DELETE FROM messages WHERE chat = ? AND message <> ?", (old, UNKNOWN_MESSAGE))
            cursor = await db.execute(
                "UPDATE portraits SET chat = ?, message = -id, status_message = NULL, baby_message = NULL"
                " WHERE chat = ? RETURNING id, state",
                (new, old),
            )
            moved = [(int(row["id"]), State(row["state"])) for row in await cursor.fetchall()]
            # The anonymous administrators of the group, if they ever asked for something.
            await db.execute(
                "INSERT INTO people SELECT ?, language, telegram_language, blocked, reachable, created_at"
                " FROM people WHERE id = ? ON CONFLICT DO NOTHING",
                (new, old),
            )
            await db.execute("UPDATE portraits SET owner = ? WHERE owner = ?", (new, old))
            await db.execute("UPDATE OR IGNORE pets SET owner = ? WHERE owner = ?", (new, old))
            await db.execute("DELETE FROM people WHERE id = ?", (old,))
            await db.execute(
                "INSERT INTO usage SELECT ?, day, count FROM usage WHERE subject = ?"
                " ON CONFLICT DO UPDATE SET count = count + excluded.count",
                (new, old),
            )
            await db.execute("DELETE FROM usage WHERE subject = ?", (old,))
        return [id_ for id_, state in moved if state in (*ASKING_STATES, State.QUEUED, State.RUNNING)]

    # ---- limits

    async def use(self, subject: int, now: float) -> None:
        """Count one portrait for this person or group today."""
        await self._set(
            "INSERT INTO usage VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1", subject, _day(now)
        )

    async def usage(self, subject: int) -> dict[str, int]:
        """How many portraits by day, as far as it is kept."""
        rows = await self._db.all("SELECT day, count FROM usage WHERE subject = ? ORDER BY day", (subject,))
        return {row["day"]: row["count"] for row in rows}

    async def used(self, subject: int, now: float) -> int:
        """How many portraits this person or group had made today (UTC)."""
        return await self._db.number("SELECT count FROM usage WHERE subject = ? AND day = ?", (subject, _day(now)))

    async def forget_usage(self, now: float) -> None:
        """Delete the counts of the days that are over."""
        await self._set("DELETE FROM usage WHERE day < ?", _day(now))

    async def _set(self, sql: str, *values: object) -> None:
        async with self._db.writing() as db:
            await db.execute(sql, values)


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()
