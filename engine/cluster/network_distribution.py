"""Brings networks from the bot's machine to every machine of the cluster. Loads Ray.

One actor keeps what the bot publishes; a machine that lacks a file fetches it from there through Ray's object store,
piece by piece, once for all its replicas.
"""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

from engine.cluster.ray_session import NAMESPACE
from engine.cluster.shared_files import Digests, Manifest, SharedFiles, name_of
from engine.settings import from_environment

_NAME = "networks"
_CHUNK_BYTES = 4 << 20  # of a file at once; the object store holds a few of them at a time
LOOK_S = 5.0  # s between two looks for what is new; longer brings new networks later
_FOLDER = "cluster"  # of the cache folder, for the machine's files

logger = logging.getLogger(__name__)


class NetworkKeeper:
    """Keeps the published files on the disk of its machine."""

    def __init__(self) -> None:
        self._files = machine_files()
        self._manifest: dict[str, str] = {}
        self._arriving: dict[str, Path] = {}

    def missing(self, manifest: Manifest) -> list[str]:
        """Checksums of the files that have to be stored before this can be published."""
        return self._files.missing(manifest)

    def store(self, digest: str, chunk: bytes, last: bool) -> bool:
        """Store the next piece of a file; after the last, return whether it is whole."""
        arriving = from_environment().cache / _FOLDER / f".{digest}.arriving"
        arriving.parent.mkdir(parents=True, exist_ok=True)
        with arriving.open("ab" if digest in self._arriving else "wb") as file:
            file.write(chunk)
        self._arriving[digest] = arriving
        if not last:
            return True
        try:
            return self._files.write(digest, _pieces_of(self._arriving.pop(digest)))
        finally:
            arriving.unlink(missing_ok=True)

    def publish(self, manifest: dict[str, str]) -> None:
        """From now on, these are the networks."""
        self._manifest = manifest

    def published(self) -> dict[str, str]:
        """What the networks are now."""
        return self._manifest

    def read(self, digest: str, offset: int) -> bytes:
        """A piece of a file; nothing behind its end."""
        return self._files.read(digest, offset, _CHUNK_BYTES)


def machine_files() -> SharedFiles:
    """The files that this machine keeps for the cluster."""
    return SharedFiles(from_environment().cache / _FOLDER)


class Publisher:
    """Publishes the networks of the data folder `home`. One without networks of its own publishes nothing."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._digests = Digests()
        self._published = ""

    async def publish(self) -> None:
        """Publish what is new."""
        try:
            manifest = await asyncio.to_thread(self._digests.manifest, self._home)
            name = name_of(manifest)
            if name != self._published and await _publish(self._home, manifest):
                self._published = name
                logger.info("%d files of networks are published on the cluster", len(manifest))
        except (OSError, RayError) as error:
            logger.warning("networks could not be published on the cluster: %s", type(error).__name__)

    async def watch(self) -> None:
        """Publish whatever changes. Ends with its task."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.publish()


async def _publish(home: Path, manifest: dict[str, str]) -> bool:
    options = {"name": _NAME, "namespace": NAMESPACE, "lifetime": "detached", "get_if_exists": True, "num_cpus": 0}
    keeper = ray.remote(NetworkKeeper).options(**options).remote()
    paths = {digest: home / path for path, digest in manifest.items()}
    for digest in await keeper.missing.remote(manifest):
        left = paths[digest].stat().st_size
        for piece in _pieces_of(paths[digest]):
            left -= len(piece)
            if not await keeper.store.remote(digest, piece, left <= 0):
                return False  # it changed meanwhile
    await keeper.publish.remote(manifest)
    return True


def _pieces_of(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while piece := stream.read(_CHUNK_BYTES):
            yield piece


class Networks:
    """What is published, brought to this machine."""

    def __init__(self) -> None:
        self._keeper: Any = None
        self._files = machine_files()

    async def home(self) -> Path | None:
        """A data folder with the published networks; None when nothing is published. Raises `RayError`, `OSError`."""
        if self._keeper is None:
            try:
                self._keeper = ray.get_actor(_NAME, namespace=NAMESPACE)
            except ValueError:  # there is none
                return None
        manifest = await self._keeper.published.remote()
        if not manifest:
            return None
        for digest in self._files.missing(manifest):
            if not await asyncio.to_thread(self._files.write, digest, self._fetched(digest)):
                raise OSError("a network's file arrived damaged")
        return await asyncio.to_thread(self._files.data_folder, manifest)

    def _fetched(self, digest: str) -> Iterator[bytes]:
        offset = 0
        while piece := ray.get(self._keeper.read.remote(digest, offset)):
            yield piece
            offset += len(piece)
