import asyncio
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from storage import NewerDatabase, Storage
from storage.database import Database, migrations, statements
from tests.storage.test_portraits import MINE


async def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    async with Database(tmp_path / "db") as database:
        with pytest.raises(sqlite3.IntegrityError):
            async with database.writing() as db:
                await db.execute("INSERT INTO switches VALUES ('a', '1')")
                await db.execute("INSERT INTO switches VALUES ('a', '2')")
        assert await database.all("SELECT * FROM switches") == []


async def test_a_write_cancelled_as_it_begins_stands_in_nobodys_way(tmp_path: Path) -> None:
    async with Database(tmp_path / "db") as database:

        async def write(name: str) -> None:
            async with database.writing() as db:
                await db.execute("INSERT INTO switches VALUES (?, '')", (name,))

        cancelled = asyncio.create_task(write("cancelled"))
        await asyncio.sleep(0)  # it has asked to begin
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        await write("next")
        assert [row["name"] for row in await database.all("SELECT name FROM switches")] == ["next"]


async def test_writers_take_turns(tmp_path: Path) -> None:
    async with Database(tmp_path / "db") as database:

        async def count() -> None:
            async with database.writing() as db:
                row = await (await db.execute("SELECT count(*) FROM switches")).fetchone()
                assert row is not None
                await asyncio.sleep(0)
                await db.execute("INSERT INTO switches VALUES (?, '')", (str(row[0]),))

        await asyncio.gather(*(count() for _ in range(20)))
        assert await database.number("SELECT count(*) FROM switches") == 20


async def test_what_was_written_is_seen_however_many_read(tmp_path: Path) -> None:
    async with Database(tmp_path / "db") as database:
        missed = []

        async def reader(number: int) -> None:
            for turn in range(20):
                key = f"{number} {turn}"
                async with database.writing() as db:
                    await db.execute("INSERT INTO switches VALUES (?, '')", (key,))
                if await database.one("SELECT 1 FROM switches WHERE name = ?", (key,)) is None:
                    missed.append(key)

        async def busy() -> None:
            for _ in range(400):
                await database.all("SELECT a.name FROM switches a, switches b LIMIT 500")

        await asyncio.gather(*(reader(number) for number in range(5)), *(busy() for _ in range(4)))
        assert not missed


async def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    async with Database(tmp_path / "db") as database, database.writing() as db:
        await db.execute("INSERT INTO migrations VALUES (9999, 'future')")
    with pytest.raises(NewerDatabase):
        async with Database(tmp_path / "db"):
            pass


async def earlier_database(path: Path, version: int, rows: str) -> None:
    """A database as it was after so many migrations, with these rows."""
    with pytest.MonkeyPatch.context() as patch:
        known = list(migrations())[:version]
        patch.setattr("storage.database.migrations", lambda: known)
        async with Database(path) as database, database.writing() as db:
            for statement in statements(rows):
                await db.execute(statement)


async def test_photos_made_again_in_an_earlier_database_can_be_deleted(tmp_path: Path) -> None:
    await earlier_database(
        tmp_path / "throwback.sqlite3",
        1,
        """
INSERT INTO people (id, created_at) VALUES (7, 1);
INSERT INTO portraits (id, owner, chat, message, language, state, again_of, file_id, created_at, changed_at)
VALUES (1, 7, 7, 100, 'ko', 'done', NULL, 'x', 1, 1), (2, 7, 7, 100, 'ko', 'done', 1, 'x', 1, 1),
       (3, 7, 7, 100, 'ko', 'done', 1, 'x', 1, 1);
""",
    )
    async with Storage(tmp_path) as storage:
        known, new = await storage.portraits.receive(MINE, storage.now())
        assert (known.id, new) == (1, False)
        await storage.portraits.delete(1)
        assert [portrait.id for portrait in await storage.portraits.of_owner(7)] == [2, 3]


async def test_an_earlier_database_tells_where_results_were_sent(tmp_path: Path) -> None:
    await earlier_database(
        tmp_path / "throwback.sqlite3",
        2,
        """
INSERT INTO people (id, created_at) VALUES (7, 1);
INSERT INTO portraits (id, owner, chat, message, language, state, file_id, created_at, changed_at)
VALUES (1, 7, -5, 100, 'ko', 'done', 'x', 1, 1);
INSERT INTO results (portrait, age, kind, message) VALUES (1, 1, 'still', 101), (1, 1, 'film', 0), (1, 1, 'card', NULL);
""",
    )
    async with Storage(tmp_path) as storage:
        assert await storage.messages.of(1) == {-5: [0, 101]}  # and perhaps the film


async def test_what_was_cancelled_in_an_earlier_database_is_kept_no_longer(tmp_path: Path) -> None:
    await earlier_database(
        tmp_path / "throwback.sqlite3",
        9,
        """
INSERT INTO people (id, created_at) VALUES (7, 1);
INSERT INTO media VALUES ('abc', 1, 1);
INSERT INTO portraits (id, owner, chat, message, language, state, told, file_id, photo, name, created_at, changed_at)
VALUES (1, 7, 7, 100, 'ko', 'cancelled', 'cancelled', 'x', 'abc', 'Momo', 1, 1);
""",
    )
    async with Storage(tmp_path) as storage:
        (portrait,) = await storage.portraits.of_owner(7)
        assert (portrait.photo, portrait.file_id, portrait.name) == (None, "", "")
        assert (await storage.counts()).media_bytes == 0


def test_statements_are_told_apart_despite_comments() -> None:
    script = "-- one; two\nCREATE TABLE a (x);\nINSERT INTO a VALUES (';');\n"
    assert len(list(statements(script))) == 2


def test_rows_survive_a_killed_process(tmp_path: Path) -> None:
    """A process writes rows for as long as it lives and says each one; every row it said is there afterwards."""
    code = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from storage import Storage
from tests.storage.test_portraits import MINE

async def main():
    async with Storage(Path(sys.argv[1])) as storage:
        for message in range(1, 100000):
            portrait, _ = await storage.portraits.receive(replace(MINE, message=message), storage.now())
            await storage.portraits.store_files(portrait.id, storage.now(), photo=str(message).encode())
            print(message, flush=True)

asyncio.run(main())
"""
    root = Path(__file__).parents[2]
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=root)
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(20)]
    process.send_signal(signal.SIGKILL)
    said += [int(line) for line in process.stdout.read().splitlines()]
    process.stdout.close()
    process.wait()
    assert set(said) <= asyncio.run(whole_messages(tmp_path))


async def whole_messages(home: Path) -> set[int]:
    async with Storage(home) as storage:
        rows = await storage.portraits.of_owner(MINE.owner)
        return {row.message for row in rows if row.photo and await storage.media.read(row.photo)}
