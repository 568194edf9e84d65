"""Keeps the playground's conversations over restarts, as JSON records in one SQLite file.

Everything also lives in memory: the file is read once, at the start. Writes are synchronous, because a record is a few
hundred bytes and a process that is killed must not lose what it has answered.
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bot.playground.errors import Json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_D = TypeVar("_D", bound="DataclassInstance")

_LOCK_WAIT_S = 1  # s for a playground that is just stopping; longer delays the message that it is not


class StoreInUse(Exception):
    """Another process has the playground's file open."""


class Store:
    """JSON objects by kind and key; keys are integers or strings.

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

    def put(self, kind: str, key: int | str, value: Json) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO records VALUES (?, ?, ?)", (kind, key, json.dumps(value, ensure_ascii=False))
        )

    def get(self, kind: str, key: int | str) -> Json | None:
        row = self._connection.execute("SELECT value FROM records WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def remove(self, kind: str, key: int | str) -> None:
        self._connection.execute("DELETE FROM records WHERE kind = ? AND key = ?", (kind, key))

    def all(self, kind: str) -> Iterator[Json]:
        """Yield every record of a kind, in the order of their keys."""
        for (value,) in self._connection.execute("SELECT value FROM records WHERE kind = ? ORDER BY key", (kind,)):
            yield json.loads(value)

    def close(self) -> None:
        self._connection.close()


def from_record(kind: type[_D], record: Json) -> _D:
    """Return a dataclass with the fields of a record; what only an earlier version stored is left out."""
    return kind(**{field.name: record[field.name] for field in fields(kind) if field.name in record})
