"""Generator networks: read, stored, chosen, fetched."""

from engine.alignment import Convention
from engine.networks.errors import NetworkError
from engine.networks.statistics import WStatistics
from engine.networks.store import (
    STORYBOOK,
    Network,
    NetworkRecord,
    available_networks,
    choose_network,
    load_network,
    write_network,
)

__all__ = [
    "STORYBOOK",
    "Convention",
    "Network",
    "NetworkError",
    "NetworkRecord",
    "WStatistics",
    "available_networks",
    "choose_network",
    "load_network",
    "write_network",
]
