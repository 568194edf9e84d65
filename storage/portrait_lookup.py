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
        return await self._db.record(Portrait, "chat = ? AND message = ? ORDER BY id DESC LIMIT 1", chat, message)

    async def by_any_message(self, chat: int, message: int) -> Portrait | None:
        """Return the portrait of a message that is its photo, the bot's question about it, or a result."""
        shown = "SELECT 1 FROM messages m WHERE m.portrait = portraits.id AND m.chat = ?1 AND m.message = ?2"
        about = f"chat = ?1 AND (message = ?2 OR status_message = ?2 OR EXISTS ({shown}))"
        return await self._db.record(Portrait, f"{about} ORDER BY id DESC LIMIT 1", chat, message)

    async def latest(
        self, owner: int, chat: int, states: Sequence[State], expecting: Expecting = Expecting.NOTHING
    ) -> Portrait | None:
        """Return the owner's newest portrait in this chat in one of these states, expecting these words if any."""
        marks = ", ".join("?" * len(states))
        where = f"owner = ? AND chat = ? AND state IN ({marks}) AND (? = '' OR expected_text = ?)"
        order = "ORDER BY changed_at DESC, id DESC LIMIT 1"
        return await self._db.record(Portrait, f"{where} {order}", owner, chat, *states, expecting, expecting)

    async def of_album(self, owner: int, chat: int, album: str) -> list[Portrait]:
        """Return the portraits that one album's photos began, oldest first."""
        where = "owner = ? AND chat = ? AND album = ? ORDER BY message"
        return await self._db.records(Portrait, where, owner, chat, album)

    async def of_baby_photo(self, owner: int, chat: int, message: int, album: str | None) -> Portrait | None:
        """Return the portrait whose baby photo came with this message, or in this album."""
        where = "owner = ? AND chat = ? AND (baby_message = ? OR baby_album = ?)"
        return await self._db.record(Portrait, where, owner, chat, message, album)

    async def with_results(self, owner: int) -> list[Portrait]:
        """Return the owner's portraits that have results, newest first; those just being delivered count."""
        return await self._db.records(Portrait, "owner = ? AND state IN ('delivering', 'done') ORDER BY id DESC", owner)
