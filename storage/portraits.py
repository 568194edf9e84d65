"""Rows of portraits: the conversation, the job and the history of every photo."""

from collections.abc import Mapping, Sequence
from typing import Unpack, cast

from storage.database import Database
from storage.media_index import MediaIndex
from storage.portrait_rows import ERASED_ALBUMS, ERASED_COLUMNS, change_portrait, delete_portraits, fetch_row
from storage.records import (
    OPEN_STATES,
    PREDECESSORS,
    UNKNOWN_MESSAGE,
    Deleted,
    Photo,
    Portrait,
    PortraitChanges,
    PortraitFiles,
    State,
)

_UNTOUCHED_SINCE = "changed_at < ? AND state NOT IN ('queued', 'running', 'delivering')"
_FILES = frozenset(PortraitFiles.__annotations__)
_TIME_COLUMNS = {State.QUEUED: "queued_at", State.RUNNING: "started_at", State.DONE: "done_at"}


class Portraits:
    """Receives, changes and deletes portraits."""

    def __init__(self, database: Database, media_index: MediaIndex) -> None:
        self._db = database
        self._media_index = media_index

    async def receive(self, photo: Photo, now: float) -> tuple[Portrait, bool]:
        """Return the photo's row, and whether it is new: the same message received twice is one portrait."""
        async with self._db.writing() as db:
            await db.execute(
                "INSERT INTO people (id, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING", (photo.owner, now)
            )
            row = await fetch_row(
                db,
                "INSERT INTO portraits (owner, chat, topic, message, album, language, state, file_id,"
                " file_unique_id, breed, name, age, created_at, changed_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING RETURNING *",
                (
                    *(photo.owner, photo.chat, photo.topic, photo.message, photo.album, photo.language),
                    *(State.RECEIVED, photo.file_id, photo.file_unique_id, photo.breed, photo.name, photo.age),
                    *(now, now),
                ),
            )
            if row:
                return Portrait.of(row), True
            row = await fetch_row(
                db, "SELECT * FROM portraits WHERE chat = ? AND message = ? AND original", (photo.chat, photo.message)
            )
            return Portrait.of(row), False

    async def again(self, portrait: Portrait, breed: str | None, now: float) -> Portrait:
        """Return a new portrait of the same photo; its owner is asked everything but a breed given here."""
        async with self._db.writing() as db:
            row = await fetch_row(
                db,
                "INSERT INTO portraits (owner, chat, topic, message, language, state, again_of, original, file_id,"
                " file_unique_id, photo, breed, name, pet, created_at, changed_at)"
                " SELECT owner, chat, topic, message, language, ?, id, 0, file_id,"
                " file_unique_id, photo, ?, name, pet, ?, ?"
                " FROM portraits WHERE id = ? RETURNING *",
                (State.RECEIVED, breed, now, now, portrait.id),
            )
            return Portrait.of(row)

    async def of_other_pet(self, portrait: Portrait, head: int, species: str, now: float) -> Portrait | None:
        """Return a new portrait of another pet in the same photo; None when there is one already."""
        async with self._db.writing() as db:
            row = await fetch_row(
                db,
                "INSERT INTO portraits (owner, chat, topic, message, language, state, original, file_id,"
                " file_unique_id, photo, together, head, species, go_on, created_at, changed_at)"
                " SELECT owner, chat, topic, message, language, ?, 0, file_id,"
                " file_unique_id, photo, together, ?, ?, 1, ?, ?"
                " FROM portraits WHERE id = ? ON CONFLICT DO NOTHING RETURNING *",
                (State.RECEIVED, head, species, now, now, portrait.id),
            )
            return Portrait.of(row) if row else None

    async def together(self, portrait: Portrait) -> list[Portrait]:
        """Return the portraits of all pets that were begun of one photo, in the order in which they were."""
        where = "together = ? AND owner = ? ORDER BY id"
        return await self._db.records(Portrait, where, portrait.together, portrait.owner)

    async def get(self, id: int) -> Portrait | None:
        return await self._db.record(Portrait, "id = ?", id)

    async def of_owner(self, owner: int) -> list[Portrait]:
        """Return all portraits of one owner, oldest first."""
        return await self._db.records(Portrait, "owner = ? ORDER BY id", owner)

    async def open_of(self, owner: int) -> list[Portrait]:
        """Return the owner's portraits that can still be cancelled."""
        return [portrait for portrait in await self.of_owner(owner) if portrait.state in OPEN_STATES]

    async def advance(self, id: int, to: State, now: float, **changes: Unpack[PortraitChanges]) -> Portrait | None:
        """Move a portrait to another state and change other columns with it, in one transaction.

        None when `to` may not follow the present state (a second press, or one that came too late), or the row is gone.
        """
        moments = {_TIME_COLUMNS[to]: now} if to in _TIME_COLUMNS else {}
        return await self._update(id, PREDECESSORS[to], now, {"state": to, **moments, **changes})

    async def change(self, id: int, now: float, **changes: Unpack[PortraitChanges]) -> Portrait | None:
        """Change columns but not the state; None when the row is gone."""
        return await self._update(id, tuple(State), now, changes)

    async def _update(
        self, id: int, before: Sequence[State], now: float, changes: Mapping[str, object]
    ) -> Portrait | None:
        async with self._db.writing() as db:
            portrait = await change_portrait(db, id, before, now, changes)
        if portrait and any(name in _FILES and value is None for name, value in changes.items()):
            await self._media_index.clear_out()  # what shows a photo does not outlive its use
        return portrait

    async def store_files(self, id: int, now: float, **files: Unpack[PortraitFiles]) -> Portrait | None:
        """Store files and name them in the row; None when the row is gone."""
        contents = cast(dict[str, bytes], files)
        async with self._media_index.storing(list(contents.values()), now) as (db, digests):
            changes = dict(zip(contents, digests, strict=True))
            return await change_portrait(db, id, tuple(State), now, changes)

    async def move_to_owner(self, id: int, now: float) -> Portrait | None:
        """Go on with a group's portrait in its owner's private chat; None for one that has none, or is there already.

        Its message stays behind, as when a group becomes a supergroup. Its status message becomes one that is deleted
        with the portrait.
        """
        async with self._db.writing() as db:
            await db.execute(
                "INSERT INTO messages SELECT id, chat, status_message FROM portraits"
                " WHERE id = ? AND chat < 0 AND owner > 0 AND status_message IS NOT NULL ON CONFLICT DO NOTHING",
                (id,),
            )
            await db.execute(
                "UPDATE results SET message = ? WHERE portrait = ? AND message IS NOT NULL AND EXISTS"
                " (SELECT 1 FROM portraits p WHERE p.id = portrait AND p.chat < 0 AND p.owner > 0)",
                (UNKNOWN_MESSAGE, id),
            )
            row = await fetch_row(
                db,
                "UPDATE portraits SET chat = owner, topic = NULL, message = -id, status_message = NULL,"
                " baby_message = NULL, changed_at = ? WHERE id = ? AND chat < 0 AND owner > 0 RETURNING *",
                (now, id),
            )
            return Portrait.of(row) if row else None

    async def mark_announced(self, id: int, state: State) -> None:
        """Note that the owner was told of this state, unless it is another one by now."""
        await self._db.execute("UPDATE portraits SET told = state WHERE id = ? AND state = ?", (id, state))

    async def clear_announced(self, id: int) -> None:
        """Have the owner told of the state once more."""
        await self._db.execute("UPDATE portraits SET told = '' WHERE id = ?", (id,))

    async def own_photos(self, id: int) -> list[str]:
        """Return the digests of this portrait's photos that no other portrait and no pet uses."""
        rows = await self._db.all(
            "SELECT digest FROM (SELECT photo AS digest FROM portraits WHERE id = ?1"
            " UNION SELECT baby_photo FROM portraits WHERE id = ?1) AS own WHERE digest IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM portraits WHERE id <> ?1 AND own.digest IN (photo, baby_photo))"
            " AND NOT EXISTS (SELECT 1 FROM pets WHERE baby_photo = own.digest)",
            (id,),
        )
        return [row["digest"] for row in rows]

    async def erase(self, id: int) -> None:
        """Erase a cancelled portrait, except that it existed, so that its message does not begin another."""
        async with self._db.writing() as db:
            await db.execute(f"UPDATE portraits SET {ERASED_COLUMNS} WHERE id = ? AND state = 'cancelled'", (id,))  # noqa: S608 - our own words
            await db.execute(ERASED_ALBUMS)
        await self._media_index.clear_out()

    async def older(self, before: float) -> list[Portrait]:
        """Return the portraits last touched before this moment, except those being worked on."""
        return await self._db.records(Portrait, _UNTOUCHED_SINCE, before)

    async def delete(self, id: int) -> Deleted:
        """Delete a portrait with its results, and the files that nothing else uses."""
        async with self._db.writing() as db:
            deleted = await delete_portraits(db, "id", id)
        await self._media_index.clear_out()
        return deleted

    async def delete_older(self, before: float) -> None:
        """Delete the portraits that `older` returns."""
        await self._db.execute(f"DELETE FROM portraits WHERE {_UNTOUCHED_SINCE}", (before,))  # noqa: S608 - likewise
        await self._media_index.clear_out()
