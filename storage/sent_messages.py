"""Messages that show results of portraits, in any chat."""

from storage.database import Database
from storage.portrait_rows import messages_by_chat


class SentMessages:
    """Remembers every message that has to be deleted with its portrait."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def record(self, id: int, chat: int, message: int) -> None:
        """Note a message about a portrait, in a chat that need not be the portrait's.

        `UNKNOWN_MESSAGE` stands for one that may have arrived.
        """
        await self._db.execute(
            "INSERT INTO messages SELECT id, ?, ? FROM portraits WHERE id = ? ON CONFLICT DO NOTHING",
            (chat, message, id),
        )

    async def move_gallery(self, id: int, chat: int, message: int) -> None:
        """Note that a message shows this portrait now, and no other any more."""
        async with self._db.writing() as db:
            await db.execute("DELETE FROM messages WHERE chat = ? AND message = ?", (chat, message))
            await db.execute("INSERT INTO messages SELECT id, ?, ? FROM portraits WHERE id = ?", (chat, message, id))

    async def of(self, *ids: int) -> dict[int, list[int]]:
        """Return all messages about these portraits, by chat, oldest first.

        Where something may stand under a number that nobody knows, the first one is `UNKNOWN_MESSAGE`.
        """
        marks = ", ".join("?" * len(ids))
        return messages_by_chat(
            await self._db.all(
                f"SELECT DISTINCT chat, message FROM messages WHERE portrait IN ({marks}) ORDER BY chat, message",  # noqa: S608 (only marks)
                ids,
            )
        )
