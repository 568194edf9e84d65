"""Connects this process to a Ray cluster, or starts one on this machine. Loads Ray when it is called."""

import logging
import os
import socket
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from engine.errors import OperatorError
from engine.settings import ClusterSettings

NAMESPACE = "throwback"

_OBJECT_STORE_BYTES = 200 << 20  # of a cluster of our own; photos and films pass through, nothing stays
_RECONNECT_S = "10"  # s that Ray's client waits for a connection to come back; then ours begins again
_CONTROL_S = "0.5"  # s between two rounds of Serve's controller: 2.5 % of a core for an idle one, 5 % at 0.1 s
_CONNECT_S = 2.0  # s; a head that takes longer to answer is not there


def connect(cluster: ClusterSettings) -> None:
    """Connect to the cluster; start one on this machine when none is named and none runs here.

    Raises `ConnectionError` when the cluster named is not there now, and `OperatorError` when it never takes us.
    """
    # Ray reads its variables when it is imported.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_CLIENT_RECONNECT_GRACE_PERIOD", _RECONNECT_S)
    address = cluster.address if cluster.address != "ray" else _address_here()
    if address is None or _host(address) in ("127.0.0.1", "localhost"):
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # makes Ray listen on loopback alone
    if address is not None:
        check_reachable(address)
    import ray  # noqa: PLC0415 - after the variables

    for name in ("ray", "ray.serve"):
        logging.getLogger(name).setLevel(logging.ERROR)
    options = {"namespace": NAMESPACE, "log_to_driver": False, "configure_logging": False}
    try:
        if address is None:
            # When the object store is full, requests wait: photos do not go to the disk.
            os.environ.setdefault("RAY_automatic_object_spilling_enabled", "0")
            os.environ.setdefault("RAY_SERVE_CONTROL_LOOP_INTERVAL_S", _CONTROL_S)
            cores = max(os.cpu_count() or 1, (cluster.replicas or (1, 1))[0])  # the least always fit
            ray.init(
                "local", num_cpus=cores, object_store_memory=_OBJECT_STORE_BYTES, include_dashboard=False, **options
            )
        else:
            ray.init(address, **options)
    except (RuntimeError, ValueError) as error:
        raise OperatorError(_refusal(error)) from None


def disconnect() -> None:
    """Leave the cluster; one that was started here ends."""
    if (ray := sys.modules.get("ray")) is not None:
        ray.shutdown()


def _address_here() -> str | None:
    """The cluster that RAY_ADDRESS names, or else the one that was started on this machine, if it runs."""
    if (address := os.environ.get("RAY_ADDRESS", "")) not in ("", "auto", "local"):
        return address
    try:
        folder = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir())
        address = (folder / "ray" / "ray_current_cluster").read_text().strip()
        check_reachable(address)
    except OSError:
        return None
    return address


def _host(address: str) -> str | None:
    return urlsplit(address if "://" in address else f"//{address}").hostname


def check_reachable(address: str) -> None:
    """Raise `OSError` when nobody listens there. Ray itself would try for half a minute, and may end the process."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    socket.create_connection((parts.hostname or "", parts.port or 0), _CONNECT_S).close()


def _refusal(error: Exception) -> str:
    """A sentence for what Ray says when it does not take this process."""
    text = str(error)
    if "ersion mismatch" in text or "Python version" in text:
        return "the cluster runs another version of Ray or Python than this machine: install the same on both"
    if "token" in text.lower():
        return "the cluster asks for Ray's token: copy it here (`ray get-auth-token`), or set RAY_AUTH_TOKEN_PATH"
    return f"Ray does not connect to the cluster ({type(error).__name__}); `ray status` may say why"
