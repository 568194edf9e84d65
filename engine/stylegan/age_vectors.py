"""Age vectors: the direction of younger in the latent space of a network.

An age vector [num_ws, w_dim] is young minus adult of one breed: `ws + age * vector` is the pet at another age, where
0 is today, 1 a puppy or kitten of about eight weeks, and below 0 older. It comes from the mean of several pairs; the
part off the manifold (outside W's principal components), along the head's yaw, and in the fine layers is taken out,
because that part is what the pairs differed in besides age (Härkönen et al. 2020, "GANSpace"; Shen et al. 2020,
"InterFaceGAN", for conditional directions).

A network's own vectors are stored with its weights; those learned from photos are in HOME/ages, with the checksum of
the weights in whose space they are directions.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from engine.atomic_file import replacing
from engine.breeds import BREEDS
from engine.errors import OperatorError
from engine.messages import Species
from engine.stylegan.store import Network, WStatistics

_COMPONENTS = 100  # of W, widest first, that an age vector may lie in
_CORRECTED_COMPONENTS = 24  # of W, widest first, in which real faces correct what was measured on drawn ones
_FINE_FROM = 8  # the first row of ws above 64 px, from which rows are texture and colour instead of shape and parts
_FINE_GAIN = 0.3  # of these rows


def learn_age_vector(young: Tensor, adult: Tensor, statistics: WStatistics, yaw: Tensor | None = None) -> Tensor:
    """The age vector [num_ws, w_dim] of ws [K, num_ws, w_dim] of young and [L, num_ws, w_dim] of adult pets.

    `yaw` [M, w_dim] are directions to take out, such as the differences between pets and their mirror images.
    """
    difference = young.mean(dim=0) - adult.mean(dim=0)
    basis = statistics.components[:_COMPONENTS].to(difference)
    vector: Tensor = difference @ basis.t() @ basis
    if yaw is not None and len(yaw):
        inside = yaw.to(vector) @ basis.t() @ basis
        directions = torch.linalg.qr(inside.t()).Q.t()
        vector = vector - vector @ directions.t() @ directions
    gains = torch.ones(len(vector), 1, device=vector.device)
    gains[_FINE_FROM:] = _FINE_GAIN
    return vector * gains


def corrected_age_vector(vector: Tensor, correction: Tensor, statistics: WStatistics) -> Tensor:
    """An age vector [num_ws, w_dim] or [w_dim], moved by a correction [w_dim] within W's widest components.

    Few faces measure a correction: in the narrow components it is mostly what these faces happen to differ in besides.
    """
    basis = statistics.components[:_CORRECTED_COMPONENTS].to(vector)
    return vector + correction.to(vector) @ basis.t() @ basis


class AgeVectors:
    """The age vectors of networks: those that came with them, and those learned from photos, kept in `home`.

    Without `home` only the former are known, and none can be saved. Every method raises `OperatorError` when a file is
    damaged.
    """

    def __init__(self, home: Path | None = None) -> None:
        self._folder = home / "ages" if home is not None else None

    def vector(self, network: Network, species: Species, breed: str = "") -> Tensor:
        """The age vector [num_ws, w_dim] for this breed of this network, or the mean of its species.

        What was learned from photos goes before what came with the network. Raises `OperatorError` when the network
        knows no age of the species at all.
        """
        known = self.known(network)
        if breed in BREEDS and BREEDS[breed].species is not species:
            breed = ""
        for name in (breed, species.value):
            if name in known:
                return known[name].to(network.generator.mapping.w_avg)
        raise OperatorError(
            f"The network {network.name} knows no age of {species.value}s; choose another network, or teach it one with"
            " `throwback ages learn`."
        )

    def known(self, network: Network) -> dict[str, Tensor]:
        """All age vectors of this network by breed slug or species, on the CPU.

        A species without a vector of its own has the mean of its breeds'.
        """
        vectors = _read(network.directory / f"{network.name}.ages.safetensors")[0] | self._learned(network)
        for species in Species:
            own = [vector for name, vector in vectors.items() if name in BREEDS and BREEDS[name].species is species]
            if species.value not in vectors and own:
                vectors[species.value] = torch.stack(own).mean(dim=0)
        return vectors

    def save(self, network: Network, breed: str, vector: Tensor) -> None:
        """Keep an age vector learned from photos; it replaces the one of the same breed."""
        self._write(network, self._learned(network) | {breed: vector.detach().float().cpu().contiguous()})

    def remove(self, network: Network, breed: str) -> bool:
        """Delete a learned age vector; False when there was none."""
        vectors = self._learned(network)
        if vectors.pop(breed, None) is None:
            return False
        self._write(network, vectors)
        return True

    def learned_breeds(self, network: Network) -> list[str]:
        """The breeds whose vectors were learned from photos."""
        return sorted(self._learned(network))

    def outdated_breeds(self, network: Network) -> list[str]:
        """The breeds learned for earlier weights of a network of this name; saving another deletes them."""
        file = self._file(network)
        return sorted(set(_read(file)[0] if file else {}) - set(self._learned(network)))

    def _learned(self, network: Network) -> dict[str, Tensor]:
        """What was learned in these very weights: in others the same direction leads elsewhere."""
        file = self._file(network)
        vectors, facts = _read(file) if file else ({}, {})
        return vectors if facts.get("weights") == _weights(network) else {}

    def _write(self, network: Network, vectors: Mapping[str, Tensor]) -> None:
        file = self._file(network)
        if file is None:
            raise ValueError("without a data folder nothing can be learned")
        with replacing(file) as new:
            save_file(dict(vectors), new, {"weights": _weights(network)})

    def _file(self, network: Network) -> Path | None:
        return self._folder / f"{network.name}.safetensors" if self._folder is not None else None


def _weights(network: Network) -> str:
    return network.sha256[f"{network.name}.safetensors"]


def _read(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The vectors in a file, and what else it says; nothing where there is no file."""
    if not file.exists():
        return {}, {}
    try:
        with safe_open(file, "pt") as stored:
            return {name: stored.get_tensor(name).float() for name in list(stored.keys())}, stored.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise OperatorError(
            f"The age vectors in {file.name} are damaged; remove that file, then learn or pull them anew."
        ) from error
