"""Portraits and their results: the conversation, the job and the history of every photo."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Unpack

import aiosqlite

from storage.database import Database
from storage.media_index import MediaIndex
from storage.records import (
    OPEN_STATES,
    PREDECESSORS,
    UNKNOWN_MESSAGE,
    Deleted,
    Expecting,
    Failure,
    Kind,
    Made,
    Notice,
    Photo,
    Portrait,
    PortraitChanges,
    PortraitFiles,
    Result,
    State,
)

_COLUMNS = frozenset(PortraitChanges.__annotations__) | {"state", "started_at", "done_at", "latent"}
ERASED_COLUMNS = (
    "file_id = '', photo = NULL, baby_file_id = NULL, baby_photo = NULL, recognition = NULL, latent = NULL,"
    " breed = NULL, name = '', pet = NULL"
)
"""What a portrait is left as of which nothing is kept but that it was there."""
_UNTOUCHED_SINCE = "changed_at < ? AND state NOT IN ('queued', 'running', 'delivering')"
_TIME_COLUMNS = {State.QUEUED: "queued_at", State.RUNNING: "started_at", State.DONE: "done_at"}

# The queue's order: everybody's first photo, then everybody's second, …; those of one turn by time.
_QUEUE = """
SELECT p.*, row_number() OVER (PARTITION BY p.owner ORDER BY p.queued_at, p.id)
    + (SELECT count(*) FROM portraits r WHERE r.owner = p.owner AND r.state = 'running') AS turn
FROM portraits AS p WHERE p.state = 'queued'
ORDER BY turn, p.queued_at, p.id
"""


class Portraits:
    def __init__(self, database: Database, media_index: MediaIndex) -> None:
        self._db = database
        self._media_index = media_index

    async def receive(self, photo: Photo, now: float) -> tuple[Portrait, bool]:
        """The row of this photo, and whether it is new: the same message received twice is one portrait."""
        async with self._db.writing() as db:
            await db.execute(
                "INSERT INTO people (id, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING", (photo.owner, now)
            )
            row = await _row(
                db,
                "INSERT INTO portraits (owner, chat, topic, message, album, language, state, file_id, breed, name, age,"
                " created_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING RETURNING *",
                (
                    *(photo.owner, photo.chat, photo.topic, photo.message, photo.album, photo.language),
                    *(State.RECEIVED, photo.file_id, photo.breed, photo.name, photo.age, now, now),
                ),
            )
            if row:
                return Portrait.of(row), True
            row = await _row(
                db,
                "SELECT * FROM portraits WHERE chat = ? AND message = ? AND original",
                (photo.chat, photo.message),
            )
            return Portrait.of(row), False

    async def again(self, portrait: Portrait, now: float) -> Portrait:
        """A new portrait of the same photo, to be asked about anew."""
        async with self._db.writing() as db:
            row = await _row(
                db,
                "INSERT INTO portraits (owner, chat, topic, message, language, state, again_of, original, file_id,"
                " photo, name, pet, created_at, changed_at)"
                " SELECT owner, chat, topic, message, language, ?, id, 0, file_id, photo, name, pet, ?, ?"
                " FROM portraits WHERE id = ? RETURNING *",
                (State.RECEIVED, now, now, portrait.id),
            )
            return Portrait.of(row)

    async def get(self, id: int) -> Portrait | None:
        row = await self._db.one("SELECT * FROM portraits WHERE id = ?", (id,))
        return Portrait.of(row) if row else None

    async def by_photo_message(self, chat: int, message: int) -> Portrait | None:
        """The portrait that this message of its owner began."""
        row = await self._db.one(
            "SELECT * FROM portraits WHERE chat = ? AND message = ? ORDER BY id DESC LIMIT 1", (chat, message)
        )
        return Portrait.of(row) if row else None

    async def by_any_message(self, chat: int, message: int) -> Portrait | None:
        """The portrait to which this message belongs: its photo, the bot's question about it, or a result."""
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
        """The owner's newest portrait in this chat in one of these states, expecting these words if any are named."""
        marks = ", ".join("?" * len(states))
        row = await self._db.one(
            f"SELECT * FROM portraits WHERE owner = ? AND chat = ? AND state IN ({marks})"  # noqa: S608 (only marks)
            " AND (? = '' OR expected_text = ?) ORDER BY changed_at DESC, id DESC LIMIT 1",
            (owner, chat, *states, expecting, expecting),
        )
        return Portrait.of(row) if row else None

    async def of_album(self, owner: int, chat: int, album: str) -> list[Portrait]:
        """The portraits that one album's photos began, oldest first."""
        rows = await self._db.all(
            "SELECT * FROM portraits WHERE owner = ? AND chat = ? AND album = ? ORDER BY message", (owner, chat, album)
        )
        return [Portrait.of(row) for row in rows]

    async def of_baby_photo(self, owner: int, chat: int, message: int, album: str | None) -> Portrait | None:
        """The portrait whose baby photo came with this message, or in this album."""
        row = await self._db.one(
            "SELECT * FROM portraits WHERE owner = ? AND chat = ? AND (baby_message = ? OR baby_album = ?)",
            (owner, chat, message, album),
        )
        return Portrait.of(row) if row else None

    async def advance(self, id: int, to: State, now: float, **changes: Unpack[PortraitChanges]) -> Portrait | None:
        """Move a portrait to another state and change other columns with it, in one transaction.

        None when it is not in a state that `to` may follow: a second press, a press that came too late, a deleted row.
        """
        moments = {_TIME_COLUMNS[to]: now} if to in _TIME_COLUMNS else {}
        return await self._update(id, PREDECESSORS[to], now, {"state": to, **moments, **changes})

    async def change(self, id: int, now: float, **changes: Unpack[PortraitChanges]) -> Portrait | None:
        """Change columns but not the state; None when the row is gone."""
        return await self._update(id, tuple(State), now, changes)

    async def store_files(self, id: int, now: float, **files: Unpack[PortraitFiles]) -> Portrait | None:
        """Store files and name them in the row; None when the row is gone."""
        contents: Mapping[str, object] = files
        async with self._media_index.storing([data for data in contents.values() if isinstance(data, bytes)], now) as (
            db,
            digests,
        ):
            changes = dict(zip(contents, digests, strict=True))
            return await _change(db, id, tuple(State), now, changes)

    async def mark_announced(self, id: int, state: State) -> None:
        """The owner knows of this state, unless it is another one by now."""
        async with self._db.writing() as db:
            await db.execute("UPDATE portraits SET told = state WHERE id = ? AND state = ?", (id, state))

    async def clear_announced(self, id: int) -> None:
        """What was said of the state is to be said once more."""
        async with self._db.writing() as db:
            await db.execute("UPDATE portraits SET told = '' WHERE id = ?", (id,))

    async def _update(
        self, id: int, before: Sequence[State], now: float, changes: Mapping[str, object]
    ) -> Portrait | None:
        async with self._db.writing() as db:
            return await _change(db, id, before, now, changes)

    # ---- the queue

    async def start_next(self, now: float) -> Portrait | None:
        """Take the next portrait whose owner and group have none running; it is running from here on."""
        async with self._db.writing() as db:
            row = await _row(
                db,
                f"SELECT * FROM ({_QUEUE}) AS q WHERE NOT EXISTS (SELECT 1 FROM portraits r WHERE r.state = 'running'"  # noqa: S608
                " AND (r.owner = q.owner OR (q.chat < 0 AND r.chat = q.chat))) LIMIT 1",
            )
            if row is None:
                return None
            return await _change(db, row["id"], (State.QUEUED,), now, {"state": State.RUNNING, "started_at": now})

    async def durations(self, count: int) -> list[float]:
        """How many seconds the last so many portraits took from their start until they were delivered."""
        rows = await self._db.all(
            "SELECT done_at - started_at AS s FROM portraits WHERE done_at > started_at ORDER BY done_at DESC LIMIT ?",
            (count,),
        )
        return [float(row["s"]) for row in rows]

    async def queue(self) -> list[Portrait]:
        """The queued portraits in the order in which their turn comes."""
        return [Portrait.of(row) for row in await self._db.all(_QUEUE)]

    async def unfinished(self) -> list[Portrait]:
        """What a restart has to go on with: all that is to be done, and all that is to be said."""
        rows = await self._db.all(
            "SELECT * FROM portraits WHERE state IN ('received', 'baby_received', 'queued', 'running', 'delivering')"
            " OR told <> state ORDER BY id"
        )
        return [Portrait.of(row) for row in rows]

    # ---- results

    async def finish(
        self, id: int, latent: bytes, made: Sequence[Made], now: float, **changes: Unpack[PortraitChanges]
    ) -> Portrait | None:
        """Store what the engine made and move from running to delivering, in one transaction."""
        contents = [latent, *_contents(made)]
        async with self._media_index.storing(contents, now) as (db, digests):
            delivering = {**changes, "state": State.DELIVERING, "latent": digests[0]}
            portrait = await _change(db, id, PREDECESSORS[State.DELIVERING], now, delivering)
            if portrait:
                await _record(db, id, made, digests[1:])
            return portrait

    async def add_results(self, id: int, made: Sequence[Made], now: float) -> bool:
        """Store results of a portrait that is finished already; False when it is gone."""
        async with self._media_index.storing(_contents(made), now) as (db, digests):
            if await _row(db, "SELECT 1 FROM portraits WHERE id = ?", (id,)) is None:
                return False
            await _record(db, id, made, digests)
            return True

    async def request_results(self, id: int, age: float, kinds: Iterable[Kind]) -> list[Result]:
        """Note that the owner asks for these results, made or sent already or not; gives those rows."""
        kinds = list(kinds)
        async with self._db.writing() as db:
            for kind in kinds:
                await db.execute(
                    "INSERT INTO results (portrait, age, kind, wanted) VALUES (?, ?, ?, 1)"
                    " ON CONFLICT DO UPDATE SET wanted = 1, message = NULL",
                    (id, age, kind),
                )
        return [result for result in await self.results(id) if result.age == age and result.kind in kinds]

    async def drop_requests(self, id: int, age: float, notice: Notice) -> None:
        """Forget results that were asked for and could not be made; if there are any, this is to be said of them."""
        async with self._db.writing() as db:
            cursor = await db.execute(
                "DELETE FROM results WHERE portrait = ? AND age = ? AND digest IS NULL", (id, age)
            )
            if cursor.rowcount:
                await _note(db, id, notice, age)

    async def results(self, id: int) -> list[Result]:
        """All results of a portrait in the order in which they are sent."""
        rows = await self._db.all("SELECT * FROM results WHERE portrait = ?", (id,))
        order = list(Kind)
        return sorted(map(Result.of, rows), key=lambda result: (order.index(result.kind), result.id))

    async def unsent(self, id: int) -> list[Result]:
        """Results that the owner wants and has not got yet, in the order in which they are sent."""
        return [result for result in await self.results(id) if result.wanted and result.message is None]

    async def ids_with_open_requests(self) -> list[int]:
        """Finished portraits of which something is still to be sent, or to be said."""
        rows = await self._db.all(
            "SELECT id FROM portraits p WHERE state = 'done'"
            " AND (EXISTS (SELECT 1 FROM results WHERE portrait = p.id AND wanted AND message IS NULL)"
            " OR EXISTS (SELECT 1 FROM notices WHERE portrait = p.id)) ORDER BY id"
        )
        return [row["id"] for row in rows]

    async def sent(self, result: int, message: int, file_id: str) -> None:
        """A result arrived in the chat."""
        async with self._db.writing() as db:
            await db.execute("UPDATE results SET message = ?, file_id = ? WHERE id = ?", (message, file_id, result))
            await db.execute(
                "INSERT INTO messages SELECT p.id, p.chat, r.message"
                " FROM results r JOIN portraits p ON p.id = r.portrait WHERE r.id = ?"
                " ON CONFLICT DO NOTHING",
                (result,),
            )

    async def set_file_id(self, result: int, file_id: str | None) -> None:
        """Telegram has this result under another id now, or none at all."""
        async with self._db.writing() as db:
            await db.execute("UPDATE results SET file_id = ? WHERE id = ?", (file_id, result))

    async def not_sent(self, result: Result, notice: Notice | None = None) -> None:
        """Give up sending a result until its owner asks again, and note what is to be said of it."""
        async with self._db.writing() as db:
            await db.execute("UPDATE results SET message = ? WHERE id = ?", (UNKNOWN_MESSAGE, result.id))
            if notice:
                await _note(db, result.portrait, notice, result.age)
            if notice is Notice.DELIVERY_UNCERTAIN:
                await db.execute(
                    "INSERT INTO messages SELECT id, chat, ? FROM portraits WHERE id = ? ON CONFLICT DO NOTHING",
                    (UNKNOWN_MESSAGE, result.portrait),
                )

    async def notices(self, id: int) -> list[tuple[Notice, float]]:
        """What is still to be said about results of a portrait, each with their age."""
        rows = await self._db.all("SELECT kind, age FROM notices WHERE portrait = ? ORDER BY kind, age", (id,))
        return [(Notice(row["kind"]), row["age"]) for row in rows]

    async def delete_notice(self, id: int, notice: Notice, age: float) -> None:
        """This need not be said any more."""
        async with self._db.writing() as db:
            await db.execute("DELETE FROM notices WHERE portrait = ? AND kind = ? AND age = ?", (id, notice, age))

    async def record_message(self, id: int, chat: int, message: int) -> None:
        """A result was sent once more, or something was said of it, in a chat that need not be the portrait's.

        `UNKNOWN_MESSAGE` stands for one that may have arrived.
        """
        async with self._db.writing() as db:
            await db.execute(
                "INSERT INTO messages SELECT id, ?, ? FROM portraits WHERE id = ? ON CONFLICT DO NOTHING",
                (chat, message, id),
            )

    async def move_gallery(self, id: int, chat: int, message: int) -> None:
        """A message shows a result of this portrait now, and none of another any more."""
        async with self._db.writing() as db:
            await db.execute("DELETE FROM messages WHERE chat = ? AND message = ?", (chat, message))
            await db.execute("INSERT INTO messages SELECT id, ?, ? FROM portraits WHERE id = ?", (chat, message, id))

    async def messages(self, *ids: int) -> dict[int, list[int]]:
        """By chat, all messages with results of these portraits, or about them, oldest first.

        Where something may stand under a number that nobody knows, the first one is `UNKNOWN_MESSAGE`.
        """
        marks = ", ".join("?" * len(ids))
        return _by_chat(
            await self._db.all(
                f"SELECT DISTINCT chat, message FROM messages WHERE portrait IN ({marks}) ORDER BY chat, message",  # noqa: S608 (only marks)
                ids,
            )
        )

    # ---- history

    async def history(self, owner: int) -> list[Portrait]:
        """The owner's portraits with something to look at, newest first; what is just arriving counts."""
        rows = await self._db.all(
            "SELECT * FROM portraits WHERE owner = ? AND state IN ('delivering', 'done') ORDER BY id DESC", (owner,)
        )
        return [Portrait.of(row) for row in rows]

    async def of_owner(self, owner: int) -> list[Portrait]:
        """Everything that is stored of one owner, oldest first."""
        rows = await self._db.all("SELECT * FROM portraits WHERE owner = ? ORDER BY id", (owner,))
        return [Portrait.of(row) for row in rows]

    async def delete(self, id: int) -> Deleted:
        """Delete a portrait with its results, and the files that nothing else needs."""
        async with self._db.writing() as db:
            deleted = await delete_portraits(db, "id", id)
        await self._media_index.clear_out()
        return deleted

    async def own_photos(self, id: int) -> list[str]:
        """The digests of this portrait's photos that serve no other portrait and no pet."""
        rows = await self._db.all(
            "SELECT digest FROM (SELECT photo AS digest FROM portraits WHERE id = ?1"
            " UNION SELECT baby_photo FROM portraits WHERE id = ?1) AS own WHERE digest IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM portraits WHERE id <> ?1 AND own.digest IN (photo, baby_photo))"
            " AND NOT EXISTS (SELECT 1 FROM pets WHERE baby_photo = own.digest)",
            (id,),
        )
        return [row["digest"] for row in rows]

    async def erase(self, id: int) -> None:
        """Keep nothing of a portrait that was cancelled but that it was there, so that its message begins no other."""
        async with self._db.writing() as db:
            await db.execute(f"UPDATE portraits SET {ERASED_COLUMNS} WHERE id = ? AND state = 'cancelled'", (id,))  # noqa: S608 - our own words
        await self._media_index.clear_out()

    async def older(self, before: float) -> list[Portrait]:
        """The portraits last touched before this moment, except those being worked on."""
        rows = await self._db.all(f"SELECT * FROM portraits WHERE {_UNTOUCHED_SINCE}", (before,))  # noqa: S608 - our own words
        return [Portrait.of(row) for row in rows]

    async def delete_older(self, before: float) -> None:
        """Delete these."""
        async with self._db.writing() as db:
            await db.execute(f"DELETE FROM portraits WHERE {_UNTOUCHED_SINCE}", (before,))  # noqa: S608 - likewise
        await self._media_index.clear_out()

    async def open_of(self, owner: int) -> list[Portrait]:
        """The owner's portraits that can still be cancelled."""
        rows = await self._db.all("SELECT * FROM portraits WHERE owner = ? ORDER BY id", (owner,))
        return [portrait for portrait in map(Portrait.of, rows) if portrait.state in OPEN_STATES]


async def delete_portraits(db: aiosqlite.Connection, column: Literal["id", "owner"], value: int) -> Deleted:
    """Delete the portraits with this value; gives what was known of them, to the last moment."""
    messages = await db.execute_fetchall(
        f"SELECT DISTINCT m.chat, m.message FROM messages m JOIN portraits p ON p.id = m.portrait WHERE p.{column} = ?"  # noqa: S608 (one of two words)
        " ORDER BY m.chat, m.message",
        (value,),
    )
    portraits = await db.execute_fetchall(f"DELETE FROM portraits WHERE {column} = ? RETURNING *", (value,))  # noqa: S608 (likewise)
    return Deleted([Portrait.of(row) for row in portraits], _by_chat(messages))


def _by_chat(rows: Iterable[sqlite3.Row]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(row["chat"], []).append(row["message"])
    return found


async def _row(db: aiosqlite.Connection, sql: str, values: Sequence[Any] = ()) -> Any:
    # All rows are fetched: a statement with RETURNING that is left halfway keeps its transaction from ending.
    rows = list(await (await db.execute(sql, values)).fetchall())
    return rows[0] if rows else None


async def _change(
    db: aiosqlite.Connection, id: int, before: Sequence[State], now: float, changes: Mapping[str, object]
) -> Portrait | None:
    if unknown := changes.keys() - _COLUMNS:
        raise TypeError(f"a portrait has no {', '.join(sorted(unknown))}")
    if "state" in changes:
        changes = {**changes, "told": ""}
    columns = ", ".join(f"{column} = ?" for column in (*changes, "changed_at"))
    marks = ", ".join("?" * len(before))
    row = await _row(
        db,
        f"UPDATE portraits SET {columns} WHERE id = ? AND state IN ({marks}) RETURNING *",  # noqa: S608 (known columns)
        (*map(_to_column, changes.values()), now, id, *before),
    )
    return Portrait.of(row) if row else None


def _to_column(value: object) -> Any:
    return str(value) if isinstance(value, Failure) else value


async def _note(db: aiosqlite.Connection, id: int, notice: Notice, age: float) -> None:
    await db.execute(
        "INSERT INTO notices SELECT id, ?, ? FROM portraits WHERE id = ? ON CONFLICT DO NOTHING", (notice, age, id)
    )


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
