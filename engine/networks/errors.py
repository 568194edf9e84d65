"""What can go wrong with networks."""

from engine.errors import EngineError


class NetworkError(EngineError):
    """A network cannot be read, fetched or found. The message is one sentence for the person at the keyboard."""


class Unfit(Exception):
    """Why a file is no network of ours. The words follow the file's name; both together make a `NetworkError`."""
