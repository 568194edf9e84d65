import asyncio
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from storage import Storage
from storage.media import Media
from tests.storage.test_portraits import MINE


def kept(home: Path) -> list[Path]:
    return sorted(path for path in (home / "media").glob("*/*") if path.is_file())


async def test_content_gets_its_name_whole(tmp_path: Path) -> None:
    media = Media(tmp_path)
    async with media.staging([b"film"]) as [staged]:
        assert not media.path(staged.digest).exists()
        media.place(staged)
    assert media.path(staged.digest) == tmp_path / staged.digest[:2] / staged.digest
    assert await media.read(staged.digest) == b"film"


async def test_a_file_lives_as_long_as_a_row_names_it(storage: Storage, tmp_path: Path) -> None:
    one, _ = await storage.portraits.receive(MINE, storage.now())
    other, _ = await storage.portraits.receive(replace(MINE, message=101), storage.now())
    await storage.portraits.store_files(one.id, storage.now(), photo=b"same")
    await storage.portraits.store_files(other.id, storage.now(), photo=b"same")
    assert len(kept(tmp_path)) == 1
    await storage.portraits.delete(one.id)
    assert len(kept(tmp_path)) == 1
    await storage.portraits.delete(other.id)
    assert kept(tmp_path) == []


async def test_a_file_goes_when_its_row_names_it_no_more(storage: Storage, tmp_path: Path) -> None:
    portrait, _ = await storage.portraits.receive(MINE, storage.now())
    await storage.portraits.store_files(portrait.id, storage.now(), photo=b"two pets", numbered=b"with numbers")
    await storage.portraits.change(portrait.id, storage.now(), numbered=None)
    assert [path.read_bytes() for path in kept(tmp_path)] == [b"two pets"]


async def test_what_a_killed_process_left_is_swept_at_the_start(tmp_path: Path) -> None:
    async with Storage(tmp_path) as storage:
        portrait, _ = await storage.portraits.receive(MINE, storage.now())
        await storage.portraits.store_files(portrait.id, storage.now(), photo=b"needed")
        async with storage.media.staging([b"nobody's"]) as [staged]:
            storage.media.place(staged)
        (tmp_path / "media" / "aside" / "half").write_bytes(b"half")
        assert len(kept(tmp_path)) == 3
    async with Storage(tmp_path):
        assert [path.read_bytes() for path in kept(tmp_path)] == [b"needed"]


async def test_what_is_being_written_when_its_task_is_cancelled_is_not_kept(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    portrait, _ = await storage.portraits.receive(MINE, storage.now())
    loop, written, flush = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def slow_disk(_: int) -> None:
        loop.call_soon_threadsafe(written.set)
        flush.wait()

    monkeypatch.setattr(os, "fsync", slow_disk)
    keeping = asyncio.create_task(storage.portraits.store_files(portrait.id, storage.now(), photo=b"photo"))
    await written.wait()
    keeping.cancel()
    loop.call_soon(flush.set)
    await asyncio.gather(keeping, return_exceptions=True)
    assert keeping.cancelled() and kept(tmp_path) == []


async def test_a_full_disk_keeps_no_part_of_a_file(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    portrait, _ = await storage.portraits.receive(MINE, storage.now())

    def full_disk(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        await storage.portraits.store_files(portrait.id, storage.now(), photo=b"photo")
    assert kept(tmp_path) == []


async def test_what_comes_for_a_row_that_is_gone_is_not_kept(storage: Storage, tmp_path: Path) -> None:
    portrait, _ = await storage.portraits.receive(MINE, storage.now())
    await storage.portraits.delete(portrait.id)
    assert await storage.portraits.store_files(portrait.id, storage.now(), photo=b"photo") is None
    assert kept(tmp_path) == []


async def test_a_transaction_that_fails_keeps_no_file(storage: Storage, tmp_path: Path) -> None:
    portrait, _ = await storage.portraits.receive(MINE, storage.now())
    with pytest.raises(TypeError):
        await storage.portraits.store_files(portrait.id, storage.now(), colour=b"red")  # type: ignore[call-arg]
    assert kept(tmp_path) == []
