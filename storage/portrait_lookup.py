"""Which portrait a message, an album or a person means."""

from collections.abc import Sequence

from storage.database import Database
from storage.records import Expecting, Portrait, State


class PortraitLookup:
    """Finds portraits by what the chat knows of them."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def by_photo_message(self, chat: int, message: int) -> Portrait | None:
        """Return the portrait that this message of its owner began."""
        row = await self._db.one(
            "SELECT * FROM portraits WHERE chat = ? AND message = ? ORDER BY id DESC LIMIT 1", (chat, message)
        )
        return Portrait.of(row) if row else None

    async def by_any_message(self, chat: int, message: int) -> Portrait | None:
        """Return the portrait of a message that is its photo, the bot's question about it, or a result."""
        row = await self._db.one(
            "SELECT p.* FROM portraits p WHERE p.chat = ?1 AND (p.message = ?2 OR p.status_message = ?2 OR EXISTS"
            " (SELECT 1 FROM messages m WHERE m.portrait = p.id AND m.chat = ?1 AND m.message = ?2))"
            " ORDER BY p.id DESC LIMIT 1",
            (chat, message),
        )
        return Portrait.of(row) if row else None

    async def latest(
        self, owner: int, chat: int, states: Sequence[State], expecting: Expecting = Expecting.NOTHING
    ) -> Portrait | None:
        """Return the owner's newest portrait in this chat in one of these states, expecting these words if any."""
        marks = ", ".join("?" * len(states))
        row = await self._db.one(
            f"SELECT * FROM portraits WHERE owner = ? AND chat = ? AND state IN ({marks})"  # noqa: S608 (only marks)
            " AND (? = '' OR expected_text = ?) ORDER BY changed_at DESC, id DESC LIMIT 1",
            (owner, chat, *states, expecting, expecting),
        )
        return Portrait.of(row) if row else None

    async def of_album(self, owner: int, chat: int, album: str) -> list[Portrait]:
        """Return the portraits that one album's photos began, oldest first."""
        rows = await self._db.all(
            "SELECT * FROM portraits WHERE owner = ? AND chat = ? AND album = ? ORDER BY message", (owner, chat, album)
        )
        return [Portrait.of(row) for row in rows]

    async def of_baby_photo(self, owner: int, chat: int, message: int, album: str | None) -> Portrait | None:
        """Return the portrait whose baby photo came with this message, or in this album."""
        row = await self._db.one(
            "SELECT * FROM portraits WHERE owner = ? AND chat = ? AND (baby_message = ? OR baby_album = ?)",
            (owner, chat, message, album),
        )
        return Portrait.of(row) if row else None

    async def with_results(self, owner: int) -> list[Portrait]:
        """Return the owner's portraits that have results, newest first; those just being delivered count."""
        rows = await self._db.all(
            "SELECT * FROM portraits WHERE owner = ? AND state IN ('delivering', 'done') ORDER BY id DESC", (owner,)
        )
        return [Portrait.of(row) for row in rows]
