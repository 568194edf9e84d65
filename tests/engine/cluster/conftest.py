"""A real Ray cluster on loopback, started once for all tests that want it, and engines on it."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from engine import ClusterSettings, EngineClient, EngineSettings
from engine.process.client import GATEWAY
from tests.test_imports import ROOT

COUNTING = "tests.engine.process.counting_engine"
_REPLICA = b"ray::ServeReplica:throwback"


class LoopbackCluster:
    """Drives `loopback_cluster` from outside; `environment` is what processes need to join it."""

    def __init__(
        self,
        home: Path,
        nodes: int = 2,
        port: int | None = None,
        like: "LoopbackCluster | None" = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """`like` is one that was killed, and comes back; `variables` are set in its processes."""
        self._folder: str = (
            like._folder if like else tempfile.mkdtemp(prefix="tb", dir="/tmp")
        )  # a socket's path is short
        ours = {
            # Ray forks its servers for ray:// amid threads of gRPC, whose own care for forks at times crashes them.
            "GRPC_ENABLE_FORK_SUPPORT": "0",
            "PYTHONPATH": str(ROOT),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            # So that growing and shrinking is seen within seconds.
            "RAY_SERVE_HANDLE_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "0.5",
            "RAY_SERVE_REPLICA_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "0.5",
            "RAY_TMPDIR": self._folder,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_worker_niceness": "0",  # or engines get next to nothing beside other tests
            "THROWBACK_HOME": str(home),
        }
        self.environment: dict[str, str] = ours | (like.environment if like else dict(variables or {}))
        self._log = (home / "ray.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.cluster.loopback_cluster", str(nodes), *([str(port)] if port else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=os.environ | self.environment,
            text=True,
            start_new_session=True,
        )
        ready = self._heard()
        self.client_address = ready["client"]
        self.environment["RAY_ADDRESS"] = ready["address"]

    def order(self, what: str) -> dict[str, Any]:
        """Give an order, wait until it is obeyed, and return what it says."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        return self._heard()

    def _heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                heard: dict[str, Any] = json.loads(line)
                return heard
        raise EOFError("the cluster ended")

    def processes(self) -> list[Path]:
        """All of its processes, by their folders in /proc."""
        mark = f"RAY_AUTH_TOKEN={self.environment['RAY_AUTH_TOKEN']}".encode()
        return [one for one in Path("/proc").iterdir() if one.name.isdecimal() and mark in _read(one / "environ")]

    def writings(self) -> bytes:
        """All that Ray has written to files: logs, events."""
        folder = Path(self._folder)
        return b"".join(_read(one) for one in folder.rglob("*") if one.is_file() and not one.is_symlink())

    def replicas(self) -> list[int]:
        """The process ids of the replicas."""
        return [int(one.name) for one in self.processes() if _read(one / "cmdline").startswith(_REPLICA)]

    def listening_addresses(self) -> set[str]:
        """The addresses at which its processes listen, in hexadecimal as the kernel prints them."""
        sockets = set()
        for process in self.processes():
            with suppress(OSError):
                sockets |= {str(one.readlink()) for one in (process / "fd").iterdir()}
        tables = (Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()).splitlines()
        rows = [row.split() for row in tables if row.split()[3] == "0A"]
        return {row[1].partition(":")[0] for row in rows if f"socket:[{row[9]}]" in sockets}

    def kill(self) -> None:
        """Kill (-9) the only node."""
        self.order("kill")
        self._process.kill()
        self._close()

    def end(self) -> None:
        try:
            self.order("end")
            self._process.wait(20)
        except (OSError, EOFError, subprocess.TimeoutExpired):
            self._process.kill()
        self._close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _close(self) -> None:
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            with suppress(OSError):  # what was written last may not have been read
                if stream is not None:
                    stream.close()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackCluster]:
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed: pip install 'throwback[ray]'")
    running = LoopbackCluster(tmp_path_factory.mktemp("nodes"))
    try:
        yield running
    finally:
        running.end()


@asynccontextmanager
async def joined(
    cluster: LoopbackCluster,
    home: Path,
    replicas: tuple[int, int] = (2, 2),
    module: str | None = COUNTING,
    network: str = "",
    address: str = "ray",
    program: tuple[str, ...] = GATEWAY,
) -> AsyncIterator[EngineClient]:
    """A client of engines on the cluster. They are started if there are none, and run on afterwards."""
    settings = EngineSettings(home, "cpu", network, cluster=ClusterSettings(address, replicas))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cluster.environment.items():
            patch.setenv(name, value)
        client = EngineClient(settings, command=(*program, *(("--module", module) if module else ())))
    async with client:
        yield client


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # the process has ended, or is another user's
        return b""


def kill(pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
