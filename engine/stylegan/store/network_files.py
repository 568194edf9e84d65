"""Reads and writes the files of one network in a folder.

A network NAME is at least three files. NAME.safetensors holds the weights by their official names, NAME.json the record
(configuration, face template, species, licence, source, SHA-256 of the others), NAME.statistics.safetensors the
statistics of its w. Two more may be there: NAME.encoder.safetensors (`engine.stylegan.encoder`) and
NAME.ages.safetensors (`engine.stylegan.age_vectors`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import file_digest
from pathlib import Path

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from engine.errors import NetworkError
from engine.messages import Species
from engine.stylegan.encoder import Encoder, layers_of
from engine.stylegan.generator import Generator, GeneratorConfig
from engine.stylegan.store.conversion import build_generator
from engine.stylegan.store.errors import Unfit
from engine.stylegan.store.statistics import WStatistics, measure
from engine.vision.alignment import FaceTemplate

_FORMAT = 1  # version of the record; a record of another version is refused


@dataclass(frozen=True, slots=True)
class NetworkRecord:
    """What NAME.json says."""

    name: str
    convention: FaceTemplate
    species: tuple[Species, ...]  # whom it is chosen for; none: only when named
    licence: str
    source: str  # where it comes from, an address or a file's name
    generator: GeneratorConfig
    sha256: dict[str, str] = field(default_factory=dict)  # by file name


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network ready for work."""

    name: str
    generator: Generator  # frozen
    template: FaceTemplate
    species: tuple[Species, ...]
    directory: Path
    statistics: WStatistics
    encoder: Encoder | None = None  # frozen
    sha256: Mapping[str, str] = field(default_factory=dict)  # by file name, of what it was loaded from


def read_record(directory: Path, name: str) -> NetworkRecord:
    """Raises FileNotFoundError when there is no record, and `NetworkError` when it is damaged."""
    try:
        content = json.loads((directory / f"{name}.json").read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise NetworkError(f"The network {name} was stored by another version of Throwback; please store it again.")
        content |= {"name": name, "generator": GeneratorConfig(**content["generator"])}
        return msgspec.convert(content, NetworkRecord)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, msgspec.ValidationError):
        raise NetworkError(f"The record of the network {name} is damaged; please remove and store it again.") from None


def read_network(directory: Path, record: NetworkRecord, device: torch.device | str = "cpu") -> Network:
    """Load the network of this record for inference. Raises `NetworkError` when its files are damaged."""
    name = record.name
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


def write_network(
    directory: Path,
    record: NetworkRecord,
    generator: Generator,
    *,
    dtype: torch.dtype = torch.float32,
    statistics: WStatistics | None = None,
    extras: Mapping[str, Mapping[str, torch.Tensor]] | None = None,
) -> NetworkRecord:
    """Write a network's files into an existing folder, and the record, which is returned with their checksums.

    `dtype` is what the weights are stored as. `extras` holds the tensors of its further files by the word between NAME
    and .safetensors: ``encoder``, ``ages``.
    """
    weights = {key: value.to(dtype) for key, value in generator.state_dict().items()}
    files = [_write(directory / f"{record.name}.safetensors", weights)]
    files.append(directory / f"{record.name}.statistics.safetensors")
    (statistics or measure(generator)).save(files[-1])
    files[-1].chmod(0o644)
    files += [_write(directory / f"{record.name}.{part}.safetensors", own) for part, own in (extras or {}).items()]
    record = replace(record, sha256={file.name: file_sha256(file) for file in files})
    _write_record(directory / f"{record.name}.json", record)
    return record


def write_encoder(directory: Path, record: NetworkRecord, encoder: Encoder) -> list[Path]:
    """Write an encoder and the record that names it into `directory`; return the files, the record last."""
    file = _write(directory / f"{record.name}.encoder.safetensors", encoder.state_dict())
    record_file = directory / f"{record.name}.json"
    _write_record(record_file, replace(record, sha256=record.sha256 | {file.name: file_sha256(file)}))
    return [file, record_file]


def _write(file: Path, tensors: Mapping[str, torch.Tensor]) -> Path:
    save_file({key: value.cpu().contiguous() for key, value in tensors.items()}, file)
    file.chmod(0o644)  # safetensors leaves files to their owner alone
    return file


def _write_record(file: Path, record: NetworkRecord) -> None:
    file.write_text(json.dumps({"format": _FORMAT} | asdict(record), indent=1) + "\n")


def file_sha256(path: Path) -> str:
    """The file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
