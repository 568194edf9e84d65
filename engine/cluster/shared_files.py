"""Networks and age vectors by what is in them: found in a data folder, kept once, and laid out as a data folder again.

Every machine of a cluster keeps each file once, by its checksum. A data folder made of them has hard links, so a file
goes when the last folder with it does.
"""

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

SHARED = ("networks", "ages", "perceptual")  # folders of a data folder: what was fetched or learnt once

_KEPT_FOLDERS = 3  # of data folders: today's, and those that replicas still use while they change
_ARRIVING_S = 3600.0  # s that a file may lie here before it is part of a data folder

Manifest = Mapping[str, str]  # sha256 (hex) by path in the data folder, with slashes


class Digests:
    """Checksums of files, computed again only for those that have changed."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[int, int, str]] = {}  # size, time and checksum

    def manifest(self, home: Path) -> dict[str, str]:
        """What the data folder `home` has to share; nothing when it has no networks of its own."""
        files = [path for name in SHARED for path in sorted((home / name).rglob("*")) if _is_shared(path)]
        return {path.relative_to(home).as_posix(): self._digest(path) for path in files}

    def _digest(self, path: Path) -> str:
        about = path.stat()
        known = self._known.get(path)
        if known is None or known[:2] != (about.st_size, about.st_mtime_ns):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            known = self._known[path] = (about.st_size, about.st_mtime_ns, digest)
        return known[2]


def _is_shared(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")  # those are being written


def name_of(manifest: Manifest) -> str:
    """A name for exactly these files; "" for none."""
    lines = "".join(f"{digest} {path}\n" for path, digest in sorted(manifest.items()))
    return hashlib.sha256(lines.encode()).hexdigest()[:32] if manifest else ""


class SharedFiles:
    """The files of one machine, in `folder`, and the data folders made of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, digest: str) -> bool:
        """Whether the whole file is here."""
        return self._path(digest).is_file()

    def missing(self, manifest: Manifest) -> list[str]:
        """Checksums of the files that are not here, each once."""
        return sorted({digest for digest in manifest.values() if not self.has(digest)})

    def read(self, digest: str, offset: int, count: int) -> bytes:
        """At most `count` bytes of a file from `offset`; nothing behind its end."""
        with self._path(digest).open("rb") as file:
            file.seek(offset)
            return file.read(count)

    def write(self, digest: str, chunks: Iterator[bytes]) -> bool:
        """Store a file; return whether it is what its checksum says. Another process that stores it is waited for."""
        with self._alone(digest):
            if self.has(digest):
                return True
            new, computed = self._path(f".{digest}.{os.getpid()}"), hashlib.sha256()
            try:
                with new.open("wb") as file:
                    for chunk in chunks:
                        computed.update(chunk)
                        file.write(chunk)
                if computed.hexdigest() != digest:
                    return False
                new.replace(self._path(digest))
            finally:
                new.unlink(missing_ok=True)
        return True

    def data_folder(self, manifest: Manifest) -> Path:
        """A data folder with these files, which all are here. Folders and files that no engine has used are removed."""
        homes = self._folder / "homes"
        home = homes / name_of(manifest)
        with self._alone("homes"):
            for path, digest in manifest.items():
                link = home / path
                if not link.exists():
                    link.parent.mkdir(parents=True, exist_ok=True)
                    link.hardlink_to(self._path(digest))
            home.touch()
            newest = sorted(homes.iterdir(), key=lambda one: one.stat().st_mtime, reverse=True)
            for old in newest[_KEPT_FOLDERS:]:
                shutil.rmtree(old, ignore_errors=True)
            for file in self._path("").iterdir():
                about = file.stat()
                if about.st_nlink == 1 and time.time() - about.st_mtime > _ARRIVING_S:
                    file.unlink()
        return home

    def _path(self, digest: str) -> Path:
        return self._folder / "files" / digest

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Let no other process on this machine do the same meanwhile."""
        self._path("").mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
