from dataclasses import replace
from pathlib import Path

from storage import Storage
from storage.media import Media
from tests.storage.test_portraits import MINE


def kept(home: Path) -> list[Path]:
    return sorted(path for path in (home / "media").glob("*/*") if path.is_file())


async def test_content_gets_its_name_whole(tmp_path: Path) -> None:
    media = Media(tmp_path)
    staged = await media.stage(b"film")
    assert not media.path(staged.digest).exists()
    media.place(staged)
    assert media.path(staged.digest) == tmp_path / staged.digest[:2] / staged.digest
    assert await media.read(staged.digest) == b"film"


async def test_a_file_lives_as_long_as_a_row_names_it(storage: Storage, tmp_path: Path) -> None:
    one, _ = await storage.portraits.receive(MINE, storage.now())
    other, _ = await storage.portraits.receive(replace(MINE, message=101), storage.now())
    await storage.portraits.keep(one.id, storage.now(), photo=b"same")
    await storage.portraits.keep(other.id, storage.now(), photo=b"same")
    assert len(kept(tmp_path)) == 1
    await storage.portraits.delete(one.id)
    assert len(kept(tmp_path)) == 1
    await storage.portraits.delete(other.id)
    assert kept(tmp_path) == []


async def test_what_a_killed_process_left_is_swept_at_the_start(tmp_path: Path) -> None:
    async with Storage(tmp_path) as storage:
        portrait, _ = await storage.portraits.receive(MINE, storage.now())
        await storage.portraits.keep(portrait.id, storage.now(), photo=b"needed")
        await storage.media.stage(b"half")
        storage.media.place(await storage.media.stage(b"nobody's"))
        assert len(kept(tmp_path)) == 3
    async with Storage(tmp_path):
        assert [path.read_bytes() for path in kept(tmp_path)] == [b"needed"]
