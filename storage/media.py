"""Files named by their content.

``root/ab/abcdef…`` holds the bytes whose SHA-256 is abcdef…. A file is written to ``root/aside``, flushed to the disk
and renamed, so that a name never stands for half a file. Which files are still needed, the database knows.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4


@dataclass(frozen=True, slots=True)
class Staged:
    """Content that is on the disk, but not under its name yet."""

    digest: str  # SHA-256, hexadecimal
    size: int  # bytes
    aside: Path


class Media:
    """Reads, places and removes the files below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._aside = root / "aside"

    def path(self, digest: str) -> Path:
        return self.root / digest[:2] / digest

    async def read(self, digest: str) -> bytes:
        """Return the file's bytes. Raises FileNotFoundError when it was deleted."""
        return await asyncio.to_thread(self.path(digest).read_bytes)

    @asynccontextmanager
    async def staging(self, contents: Sequence[bytes]) -> AsyncIterator[list[Staged]]:
        """Write these contents to temporary files and flush them; those the block does not place are removed."""
        asides = [self._aside / uuid4().hex for _ in contents]
        writing = asyncio.create_task(asyncio.to_thread(self._write, contents, asides))
        try:
            yield await asyncio.shield(writing)
        finally:
            await asyncio.shield(_discard(asides, writing))

    def _write(self, contents: Sequence[bytes], asides: Sequence[Path]) -> list[Staged]:
        self._aside.mkdir(parents=True, exist_ok=True)
        for data, aside in zip(contents, asides, strict=True):
            with aside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        return [
            Staged(hashlib.sha256(data).hexdigest(), len(data), aside)
            for data, aside in zip(contents, asides, strict=True)
        ]

    def place(self, staged: Staged) -> None:
        """Rename staged content to its digest; the same content placed twice is one file."""
        target = self.path(staged.digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.aside.replace(target)

    def remove(self, digest: str) -> None:
        self.path(digest).unlink(missing_ok=True)

    async def sweep(self, known: Collection[str]) -> int:
        """Remove what a killed process left, temporary files and files that no row names; return how many."""
        return await asyncio.to_thread(self._sweep, frozenset(known))

    def _sweep(self, known: frozenset[str]) -> int:
        left = [path for path in self.root.glob("*/*") if path.parent == self._aside or path.name not in known]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)


async def _discard(asides: Sequence[Path], writing: asyncio.Task[list[Staged]]) -> None:
    await asyncio.wait([writing])  # its thread writes to the end, even if this task is cancelled
    for aside in asides:
        aside.unlink(missing_ok=True)
