"""`throwback run` where it cannot: one sentence that says why, and what to do."""

import asyncio
import logging
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from bot import cli
from bot.messaging.listening import ListeningEnded
from bot.operations.home_lock import exclusive_home
from bot.timings import Timings
from storage import Storage


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Far from Telegram, and with the log of the tests."""
    monkeypatch.setenv("THROWBACK_HOME", str(tmp_path))
    monkeypatch.setenv("THROWBACK_TOKEN", "123456:" + "a" * 35)
    monkeypatch.setenv("THROWBACK_API_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("bot.commands.run.set_up_logs", lambda *_, level: logging.getLogger("bot").setLevel(level))


async def opened(home: Path) -> None:
    async with Storage(home):
        pass


def test_a_database_of_a_newer_version(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(opened(tmp_path))
    with closing(sqlite3.connect(tmp_path / "throwback.sqlite3")) as database, database:
        database.execute("INSERT INTO migrations VALUES (9999, 'future')")
    assert cli.main(["run"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path) in line and "newer version" in line


def test_a_damaged_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "throwback.sqlite3").write_bytes(b"no database" * 1000)
    assert cli.main(["run"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path) in line and "damaged" in line


def test_a_data_folder_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bot.app.Timings", partial(Timings, lock_wait_s=0.0))
    with asyncio.Runner() as another:
        use = exclusive_home(tmp_path, 0.0)
        another.run(use.__aenter__())
        assert cli.main(["run"]) == 1
        another.run(use.__aexit__(None, None, None))
    (line,) = capsys.readouterr().err.splitlines()
    assert "another bot is running" in line and "THROWBACK_HOME" in line


def test_a_token_that_stays_refused_is_for_a_person(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def refused(*_: object) -> None:
        raise ListeningEnded("Telegram does not know this bot; check THROWBACK_TOKEN")

    monkeypatch.setattr("bot.commands.run.serve", refused)
    assert cli.main(["run"]) == 78
    (line,) = capsys.readouterr().err.splitlines()
    assert "check THROWBACK_TOKEN" in line
