"""Keeps inverted photos for whoever sends the same photo again; everything in it may be lost at any time.

The newest are kept in memory, more of them in files named by the photo's content, so that `forget` finds all that was
made of a photo. Both are bounded; what was not used for longest is dropped first.
"""

import contextlib
import logging
import os
import time
from pathlib import Path

from engine.atomic_file import replacing
from engine.process.lru import LruDict

FOLDER = "likenesses"  # of the engine's cache folder
IN_MEMORY = 16  # entries; each has half a megabyte and the photo
ON_DISK_BYTES = 512 << 20
KEPT_S = 30 * 24 * 3600.0  # seconds without use after which a file is deleted

logger = logging.getLogger(__name__)


class Cache:
    """Bytes by the photo they were made of (sha256, hex) and by how they were made (hex)."""

    def __init__(
        self, folder: Path, in_memory: int = IN_MEMORY, on_disk_bytes: int = ON_DISK_BYTES, kept_s: float = KEPT_S
    ) -> None:
        self._folder = folder
        self._on_disk_bytes = on_disk_bytes
        self._kept_s = kept_s
        self._newest: LruDict[bytes] = LruDict(in_memory)
        self._tidy()

    def get(self, photo: str, made: str) -> bytes | None:
        """What was kept, or None."""
        name = f"{photo}-{made}"
        data = self._newest.get(name)
        path = self._folder / name
        try:
            if data is None:
                data = path.read_bytes()
            os.utime(path)
        except OSError:
            pass
        if data is not None:
            self._newest.put(name, data)
        return data

    def put(self, photo: str, made: str, data: bytes) -> None:
        """Keep `data`. When the disk does not take it, it is kept in memory alone."""
        name = f"{photo}-{made}"
        self._newest.put(name, data)
        try:
            with replacing(self._folder / name) as file:
                file.write_bytes(data)
        except OSError as error:
            logger.warning("an inverted photo could not be kept on disk: %s", type(error).__name__)
        self._tidy()

    def forget(self, photo: str) -> int:
        """Drop all that was made of this photo; return how many entries there were."""
        kept = [path for path in self._files() if path.name.lstrip(".").startswith(f"{photo}-")]
        for path in kept:
            path.unlink(missing_ok=True)
        names = [name for name in self._newest if name.startswith(f"{photo}-")]
        for name in names:
            self._newest.discard(name)
        return len({*names, *(path.name for path in kept)})

    def _files(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if path.is_file()] if self._folder.is_dir() else []

    def _tidy(self) -> None:
        used, oldest = 0, time.time() - self._kept_s
        with contextlib.suppress(OSError):  # another process on the same folder may have been quicker
            files = [(path.stat(), path) for path in self._files()]
            for about, path in sorted(files, key=lambda file: file[0].st_mtime, reverse=True):
                used += about.st_size
                if used > self._on_disk_bytes or about.st_mtime < oldest:
                    path.unlink(missing_ok=True)
