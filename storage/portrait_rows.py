"""Statements about portraits that several classes share."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import aiosqlite

from storage.records import Deleted, Notice, Portrait, PortraitChanges, PortraitFailure, State

_COLUMNS = frozenset(PortraitChanges.__annotations__) | {"state", "started_at", "done_at", "latent"}
ERASED_COLUMNS = (
    "file_id = '', file_unique_id = '', photo = NULL, baby_file_id = NULL, baby_photo = NULL, recognition = NULL,"
    " latent = NULL, breed = NULL, name = '', pet = NULL, numbered = NULL"
)
"""Assignments that clear every column with content: what remains says only that there was a portrait."""
ERASED_ALBUMS = "DELETE FROM album_photos WHERE portrait IN (SELECT id FROM portraits WHERE state = 'cancelled')"


async def fetch_row(db: aiosqlite.Connection, sql: str, values: Sequence[Any] = ()) -> Any:
    """Return the first row, None when there is none."""
    # Fetch all rows: a statement with RETURNING that is left halfway keeps its transaction from ending.
    rows = list(await (await db.execute(sql, values)).fetchall())
    return rows[0] if rows else None


async def change_portrait(
    db: aiosqlite.Connection, id: int, before: Sequence[State], now: float, changes: Mapping[str, object]
) -> Portrait | None:
    if unknown := changes.keys() - _COLUMNS:
        raise TypeError(f"a portrait has no {', '.join(sorted(unknown))}")
    if "state" in changes:
        changes = {**changes, "told": ""}
    columns = ", ".join(f"{column} = ?" for column in (*changes, "changed_at"))
    marks = ", ".join("?" * len(before))
    row = await fetch_row(
        db,
        f"UPDATE portraits SET {columns} WHERE id = ? AND state IN ({marks}) RETURNING *",  # noqa: S608 (known columns)
        (*map(_to_column, changes.values()), now, id, *before),
    )
    return Portrait.of(row) if row else None


def _to_column(value: object) -> Any:
    return str(value) if isinstance(value, PortraitFailure) else value


async def delete_portraits(db: aiosqlite.Connection, column: Literal["id", "owner"], value: int) -> Deleted:
    """Delete the portraits with this value; return what was known of them at that moment."""
    messages = await db.execute_fetchall(
        f"SELECT DISTINCT m.chat, m.message FROM messages m JOIN portraits p ON p.id = m.portrait WHERE p.{column} = ?"  # noqa: S608 (one of two words)
        " ORDER BY m.chat, m.message",
        (value,),
    )
    portraits = await db.execute_fetchall(f"DELETE FROM portraits WHERE {column} = ? RETURNING *", (value,))  # noqa: S608 (likewise)
    return Deleted([Portrait.of(row) for row in portraits], messages_by_chat(messages))


async def note(db: aiosqlite.Connection, id: int, notice: Notice, age: float) -> None:
    """Note what is to be said about a portrait's results."""
    await db.execute(
        "INSERT INTO notices SELECT id, ?, ? FROM portraits WHERE id = ? ON CONFLICT DO NOTHING", (notice, age, id)
    )


def messages_by_chat(rows: Iterable[sqlite3.Row]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(row["chat"], []).append(row["message"])
    return found
