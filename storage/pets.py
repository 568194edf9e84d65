"""Pets whose names their owners told."""

from storage.database import Database
from storage.media_index import MediaIndex
from storage.records import NAMED_KINDS, Pet


class Pets:
    """Keeps a pet's name with its breed and its baby photo."""

    def __init__(self, database: Database, media_index: MediaIndex) -> None:
        self._db = database
        self._media_index = media_index

    async def of_owner(self, owner: int) -> list[Pet]:
        """Return the owner's pets, the last used first."""
        return await self._db.records(Pet, "owner = ? ORDER BY used_at DESC, id DESC", owner)

    async def get(self, id: int) -> Pet | None:
        return await self._db.record(Pet, "id = ?", id)

    async def name(self, portrait: int, name: str, now: float) -> Pet | None:
        """Remember the pet of this portrait by its name, with its breed and baby photo; None when the row is gone.

        An owner has one pet of a name; naming it again brings what is known of it up to date.
        """
        marks = ", ".join("?" * len(NAMED_KINDS))
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
            await db.execute(  # what the name is written on is made anew when it is asked for again
                "UPDATE results SET digest = NULL, thumbnail = NULL, file_id = NULL"  # noqa: S608 (only marks)
                f" WHERE portrait = ? AND kind IN ({marks})",
                (portrait, *NAMED_KINDS),
            )
        await self._media_index.clear_out()
        return Pet.of(row)

    async def use(self, id: int, now: float) -> None:
        """Note that a portrait of this pet was made: it is offered first from now on."""
        await self._db.execute("UPDATE pets SET used_at = ? WHERE id = ?", (now, id))

    async def delete(self, owner: int, id: int) -> None:
        """Forget a pet; its portraits stay, without its name."""
        async with self._db.writing() as db:
            await db.execute("UPDATE portraits SET name = '' WHERE pet = ? AND owner = ?", (id, owner))
            await db.execute("DELETE FROM pets WHERE id = ? AND owner = ?", (id, owner))
        await self._media_index.clear_out()
