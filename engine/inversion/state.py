"""What is kept of a portrait: everything that draws it again at another age, as opaque bytes.

An `InvertedPhoto` is one photo in a network's latent space. A `PortraitState` holds the inverted photo of a portrait,
that of the baby photo if there is one, and what is known of the pet. Its bytes are safetensors; the facts lie in it as
JSON and the photos as JPEG, each in a tensor of bytes.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from engine.errors import EngineFault
from engine.messages import BreedGuess, Head, Species
from engine.stylegan.adjustments import converted
from engine.stylegan.generator import Adjustments, LowRank
from engine.stylegan.store import Network

_FORMAT = 1  # of the bytes; what another one says is refused


def weights_id(network: Network) -> str:
    """Which weights these are, as a hash: latents mean nothing to other weights of the same name."""
    return network.sha256[f"{network.name}.safetensors"][:16]


@dataclass(frozen=True, slots=True, eq=False)
class InvertedPhoto:
    """One photo in a network."""

    photo: bytes  # JPEG, upright, as it was worked on
    head: Head | None  # in it; None: the middle was taken
    ws: Tensor  # [1, num_ws, w_dim]
    adjustments: Adjustments  # to the network, where they were searched
    distance: float  # perceptual distance between the aligned photo and what the network draws with them
    steps: int  # of optimisation, taken for it

    def to_bytes(self) -> bytes:
        return save(_tensors_of(self, ""))

    @classmethod
    def from_bytes(cls, data: bytes) -> "InvertedPhoto":
        """Raises `EngineFault` when the bytes are not what `to_bytes` gave."""
        return _inverted_in(_loaded(data), "")


@dataclass(frozen=True, slots=True, eq=False)
class PortraitState:
    """One portrait."""

    network: str
    weights_id: str  # of the network's weights (`weights_id`)
    species: Species
    breed: str
    breeds: tuple[BreedGuess, ...]
    pet: InvertedPhoto
    baby: InvertedPhoto | None

    def to_bytes(self) -> bytes:
        facts = {
            "format": _FORMAT,
            "network": self.network,
            "edition": self.weights_id,
            "species": self.species,
            "breed": self.breed,
            "breeds": [asdict(guess) for guess in self.breeds],
        }
        tensors = {"facts": _json_tensor(facts)} | _tensors_of(self.pet, "pet.")
        if self.baby is not None:
            tensors |= _tensors_of(self.baby, "baby.")
        return save(tensors)

    @classmethod
    def from_bytes(cls, data: bytes) -> "PortraitState":
        """Raises `EngineFault` when the bytes are not what `to_bytes` gave."""
        tensors = _loaded(data)
        try:
            facts = _json_in(tensors["facts"])
            if facts["format"] != _FORMAT:
                raise EngineFault("a latent of another version")
            return cls(
                network=str(facts["network"]),
                weights_id=str(facts["edition"]),
                species=Species(facts["species"]),
                breed=str(facts["breed"]),
                breeds=msgspec.convert(facts["breeds"], tuple[BreedGuess, ...]),
                pet=_inverted_in(tensors, "pet."),
                baby=_inverted_in(tensors, "baby.") if "baby.ws" in tensors else None,
            )
        except (KeyError, TypeError, ValueError, msgspec.ValidationError):
            raise EngineFault("a damaged latent") from None


def _tensors_of(inverted: InvertedPhoto, prefix: str) -> dict[str, Tensor]:
    # Half precision is far below what can be seen, and half the bytes.
    change = converted(inverted.adjustments, lambda value: value.detach().half().cpu())
    named = {
        "photo": _bytes_tensor(inverted.photo),
        "facts": _json_tensor(
            {"head": inverted.head and asdict(inverted.head), "distance": inverted.distance, "steps": inverted.steps}
        ),
        "ws": inverted.ws.cpu(),
        **{f"styles.{name}": value for name, value in change.styles.items()},
        **{f"noises.{name}": value for name, value in change.noises.items()},
        **{f"down.{name}": low.down for name, low in change.weights.items()},
        **{f"up.{name}": low.up for name, low in change.weights.items()},
    }
    return {prefix + name: value.detach().contiguous() for name, value in named.items()}


def _inverted_in(tensors: dict[str, Tensor], prefix: str) -> InvertedPhoto:
    own = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    try:
        facts = _json_in(own["facts"])
        downs, ups = _named(own, "down."), _named(own, "up.")
        return InvertedPhoto(
            photo=_tensor_bytes(own["photo"]),
            head=msgspec.convert(facts["head"], Head | None),
            ws=own["ws"],
            adjustments=converted(
                Adjustments(
                    styles=_named(own, "styles."),
                    noises=_named(own, "noises."),
                    weights={name: LowRank(down, ups[name]) for name, down in downs.items()},
                ),
                Tensor.float,
            ),
            distance=float(facts["distance"]),
            steps=int(facts["steps"]),
        )
    except (KeyError, TypeError, ValueError, msgspec.ValidationError):
        raise EngineFault("a damaged latent") from None


def _named(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _loaded(data: bytes) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = load(data)
    except (SafetensorError, ValueError, KeyError):
        raise EngineFault("a damaged latent") from None
    return tensors


def _json_tensor(facts: dict[str, Any]) -> Tensor:
    return _bytes_tensor(json.dumps(facts).encode())


def _json_in(tensor: Tensor) -> dict[str, Any]:
    return dict(json.loads(_tensor_bytes(tensor)))


def _bytes_tensor(data: bytes) -> Tensor:
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)


def _tensor_bytes(tensor: Tensor) -> bytes:
    return tensor.numpy().tobytes()
