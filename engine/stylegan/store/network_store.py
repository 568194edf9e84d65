"""Networks on disk: one embedded in the package, the others under THROWBACK_HOME/networks/NAME.

A network NAME is at least three files. NAME.safetensors holds the weights by their official names, NAME.json the record
(configuration, convention, species, licence, source, SHA-256 of the others), NAME.statistics.safetensors where its
w lie. There may be two more, NAME.encoder.safetensors (`engine.stylegan.encoder`) and NAME.ages.safetensors
(`engine.stylegan.age_vectors`). They are written aside and moved into place as one folder, so that a network is there
wholly or not at all.
"""

import json
import logging
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from engine import settings
from engine.messages import Species
from engine.stylegan.encoder import Encoder, layers_of
from engine.stylegan.generator import Generator, GeneratorConfig
from engine.stylegan.store.conversion import build_generator
from engine.stylegan.store.errors import NetworkError, Unfit
from engine.stylegan.store.official import read_official
from engine.stylegan.store.statistics import WStatistics, measure
from engine.vision.alignment import FaceTemplate

STORYBOOK = "storybook"
EMBEDDED = Path(__file__).parents[2] / "weights" / "storybook"

logger = logging.getLogger(__name__)

_FORMAT = 1  # of the record
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class NetworkRecord:
    """What NAME.json says."""

    name: str
    convention: FaceTemplate
    species: tuple[Species, ...]  # whom it is chosen for; none: only when named
    licence: str
    source: str  # where it comes from, an address or a file's name
    generator: GeneratorConfig
    sha256: dict[str, str]  # by file name


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network ready for work."""

    name: str
    generator: Generator  # frozen
    convention: FaceTemplate
    species: tuple[Species, ...]
    directory: Path
    statistics: WStatistics
    encoder: Encoder | None = None  # frozen
    sha256: Mapping[str, str] = field(default_factory=dict)  # by file name, of what it was loaded from


def networks_directory() -> Path:
    return settings.from_environment().home / "networks"


def check_name(name: str) -> str:
    """The name if it can be a folder's; raises `NetworkError`."""
    if not _NAME.fullmatch(name):
        raise NetworkError(f"{name[:80]!r} cannot be a network's name: small letters, digits, - and _ only.")
    return name


def directory_of(name: str) -> Path:
    """Where a network's files are, or would be."""
    return EMBEDDED if name == STORYBOOK else networks_directory() / check_name(name)


def available_networks() -> list[str]:
    """Names of the networks that are here, the embedded one first."""
    names = [STORYBOOK] if (EMBEDDED / f"{STORYBOOK}.json").is_file() else []
    home = networks_directory()
    stored = sorted(home.iterdir()) if home.is_dir() else []
    return names + [
        path.name for path in stored if _NAME.fullmatch(path.name) and (path / f"{path.name}.json").is_file()
    ]


def read_record(name: str) -> NetworkRecord:
    """Raises `NetworkError` when the network is absent or its record is damaged."""
    path = directory_of(name) / f"{name}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise NetworkError(f"The network {name} was stored by another version of Throwback; please store it again.")
        return NetworkRecord(
            name=name,
            convention=FaceTemplate(content["convention"]),
            species=tuple(Species(species) for species in content["species"]),
            licence=str(content["licence"]),
            source=str(content["source"]),
            generator=GeneratorConfig(**content["generator"]),
            sha256={str(file): str(value) for file, value in content["sha256"].items()},
        )
    except FileNotFoundError:
        here = ", ".join(available_networks()) or "none"
        raise NetworkError(f"There is no network {name!r} here; there is: {here}.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise NetworkError(f"The record of the network {name} is damaged; please remove and store it again.") from None


def load_network(name: str, device: torch.device | str = "cpu") -> Network:
    """Load a network for inference. Raises `NetworkError` when it is absent or damaged."""
    record, directory = read_record(name), directory_of(name)
    try:
        generator = build_generator(record.generator, load_file(directory / f"{name}.safetensors"))
        statistics_file = directory / f"{name}.statistics.safetensors"
        statistics = WStatistics.load(statistics_file) if statistics_file.exists() else measure(generator)
        if statistics.components.shape != (generator.config.w_dim, generator.config.w_dim):
            raise Unfit("has statistics of another network")
        encoder_file = directory / f"{name}.encoder.safetensors"
        encoder = _load_encoder(encoder_file, generator.config) if encoder_file.exists() else None
    except (OSError, SafetensorError, Unfit, KeyError, TypeError, RuntimeError):
        raise NetworkError(f"The files of the network {name} are damaged; please remove and store it again.") from None
    if encoder is not None:
        encoder = encoder.to(device)
    statistics = statistics.to(device)
    generator = generator.to(device).to(memory_format=torch.channels_last)
    return Network(name, generator, record.convention, record.species, directory, statistics, encoder, record.sha256)


def _load_encoder(file: Path, config: GeneratorConfig) -> Encoder:
    """Raises `Unfit`, KeyError or RuntimeError when the file is not an encoder into this space."""
    state = load_file(file)
    layers = layers_of(state)
    if layers not in (1, config.num_ws):
        raise Unfit("has an encoder of another network")
    encoder = Encoder(config.w_dim, layers)
    encoder.load_state_dict(state)
    return encoder.eval().requires_grad_(False)


def choose_network(species: Species | None, name: str = "") -> str:
    """The network to use: the one named, else a photographic one of the species, else the embedded one."""
    names = available_networks()
    if name:
        if name not in names:
            raise NetworkError(f"There is no network {name[:80]!r} here; there is: {', '.join(names) or 'none'}.")
        return name
    for candidate in names:
        try:
            if candidate != STORYBOOK and species in read_record(candidate).species:
                return candidate
        except NetworkError as error:
            logger.warning("%s", error)  # one damaged record must not stop every picture
    return STORYBOOK


def write_network(
    directory: Path,
    generator: Generator,
    *,
    name: str,
    convention: FaceTemplate,
    species: Iterable[Species],
    licence: str,
    source: str,
    dtype: torch.dtype = torch.float32,
    statistics: WStatistics | None = None,
    beside: Mapping[str, Mapping[str, torch.Tensor]] | None = None,
) -> NetworkRecord:
    """Write a network's files into an existing folder; `dtype` is what the weights are stored as.

    `beside` holds what else belongs to it, by what comes between NAME and .safetensors: ``encoder``, ``ages``.
    """
    weights_file, statistics_file = directory / f"{name}.safetensors", directory / f"{name}.statistics.safetensors"
    save_file({key: value.to("cpu", dtype).contiguous() for key, value in generator.state_dict().items()}, weights_file)
    (statistics or measure(generator)).save(statistics_file)
    files = [weights_file, statistics_file]
    for part, tensors in (beside or {}).items():
        files.append(directory / f"{name}.{part}.safetensors")
        save_file({key: value.cpu().contiguous() for key, value in tensors.items()}, files[-1])
    for file in files:
        file.chmod(0o644)  # safetensors leaves files to their owner alone
    record = NetworkRecord(
        name=name,
        convention=convention,
        species=tuple(species),
        licence=licence,
        source=source,
        generator=generator.config,
        sha256={file.name: file_sha256(file) for file in files},
    )
    _write_record(directory / f"{name}.json", record)
    return record


def import_official(
    path: Path,
    name: str,
    *,
    convention: FaceTemplate = FaceTemplate.AFHQ,
    species: Iterable[Species] = (),
    licence: str = "unknown",
    source: str = "",
) -> NetworkRecord:
    """Convert an official network file and store it as `name`. The file is read once, and is not needed any more."""
    if name in available_networks():
        raise NetworkError(f"There is a network {name} already; remove it first, or give another name.")
    target = directory_of(name)
    generator = read_official(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=target.parent) as parent:
            aside = Path(parent) / name
            aside.mkdir()
            record = write_network(
                aside,
                generator,
                name=name,
                convention=convention,
                species=species,
                licence=licence,
                source=source or path.name,
            )
            shutil.rmtree(target, ignore_errors=True)  # a folder without a record is no network
            aside.rename(target)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or "the disk did not take it"
        raise NetworkError(f"The network {name} cannot be stored: {reason}.") from None
    return record


def store_encoder(name: str, encoder: Encoder) -> None:
    """Keep an encoder with a stored network, in place of the one that was there.

    Raises `NetworkError` for the embedded network, whose own was trained along with it.
    """
    if name == STORYBOOK:
        raise NetworkError(f"{STORYBOOK} has an encoder that was trained along with it.")
    record, directory = read_record(name), directory_of(name)
    file = directory / f"{name}.encoder.safetensors"
    try:
        with tempfile.TemporaryDirectory(prefix=".new-", dir=directory) as folder:
            new_file, new_record = Path(folder) / file.name, Path(folder) / f"{name}.json"
            save_file({key: value.cpu().contiguous() for key, value in encoder.state_dict().items()}, new_file)
            new_file.chmod(0o644)
            sums = record.sha256 | {file.name: file_sha256(new_file)}
            _write_record(new_record, replace(record, sha256=sums))
            new_file.replace(file)
            new_record.replace(directory / new_record.name)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or "the disk did not take it"
        raise NetworkError(f"The encoder of {name} cannot be stored: {reason}.") from None


def _write_record(file: Path, record: NetworkRecord) -> None:
    file.write_text(json.dumps({"format": _FORMAT} | asdict(record), indent=1) + "\n")


def verify_network(name: str) -> None:
    """Compare the files with the checksums in the record; raises `NetworkError` naming the first that differs."""
    directory = directory_of(name)
    record = read_record(name)
    for file, expected in record.sha256.items():
        try:
            actual = file_sha256(directory / Path(file).name)
        except OSError:
            raise NetworkError(f"The network {name} lacks its file {Path(file).name}.") from None
        if actual != expected:
            raise NetworkError(f"The file {file} of the network {name} has changed since it was stored.")
    load_network(name)


def remove_network(name: str) -> None:
    """Delete a stored network. Raises `NetworkError` for the embedded one, and where there is none of that name."""
    if name == STORYBOOK:
        raise NetworkError(f"{STORYBOOK} is part of Throwback and cannot be removed.")
    directory = directory_of(name)
    if not directory.is_dir():
        raise NetworkError(f"There is no network {name!r} to remove.")
    (directory / f"{name}.json").unlink(missing_ok=True)  # from here on it is no network
    shutil.rmtree(directory)


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
