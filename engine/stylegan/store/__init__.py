"""Generator networks: read, stored, chosen, fetched."""

from engine.stylegan.store.network_files import Network, NetworkRecord, write_network
from engine.stylegan.store.network_store import EMBEDDED, STORYBOOK, NetworkStore, load_embedded
from engine.stylegan.store.statistics import WStatistics

__all__ = [
    "EMBEDDED",
    "STORYBOOK",
    "Network",
    "NetworkRecord",
    "NetworkStore",
    "WStatistics",
    "load_embedded",
    "write_network",
]
