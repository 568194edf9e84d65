"""Generator networks: read, stored, chosen, fetched."""

from engine.stylegan.store.errors import NetworkError
from engine.stylegan.store.network_store import (
    STORYBOOK,
    Network,
    NetworkRecord,
    available_networks,
    choose_network,
    load_network,
    write_network,
)
from engine.stylegan.store.statistics import WStatistics
from engine.vision.alignment import FaceTemplate

__all__ = [
    "STORYBOOK",
    "FaceTemplate",
    "Network",
    "NetworkError",
    "NetworkRecord",
    "WStatistics",
    "available_networks",
    "choose_network",
    "load_network",
    "write_network",
]
