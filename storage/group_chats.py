"""Groups in which the bot is, or was."""

import aiosqlite

from storage.database import Database
from storage.media_index import MediaIndex
from storage.records import ASKING_STATES, UNKNOWN_MESSAGE, Group, State


class Groups:
    """Keeps a row of every group the bot was added to."""

    def __init__(self, database: Database, media_index: MediaIndex) -> None:
        self._db = database
        self._media_index = media_index

    async def get(self, id: int) -> Group | None:
        return await self._db.record(Group, "id = ?", id)

    async def join(self, id: int, now: float) -> None:
        """Note that the bot is in the group."""
        await self._db.execute(
            "INSERT INTO groups (id, created_at) VALUES (?, ?) ON CONFLICT DO UPDATE SET present = 1", (id, now)
        )

    async def leave(self, id: int) -> list[int]:
        """Note that the bot was removed; return the group's open portraits, which are cancelled, without results."""
        async with self._db.writing() as db:
            await db.execute("UPDATE groups SET present = 0 WHERE id = ?", (id,))
            cursor = await db.execute(
                "UPDATE portraits SET state = 'cancelled', told = '', expected_text = ''"
                " WHERE chat = ? AND state NOT IN ('done', 'failed', 'cancelled') RETURNING id",
                (id,),
            )
            cancelled = [int(row["id"]) for row in await cursor.fetchall()]
            await db.executemany("DELETE FROM results WHERE portrait = ?", [(one,) for one in cancelled])
        await self._media_index.clear_out()
        return cancelled

    async def limit(self, id: int, daily_limit: int | None, now: float) -> None:
        """Set how many portraits a day the group may have; None takes the setting's number."""
        await self.join(id, now)
        await self._db.execute("UPDATE groups SET daily_limit = ? WHERE id = ?", (daily_limit, id))

    async def move(self, old: int, new: int) -> list[int]:
        """Give the group the id of its supergroup; return the portraits that have to be shown again.

        Its messages have no ids in the new chat, whose own begin at 1: what pointed to a message points nowhere now,
        and a portrait's own message gets a number that no message has. What we said stays in the old chat, where
        nobody can take it away any more.
        """
        async with self._db.writing() as db:
            await db.execute("UPDATE OR REPLACE groups SET id = ? WHERE id = ?", (new, old))
            await _disown_messages(db, old)
            cursor = await db.execute(
                "UPDATE portraits SET chat = ?, message = -id, status_message = NULL, baby_message = NULL"
                " WHERE chat = ? RETURNING id, state",
                (new, old),
            )
            moved = [(int(row["id"]), State(row["state"])) for row in await cursor.fetchall()]
            await _move_owner(db, old, new)
        return [id_ for id_, state in moved if state in (*ASKING_STATES, State.QUEUED, State.RUNNING)]


async def _disown_messages(db: aiosqlite.Connection, chat: int) -> None:
    """Forget the numbers of the chat's messages, but not that there are some."""
    await db.execute(
        "UPDATE results SET message = ? WHERE message IS NOT NULL"
        " AND portrait IN (SELECT id FROM portraits WHERE chat = ?)",
        (UNKNOWN_MESSAGE, chat),
    )
    await db.execute(
        "INSERT INTO messages SELECT portrait, chat, ?2 FROM messages WHERE chat = ?1"
        " UNION SELECT id, chat, ?2 FROM portraits WHERE chat = ?1 AND status_message IS NOT NULL"
        " ON CONFLICT DO NOTHING",
        (chat, UNKNOWN_MESSAGE),
    )
    await db.execute("DELETE FROM messages WHERE chat = ? AND message <> ?", (chat, UNKNOWN_MESSAGE))


async def _move_owner(db: aiosqlite.Connection, old: int, new: int) -> None:
    """Give the new id what the group's anonymous administrators own, if they ever asked for something."""
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
