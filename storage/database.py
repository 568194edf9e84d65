"""One SQLite file with a writing and a reading connection, migrated when it is opened."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosqlite

from storage.records import Record

_R = TypeVar("_R", bound=Record)


class NewerDatabase(Exception):
    """The file was written by a newer version of this program."""


class Database:
    """Use as an async context manager; entering raises `NewerDatabase`.

    Each write is one transaction (`writing`), and one runs at a time: a killed process leaves complete changes only.
    Reads go through a second connection and see what was committed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = asyncio.Lock()
        self.scrub_until = 0  # id of the newest update that was being handled when something was deleted
        self._writer: aiosqlite.Connection
        self._reader: aiosqlite.Connection

    async def __aenter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = await self._connect()
        try:
            await self._writer.execute("PRAGMA journal_mode = WAL")
            # NORMAL survives a killed process; a power cut may lose the last moments, but not the file.
            await self._writer.execute("PRAGMA synchronous = NORMAL")
            await self._writer.execute("PRAGMA foreign_keys = ON")
            # Overwrite deleted rows in the file instead of only unlinking them: people ask to be forgotten.
            await self._writer.execute("PRAGMA secure_delete = ON")
            await self._migrate()
            self._reader = await self._connect()
            await self._reader.execute("PRAGMA query_only = ON")
        except BaseException:
            await self._writer.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        async with self._turn:
            await self._reader.close()
            await self._writer.close()

    async def _connect(self) -> aiosqlite.Connection:
        connection = await aiosqlite.connect(self._path, isolation_level=None)
        connection.row_factory = sqlite3.Row
        await connection.execute("PRAGMA busy_timeout = 5000")
        return connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[aiosqlite.Connection]:
        """Open a transaction; commit it at the end of the block, roll it back when the block raises or is cancelled."""
        async with self._turn:
            try:
                # A task cancelled here has begun the transaction all the same: the connection's thread goes on.
                await self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                await self._writer.commit()
            except BaseException:
                await self._writer.rollback()
                raise

    async def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement in a transaction of its own; return how many rows it changed."""
        async with self.writing() as db:
            return (await db.execute(sql, values)).rowcount

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Keep all writers out, for work on files that must not overlap a transaction."""
        async with self._turn:
            yield

    async def scrub(self) -> None:
        """Remove deleted rows from the write-ahead log too, where they could be read for a long time."""
        self.scrub_until = await self.number("SELECT max(id) FROM updates WHERE handled_at IS NULL")
        async with self._turn:
            await self._writer.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")

    async def all(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        # Fetch all rows at once: an open statement pins the connection to the moment it began, and while the
        # statements of several readers overlap, none of them would see later commits.
        return list(await self._reader.execute_fetchall(sql, values))

    async def one(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Row | None:
        rows = await self.all(sql, values)
        return rows[0] if rows else None

    async def records(self, kind: type[_R], where: str, *values: Any) -> list[_R]:
        """Return the rows of the kind's table for which this holds, in the order that it says."""
        rows = await self.all(f"SELECT * FROM {kind.table} WHERE {where}", values)  # noqa: S608 (our own words)
        return [kind.of(row) for row in rows]

    async def record(self, kind: type[_R], where: str, *values: Any) -> _R | None:
        """Return the first of these rows; None when there is none."""
        found = await self.records(kind, where, *values)
        return found[0] if found else None

    async def number(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Return the query's one number; 0 when it has none."""
        row = await self.one(sql, values)
        return int(row[0] or 0) if row else 0

    async def _migrate(self) -> None:
        """Apply the migrations that the file has not had yet, each in one transaction with its record."""
        async with self.writing() as db:
            await db.execute(
                "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT"
            )
        row = await (await self._writer.execute("SELECT max(number) FROM migrations")).fetchone()
        done = int(row[0] or 0) if row else 0
        if done > (newest := newest_migration()):
            raise NewerDatabase(f"the database is of version {done}, and this program knows {newest}")
        for number, name, script in migrations():
            if number > done:
                async with self.writing() as db:
                    for statement in statements(script):
                        await db.execute(statement)
                    await db.execute("INSERT INTO migrations VALUES (?, ?)", (number, name))


def migrations() -> Iterable[tuple[int, str, str]]:
    """Yield (number, name, script) of every migration, in order."""
    scripts = (entry for entry in files("storage").joinpath("migrations").iterdir() if entry.name.endswith(".sql"))
    for entry in sorted(scripts, key=lambda entry: entry.name):
        number, _, name = entry.name.removesuffix(".sql").partition("_")
        yield int(number), name, entry.read_text("utf-8")


def newest_migration() -> int:
    """Return the number of the last migration."""
    return max(number for number, _, _ in migrations())


def statements(script: str) -> Iterable[str]:
    """Yield the statements of a script one by one: `executescript` would commit the transaction around them."""
    part = ""
    for line in script.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):
            yield part
            part = ""
