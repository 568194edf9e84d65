"""The cache finds what it kept, stays within its bounds, and forgets a photo wholly."""

import os
import time
from pathlib import Path

from engine.process.cache import Cache

PHOTO, OTHER = "aa" * 32, "bb" * 32


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_was_kept_is_found_again_by_the_next_process(tmp_path: Path) -> None:
    Cache(tmp_path / "likenesses").put(PHOTO, "01", b"likeness")
    cache = Cache(tmp_path / "likenesses")
    assert cache.get(PHOTO, "01") == b"likeness"
    assert cache.get(PHOTO, "02") is None
    assert cache.get(OTHER, "01") is None


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, in_memory=1, on_disk_bytes=250)
    cache.put(PHOTO, "0", bytes(100))
    cache.put(PHOTO, "1", bytes(100))
    os.utime(tmp_path / f"{PHOTO}-0", (1e9, time.time() - 20))
    os.utime(tmp_path / f"{PHOTO}-1", (1e9, time.time() - 10))
    assert cache.get(PHOTO, "0") == bytes(100)
    cache.put(OTHER, "2", bytes(100))
    assert files(tmp_path) == {f"{PHOTO}-0", f"{OTHER}-2"}
    assert cache.get(PHOTO, "1") is None


def test_memory_holds_only_the_newest(tmp_path: Path) -> None:
    cache = Cache(tmp_path, in_memory=2)
    for count in range(3):
        cache.put(PHOTO, f"{count}", bytes([count]))
    for path in tmp_path.iterdir():
        path.unlink()
    assert [cache.get(PHOTO, f"{count}") for count in range(3)] == [None, b"\1", b"\2"]


def test_what_is_not_used_for_long_goes(tmp_path: Path) -> None:
    cache = Cache(tmp_path, kept_s=3600)
    cache.put(PHOTO, "old", b"x")
    os.utime(tmp_path / f"{PHOTO}-old", (1e9, 1e9))
    Cache(tmp_path, kept_s=3600)
    assert files(tmp_path) == set()


def test_forgetting_drops_all_of_one_photo(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for photo, made in ((PHOTO, "01"), (PHOTO, "02"), (OTHER, "01")):
        cache.put(photo, made, b"x")
    assert cache.forget(PHOTO) == 2
    assert cache.get(PHOTO, "01") is cache.get(PHOTO, "02") is None
    assert files(tmp_path) == {f"{OTHER}-01"}
    assert cache.forget(PHOTO) == 0


def test_a_folder_that_cannot_be_written_to_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file" / "likenesses")
    cache.put(PHOTO, "01", b"x")
    assert cache.get(PHOTO, "01") == b"x"
