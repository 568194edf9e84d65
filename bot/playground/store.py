"""Keeps the playground's conversations over restarts, as JSON records in one SQLite file.

Everything also lives in memory: the file is read once, at the start. Writes are synchronous, because a record is a few
hundred bytes and a process that is killed must not lose what it has answered.
"""

import sqlite3
from pathlib import Path
from typing import TypeVar

import msgspec

from bot.playground.errors import Json

_T = TypeVar("_T")

_LOCK_WAIT_S = 1  # s for a playground that is just stopping; longer delays the message that it is not


class StoreInUse(Exception):
    """Another process has the playground's file open."""


class Store:
    """Dataclasses and JSON objects by kind and key; keys are integers or strings.

    It belongs to one process at a time: opening it in a second one raises `StoreInUse`.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=_LOCK_WAIT_S)
        try:
            self._open()
        except sqlite3.Error as error:
            self._connection.close()
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                raise StoreInUse from error
            raise

    def _open(self) -> None:
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._connection.execute("PRAGMA journal_mode = WAL")
        # Survives the death of the process, which is what the playground promises; not of the machine.
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS records (kind TEXT, key, value TEXT NOT NULL, PRIMARY KEY (kind, key))"
            " WITHOUT ROWID"
        )

    def put(self, kind: str, key: int | str, value: object) -> None:
        record = msgspec.json.encode(value).decode()
        self._connection.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", (kind, key, record))

    def get(self, kind: str, key: int | str) -> Json | None:
        row = self._connection.execute("SELECT value FROM records WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=Json)

    def remove(self, kind: str, key: int | str) -> None:
        self._connection.execute("DELETE FROM records WHERE kind = ? AND key = ?", (kind, key))

    def all(self, kind: str, type_: type[_T]) -> list[_T]:
        """Return every record of a kind, in the order of their keys, without what only an earlier version stored."""
        rows = self._connection.execute("SELECT value FROM records WHERE kind = ? ORDER BY key", (kind,))
        return [msgspec.json.decode(value, type=type_) for (value,) in rows]

    def close(self) -> None:
        self._connection.close()
