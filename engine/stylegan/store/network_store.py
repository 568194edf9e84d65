"""The networks that are here: one embedded in the package, the others in HOME/networks/NAME.

A network's files are written to a temporary folder and moved into place as one, so that a network is either there
completely or not at all.
"""

import logging
import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError

from engine.errors import NetworkError
from engine.messages import Species
from engine.stylegan.encoder import Encoder
from engine.stylegan.store.network_files import (
    Network,
    NetworkRecord,
    file_sha256,
    read_network,
    read_record,
    write_encoder,
    write_network,
)
from engine.stylegan.store.official import read_official
from engine.vision.alignment import FaceTemplate
from engine.vision.efficientnet import WEIGHTS

STORYBOOK = "storybook"
EMBEDDED = WEIGHTS / "storybook"

logger = logging.getLogger(__name__)

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def load_embedded(device: torch.device | str = "cpu") -> Network:
    """Load the network that comes with this package. Raises `NetworkError` when its files are damaged."""
    return read_network(EMBEDDED, read_record(EMBEDDED, STORYBOOK), device)


@dataclass(frozen=True, slots=True)
class NetworkStore:
    """Lists, loads, chooses, stores and removes the networks of one data folder, and the embedded one."""

    home: Path  # the data folder
    embedded: Path = EMBEDDED  # folder of the network `STORYBOOK`

    @property
    def directory(self) -> Path:
        """Where the networks of the data folder are, one folder each."""
        return self.home / "networks"

    def directory_of(self, name: str) -> Path:
        """Where a network's files are, or would be. Raises `NetworkError` when no folder can have this name."""
        if name == STORYBOOK:
            return self.embedded
        if not _NAME.fullmatch(name):
            raise NetworkError(f"{name[:80]!r} cannot be a network's name: small letters, digits, - and _ only.")
        return self.directory / name

    def names(self) -> list[str]:
        """Names of the networks that are here, the embedded one first."""
        names = [STORYBOOK] if (self.embedded / f"{STORYBOOK}.json").is_file() else []
        stored = sorted(self.directory.iterdir()) if self.directory.is_dir() else []
        return names + [
            path.name for path in stored if _NAME.fullmatch(path.name) and (path / f"{path.name}.json").is_file()
        ]

    def record(self, name: str) -> NetworkRecord:
        """Raises `NetworkError` when the network is absent or its record is damaged."""
        try:
            return read_record(self.directory_of(name), name)
        except FileNotFoundError:
            raise self._absent(name) from None

    def load(self, name: str, device: torch.device | str = "cpu") -> Network:
        """Load a network for inference. Raises `NetworkError` when it is absent or damaged."""
        return read_network(self.directory_of(name), self.record(name), device)

    def choose(self, species: Species | None, name: str = "") -> str:
        """The network to use: the one named, else a photographic one of the species, else the embedded one.

        Raises `NetworkError` when the one named is absent.
        """
        names = self.names()
        if name:
            if name not in names:
                raise self._absent(name)
            return name
        for candidate in names:
            try:
                if candidate != STORYBOOK and species in self.record(candidate).species:
                    return candidate
            except NetworkError as error:
                logger.warning("%s", error)  # one damaged record must not stop every picture
        return STORYBOOK

    def import_official(
        self,
        path: Path,
        name: str,
        *,
        convention: FaceTemplate = FaceTemplate.AFHQ,
        species: Iterable[Species] = (),
        licence: str = "unknown",
        source: str = "",
    ) -> NetworkRecord:
        """Convert an official network file and store it as `name`; the file is not needed afterwards.

        Raises `NetworkError` when there is such a network already, when the file is no network, or when the disk does
        not take it.
        """
        if name in self.names():
            raise NetworkError(f"There is a network {name} already; remove it first, or give another name.")
        target = self.directory_of(name)
        generator = read_official(path)
        record = NetworkRecord(name, convention, tuple(species), licence, source or path.name, generator.config)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".new-", dir=target.parent) as parent:
                folder = Path(parent) / name
                folder.mkdir()
                record = write_network(folder, record, generator)
                shutil.rmtree(target, ignore_errors=True)  # a folder without a record is no network
                folder.rename(target)
        except (OSError, SafetensorError) as error:
            raise NetworkError(f"The network {name} cannot be stored: {_disk_error(error)}.") from None
        return record

    def store_encoder(self, name: str, encoder: Encoder) -> None:
        """Store an encoder with a network, in place of the one that was there.

        Raises `NetworkError` for the embedded network, whose own was trained along with it, and when the disk does not
        take it.
        """
        if name == STORYBOOK:
            raise NetworkError(f"{STORYBOOK} has an encoder that was trained along with it.")
        record, directory = self.record(name), self.directory_of(name)
        try:
            with tempfile.TemporaryDirectory(prefix=".new-", dir=directory) as folder:
                for file in write_encoder(Path(folder), record, encoder):
                    file.replace(directory / file.name)
        except (OSError, SafetensorError) as error:
            raise NetworkError(f"The encoder of {name} cannot be stored: {_disk_error(error)}.") from None

    def verify(self, name: str) -> None:
        """Compare the files with the checksums in the record; raises `NetworkError` naming the first that differs."""
        directory = self.directory_of(name)
        for file, expected in self.record(name).sha256.items():
            try:
                actual = file_sha256(directory / Path(file).name)
            except OSError:
                raise NetworkError(f"The network {name} lacks its file {Path(file).name}.") from None
            if actual != expected:
                raise NetworkError(f"The file {file} of the network {name} has changed since it was stored.")
        self.load(name)

    def remove(self, name: str) -> None:
        """Delete a stored network. Raises `NetworkError` for the embedded one, and when there is none of that name."""
        if name == STORYBOOK:
            raise NetworkError(f"{STORYBOOK} is part of Throwback and cannot be removed.")
        directory = self.directory_of(name)
        if not directory.is_dir():
            raise NetworkError(f"There is no network {name!r} to remove.")
        (directory / f"{name}.json").unlink(missing_ok=True)  # from here on it is no network
        shutil.rmtree(directory)

    def _absent(self, name: str) -> NetworkError:
        return NetworkError(f"There is no network {name[:80]!r} here; there is: {', '.join(self.names()) or 'none'}.")


def _disk_error(error: Exception) -> str:
    return getattr(error, "strerror", None) or "the disk did not take it"
