"""Fetches what others publish, after its licence has been shown: networks, and VGG16 for the perceptual distance."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

from engine.atomic_file import replacing
from engine.errors import NetworkError
from engine.messages import Species
from engine.stylegan.perceptual import Vgg16Distance, lpips_weights, vgg16_file
from engine.stylegan.store.download import Checksum, Report, download
from engine.stylegan.store.network_store import NetworkStore

_NVIDIA_ADDRESS = "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/"
_NVIDIA_NOTICE = """\
{name} was made and is published by NVIDIA; it is no part of Throwback. In our words:
  · NVIDIA Source Code License: for research and evaluation only, not for commercial use.
    https://nvlabs.github.io/stylegan2-ada-pytorch/license.html
  · It was trained on the AFHQ pictures, which are under CC BY-NC 4.0: not for commercial use either.
    https://creativecommons.org/licenses/by-nc/4.0/
The licences count, not this summary. To download: about 364 MB, of which about 121 MB are kept."""
_VGG16_NOTICE = """\
{name} is the network by which the official projector compares pictures; torchvision publishes its weights.
  · torchvision is under the BSD 3-Clause licence: https://github.com/pytorch/vision/blob/main/LICENSE
  · The weights were trained on ImageNet, whose pictures are for non-commercial research: https://image-net.org/download
The licences count, not this summary. To download: about 528 MB, of which about 59 MB are kept."""


@dataclass(frozen=True, slots=True)
class Published:
    """Something that can be fetched by its name."""

    name: str
    file: str
    address: str  # of the folder that holds the file
    checksum: Checksum  # empty where none is published
    notice: str  # the licence, for the person who decides
    licence: str = ""
    species: tuple[Species, ...] = ()  # whom a network serves


def _afhq(name: str, species: tuple[Species, ...], md5: str = "") -> Published:
    licence = "NVIDIA Source Code License (non-commercial research and evaluation); data set AFHQ: CC BY-NC 4.0"
    notice = _NVIDIA_NOTICE.format(name=name)
    return Published(name, f"{name}.pkl", _NVIDIA_ADDRESS, Checksum(md5=md5), notice, licence, species)


NETWORKS = (
    _afhq("afhqdog", (Species.DOG,), md5="8fa2162d23fe76012bec12b1910b4e65"),
    _afhq("afhqcat", (Species.CAT,)),
    _afhq("afhqwild", ()),
)
VGG16 = Vgg16Distance.name
PUBLISHED = (*(network.name for network in NETWORKS), VGG16)  # all names that can be pulled


def find_published(name: str) -> Published:
    """What is published under this name of `PUBLISHED`."""
    if name != VGG16:
        return next(network for network in NETWORKS if network.name == name)
    from torchvision.models import VGG16_Weights  # noqa: PLC0415 - takes a second, and only pulling this needs it

    address, _, file = VGG16_Weights.IMAGENET1K_V1.url.rpartition("/")
    # torchvision itself compares eight digits only, those in the file's name.
    checksum = Checksum(sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0")
    return Published(VGG16, file, address, checksum, _VGG16_NOTICE.format(name=VGG16))


def check_wanted(store: NetworkStore, published: Published) -> None:
    """Raises `NetworkError` when it is here already."""
    is_vgg16 = published.name == VGG16
    if vgg16_file(store.home).exists() if is_vgg16 else published.name in store.names():
        raise NetworkError(f"{published.name} is here already; remove it first to fetch it again.")


def pull(
    store: NetworkStore,
    published: Published,
    *,
    address: str = "",
    report: Report = lambda done, total: None,
    wait: Callable[[float], None] = time.sleep,
) -> Path:
    """Fetch, check, convert and store it; return the folder it is in. Only the converted files stay.

    `address` replaces the folder it is published in. Where no checksum is published, that of the first download is
    remembered and compared from then on. Raises `NetworkError`.
    """
    check_wanted(store, published)
    url = f"{(address or published.address).rstrip('/')}/{published.file}"
    with _downloads(store) as directory:
        seen = _read_seen(directory)
        checksum = published.checksum
        if not checksum.sha256:
            checksum = Checksum(seen.get(published.file, ""), checksum.md5)
        file = directory / published.file
        digest = download(url, file, checksum, report=report, wait=wait)
        try:
            if published.name == VGG16:
                stored = _store_vgg16(file, vgg16_file(store.home))
            else:
                source, species = f"{url}, sha256 {digest}", published.species
                store.import_official(file, published.name, species=species, licence=published.licence, source=source)
                stored = store.directory_of(published.name)
            with replacing(_seen_file(directory)) as new:
                new.write_text(json.dumps(seen | {published.file: digest}, indent=1) + "\n")
        finally:
            file.unlink(missing_ok=True)
    return stored


@contextmanager
def _downloads(store: NetworkStore) -> Iterator[Path]:
    """The folder of unfinished downloads; errors of the disk become `NetworkError`."""
    directory = store.directory / ".downloads"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        yield directory
    except OSError as error:
        raise NetworkError(f"{directory} cannot be written: {error.strerror or type(error).__name__}.") from None


def _store_vgg16(file: Path, target: Path) -> Path:
    """Keep the convolutions alone: nine tenths of the file are layers that no distance needs."""
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        convolutions = {name: tensor.contiguous() for name, tensor in state.items() if name.startswith("features.")}
        Vgg16Distance(convolutions, lpips_weights())  # does it fit?
    except Exception:  # torch.load raises whatever its parts raise
        raise NetworkError(f"{file.name} does not hold the weights of VGG16.") from None
    with replacing(target) as new:
        save_file(convolutions, new)
    return target.parent


def _seen_file(directory: Path) -> Path:
    return directory / "sha256.json"


def _read_seen(directory: Path) -> dict[str, str]:
    """SHA-256 of the files fetched before, by their names."""
    try:
        content = json.loads(_seen_file(directory).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(name): str(digest) for name, digest in content.items()} if isinstance(content, dict) else {}
