"""Each invariant notices what it is there for."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.chaos import invariants
from bot.chaos.chat_log import ChatLog, FilmKey, SentPhoto
from bot.chaos.invariants import CheckedInvariants, Rows
from storage import State
from tests.bot.harness import Harness, eventually

NAME, WORD = "Schnurrdiburr", "Geheimnis"


class Ended:
    """A bot that made one portrait, whole and well; and what was seen of it."""

    def __init__(self, home: Path, owner: int, photo: int, updates: range) -> None:
        self.home = home
        self.owner = owner
        self.updates = updates
        self.log = ChatLog(photos=[SentPhoto(owner, owner, photo, None)])
        self.log.films[owner, FilmKey(1, "1.00")] = 1
        self.log.shown.add((owner, FilmKey(1, "1.00")))
        self.log_file = home / "bot.log"
        self.log_file.write_text('{"what": "listening"}\n')

    def broken(self) -> set[str]:
        checked, rows = CheckedInvariants(), Rows(self.home)
        invariants.check_updates(checked, rows, self.updates)
        invariants.check_portraits(checked, rows, self.log)
        invariants.check_photos(checked, rows, self.log)
        invariants.check_results(checked, rows, self.log)
        invariants.check_files(checked, rows, self.home)
        invariants.check_forgotten(checked, rows, self.log, self.home, {self.owner: WORD})
        invariants.check_log(checked, self.log_file, (NAME, WORD))
        return set(checked.broken)

    def write(self, sql: str) -> None:
        with closing(sqlite3.connect(self.home / "throwback.sqlite3")) as database, database:
            database.execute(sql)

    def media(self) -> Path:
        return next((self.home / "media").glob("??/*"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    return asyncio.run(one_portrait(tmp_path_factory.mktemp("whole")))


async def one_portrait(folder: Path) -> Ended:
    async with Harness(folder) as harness:
        mina = harness.user()
        first = harness.telegram.updates.add_raw({}) + 1
        await mina.ask_for_portrait()
        photo = (await mina.portrait_in(State.DONE)).message
        last = harness.telegram.updates.add_raw({})

        async def handled() -> bool:
            return not harness.telegram.updates.webhook_info()["pending_update_count"]

        await eventually(handled)
        return Ended(harness.settings.home, mina.id, photo, range(first, last))


@pytest.fixture
def ended(whole: Ended, tmp_path: Path) -> Ended:
    """A copy, which may be spoilt."""
    home = shutil.copytree(whole.home, tmp_path / "bot")
    return Ended(home, whole.owner, whole.log.photos[0].message, whole.updates)


def no_photo(ended: Ended) -> None:
    ended.log.photos.append(SentPhoto(ended.owner, ended.owner, 999, None))


def log_line(text: str) -> Callable[[Ended], object]:
    return lambda ended: ended.log_file.write_text(text)


@pytest.mark.parametrize(
    ("spoil", "invariant"),
    [
        (
            lambda ended: ended.write("DELETE FROM updates WHERE id = (SELECT max(id) FROM updates) - 1"),
            "no update lost",
        ),
        (lambda ended: ended.write("UPDATE updates SET handled_at = NULL"), "no update lost"),
        (lambda ended: ended.write("UPDATE updates SET body = 'x'"), "no update kept"),
        (lambda ended: ended.write("UPDATE portraits SET state = 'running'"), "each portrait at an end, and said"),
        (lambda ended: ended.write("UPDATE portraits SET told = ''"), "each portrait at an end, and said"),
        (
            lambda ended: ended.write("UPDATE portraits SET state = 'failed', told = state, failure = 'chat_gone'"),
            "nobody given up who is there",
        ),
        (no_photo, "each photo answered"),
        (lambda ended: ended.write("UPDATE results SET message = NULL"), "each result sent, or said"),
        (lambda ended: ended.write("UPDATE results SET message = 0"), "each result sent, or said"),
        (lambda ended: ended.log.shown.clear(), "each result sent, or said"),
        (lambda ended: ended.log.films.update([(ended.owner, FilmKey(1, "1.00"))]), "no film twice"),
        (lambda ended: ended.media().unlink(), "no row without its file"),
        (lambda ended: (ended.media().parent / "stray").touch(), "no file without its row"),
        (lambda ended: ended.write("INSERT INTO media VALUES ('stray', 1, 1)"), "no file that nothing names"),
        (lambda ended: ended.log.forgotten.add(ended.owner), "nothing left of the forgotten"),
        (log_line(f"hello {NAME}1"), "no name, text or token in the log"),
        (log_line('{"what": "an update failed: KeyError"}'), "no defect in the log"),
    ],
)
def test_what_is_wrong_is_noticed(ended: Ended, spoil: Callable[[Ended], object], invariant: str) -> None:
    assert not ended.broken()
    spoil(ended)
    assert invariant in ended.broken()


def test_a_photo_that_was_withdrawn_need_not_be_pointed_at(ended: Ended) -> None:
    no_photo(ended)
    ended.log.withdrawn.add((ended.owner, 999))
    assert ended.broken() == set()
