"""Sticker sets that were made for their owners, and which sticker in them is of which portrait."""

from collections.abc import Sequence

from storage.database import Database
from storage.records import Sticker


class StickerPacks:
    """Keeps the names of sets, which the messenger keeps for as long as it is not told to delete them."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def newest(self, owner: int) -> str | None:
        """Return the name of the owner's newest set; None when there is none."""
        row = await self._db.one(
            "SELECT name FROM sticker_sets WHERE owner = ? ORDER BY created_at DESC LIMIT 1", (owner,)
        )
        return str(row["name"]) if row else None

    async def names(self, owner: int) -> list[str]:
        """Return the names of all sets of the owner."""
        return [row["name"] for row in await self._db.all("SELECT name FROM sticker_sets WHERE owner = ?", (owner,))]

    async def add_set(self, name: str, owner: int, now: float) -> None:
        """Note a set before it is made, so that it is never forgotten."""
        await self._db.execute("INSERT INTO sticker_sets VALUES (?, ?, ?)", (name, owner, now))

    async def delete_set(self, name: str) -> None:
        await self._db.execute("DELETE FROM sticker_sets WHERE name = ?", (name,))

    async def begin(self, sticker: Sticker) -> None:
        """Note a sticker before it is put into its set."""
        await self._db.execute(
            "INSERT INTO stickers SELECT id, ?, ?, ?, '' FROM portraits WHERE id = ? ON CONFLICT DO UPDATE"
            " SET name = excluded.name, before = excluded.before, file_id = ''",
            (sticker.age, sticker.name, sticker.before, sticker.portrait),
        )

    async def put(self, sticker: Sticker, file_id: str) -> None:
        """Note that a sticker is in its set, and under which id."""
        await self._db.execute(
            "UPDATE stickers SET file_id = ? WHERE portrait = ? AND age = ?", (file_id, sticker.portrait, sticker.age)
        )

    async def get(self, id: int, age: float) -> Sticker | None:
        """Return the portrait's sticker of this age; None when none was put into a set."""
        return await self._db.record(Sticker, "portrait = ? AND age = ?", id, age)

    async def of(self, ids: Sequence[int]) -> list[Sticker]:
        """Return the stickers of these portraits."""
        marks = ", ".join("?" * len(ids))
        return await self._db.records(Sticker, f"portrait IN ({marks})", *ids)
