"""The addresses of this machine; the playground serves no others, and sends nothing to others."""

from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
_NAMES = frozenset({LOOPBACK, "localhost", "::1"})


def is_loopback(url: str) -> bool:
    """Return whether the host of `url` is this machine."""
    return urlsplit(url).hostname in _NAMES
