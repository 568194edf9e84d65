"""The networks in memory, by name; those used last stay."""

import torch

from engine.messages import Species
from engine.process.lru import LruDict
from engine.stylegan.age_vectors import AgeVectors
from engine.stylegan.store import STORYBOOK, Network, NetworkStore

_IN_MEMORY = 3  # networks, of up to 120 MB each


class LoadedNetworks:
    """Loads networks of a store when they are needed, again when they have been stored anew."""

    def __init__(
        self, store: NetworkStore, ages: AgeVectors, device: torch.device, preferred: str = "", compiled: bool = False
    ) -> None:
        """`preferred` is the name of the network to take where none is named; `compiled` is for `torch.compile`."""
        self._store, self._ages, self._device = store, ages, device
        self._preferred, self._compiled = preferred, compiled
        self._loaded: LruDict[Network] = LruDict(_IN_MEMORY)

    def get(self, species: Species | None, name: str = "") -> Network:
        """The network of this name, or the best one for the species. Raises `NetworkError` if it cannot be read."""
        name = self._store.choose(species, name or self._preferred)
        network = self._loaded.get(name)
        if network is None or network.sha256 != self._store.record(name).sha256:
            network = self._store.load(name, self._device)
            self._loaded.put(name, network)
            if self._compiled:
                network.generator.compile_synthesis()
        return network

    def get_ageing(self, species: Species, name: str = "") -> Network:
        """The same; but a network that knows no age of the species yet is taken only if it is asked for."""
        network = self.get(species, name)
        if name or self._preferred or species.value in self._ages.known(network):
            return network
        return self.get(species, STORYBOOK)
