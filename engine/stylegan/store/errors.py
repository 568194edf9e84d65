"""What can go wrong with networks."""

from engine.errors import EngineFault


class NetworkError(EngineFault):
    """A network cannot be read, fetched or found. The detail is one sentence for the person at the keyboard."""


class Unfit(Exception):
    """Why a file is no network of ours. The words follow the file's name; both together make a `NetworkError`."""
