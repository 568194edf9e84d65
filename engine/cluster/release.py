"""What must be the same on both sides of a cluster."""

from importlib.metadata import PackageNotFoundError, version

from engine.process.wire import VERSION

try:
    _INSTALLED = version("throwback")
except PackageNotFoundError:  # run from its sources
    _INSTALLED = "0"

RELEASE = f"{_INSTALLED}, protocol {VERSION}"


def mismatch(theirs: str, ours: str) -> str:
    """The sentence for whoever runs a bot of the release `ours` with a cluster of the release `theirs`."""
    return f"the cluster runs Throwback {theirs}, and this is Throwback {ours}: install the same on both, and restart"
