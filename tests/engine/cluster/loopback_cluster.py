"""Runs a Ray cluster on loopback, nodes of one core each, in a process of its own; orders come as lines.

`python -m tests.engine.cluster.loopback_cluster NODES [PORT]` prints a JSON line when it is ready and after each order:
``add`` a node, ``kill`` (-9) the node that was added last, ``delete`` the application, ``used`` bytes of the object
store, ``end``.
"""

import json
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

import ray
from ray import serve
from ray.cluster_utils import Cluster
from ray.serve.exceptions import RayServeException

from engine.cluster.ray_session import NAMESPACE

STORE_BYTES = 80 << 20


def main() -> None:
    count, ports = int(sys.argv[1]), [int(port) for port in sys.argv[2:]]
    cluster = Cluster()
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    nodes = [add(cluster, ray_client_server_port=port, gcs_server_port=ports[0] if ports else None)]
    nodes += [add(cluster) for _ in range(count - 1)]
    ray.init(cluster.address, namespace=NAMESPACE, log_to_driver=False, configure_logging=False)
    say(address=cluster.address, client=f"ray://127.0.0.1:{port}")
    for line in sys.stdin:
        match line.split():
            case ["add"]:
                nodes.append(add(cluster))
            case ["kill"]:
                kill(nodes.pop())
            case ["delete"]:
                with suppress(RayServeException):  # nothing has been started yet
                    serve.delete("throwback")
            case ["used"]:
                there, left = ray.cluster_resources(), ray.available_resources()
                say(used=there["object_store_memory"] - left["object_store_memory"])
                continue
            case ["end"]:
                break
        say()
    ray.shutdown()
    cluster.shutdown()


def add(cluster: Cluster, **options: Any) -> Any:
    """Add a node to the cluster; the first is its head."""
    return cluster.add_node(
        node_ip_address="127.0.0.1", num_cpus=1, object_store_memory=STORE_BYTES, include_dashboard=False, **options
    )


def kill(node: Any) -> None:
    killed = [one.process for kind in node.all_processes.values() for one in kind if one.process.poll() is None]
    for process in killed:
        os.kill(process.pid, signal.SIGKILL)
    for process in killed:
        process.wait()  # or Ray's workers take their node, a zombie, for alive, and stay


def say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
