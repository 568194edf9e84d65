"""Reads the engine's settings from environment variables, and writes them for its processes.

`THROWBACK_HOME` data folder · `THROWBACK_DEVICE` auto|cpu|cuda · `THROWBACK_NETWORK` a network to prefer ·
`THROWBACK_COMPILE` 0|1, whether networks are compiled · `THROWBACK_CORES` that an engine uses · `THROWBACK_ENGINE`
local|ray|ray://host:port, where the engine runs · `THROWBACK_REPLICAS` least-most, `THROWBACK_REPLICA_GPUS` of each, on
Ray.

Commands and the engine process read them once, at their start, and hand them on as arguments.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import platformdirs

_DEVICES = ("auto", "cpu", "cuda")
_SWITCHES = {"0": False, "1": True}
_REPLICAS = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?")
_SHARE = re.compile(r"\d{1,3}(\.\d{1,4})?")
_RAY_ADDRESS = re.compile(r"ray://[^\s/:]+:\d{1,5}")
_NO_RAY = "Ray is not installed: pip install 'throwback[ray]'"
_SECRETS = ("THROWBACK_TOKEN", "THROWBACK_WEBHOOK_SECRET")  # the bot's; no engine process needs them


class SettingsError(ValueError):
    """Variables make no sense; the text has a sentence for each, one a line, for the person who set it."""


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """The engine on Ray. What is None leaves it as it runs there, or takes the default of a new one."""

    address: str = "ray"  # "ray": the cluster of this machine, or a new one; "ray://host:port": another's
    replicas: tuple[int, int] | None = None  # least and most engines; default 1 to 8
    gpus: float | None = None  # of each engine; default 1 where the cluster has GPUs and the device may be one


@dataclass(frozen=True, slots=True)
class EngineSettings:
    home: Path  # data folder: networks, age vectors, cache
    device: str = "auto"  # auto, cpu or cuda
    network: str = ""  # a network's name, or "" to choose by species
    compiled: bool = False  # whether networks go through torch.compile
    cores: int | None = None  # that one engine uses; None for all of the machine
    cluster: ClusterSettings | None = None  # None: the engine runs on this machine, in a process of its own

    @property
    def cache(self) -> Path:
        """Folder for what may be deleted at any time and is made again when needed."""
        return self.home / "cache"


def from_environment(environment: Mapping[str, str] = os.environ) -> EngineSettings:
    """Read the settings; raise `SettingsError` when variables make no sense."""
    wrong: list[str] = []
    home = environment.get("THROWBACK_HOME", "").strip()
    device = environment.get("THROWBACK_DEVICE", "").strip().lower() or "auto"
    if device not in _DEVICES:
        wrong.append(f"THROWBACK_DEVICE must be one of {', '.join(_DEVICES)}, not {device!r}")
    compiled = environment.get("THROWBACK_COMPILE", "").strip() or "0"
    if compiled not in _SWITCHES:
        wrong.append(f"THROWBACK_COMPILE must be 0 or 1, not {compiled!r}")
    try:
        folder = Path(home).expanduser() if home else platformdirs.user_data_path("throwback", appauthor=False)
    except RuntimeError:  # no HOME, and no such user either
        wrong.append("THROWBACK_HOME must say where to keep data, in full: there is no home folder here")
    cluster, cores = _cluster(environment, wrong), _cores(environment, wrong)
    if wrong:
        raise SettingsError("\n".join(wrong))
    return EngineSettings(
        home=folder,
        device=device,
        network=environment.get("THROWBACK_NETWORK", "").strip(),
        compiled=_SWITCHES[compiled],
        cores=cores,
        cluster=cluster,
    )


def _cluster(environment: Mapping[str, str], wrong: list[str]) -> ClusterSettings | None:
    """Read where the engine runs; add a sentence to `wrong` for each variable that makes no sense."""
    address = environment.get("THROWBACK_ENGINE", "").strip() or "local"
    if address not in {"local", "ray"} and not _RAY_ADDRESS.fullmatch(address):
        wrong.append("THROWBACK_ENGINE must be local, ray, or a Ray cluster's address such as ray://10.0.0.1:10001")
        return None
    if address != "local" and find_spec("ray") is None:
        wrong.append(f"THROWBACK_ENGINE is {address}, but {_NO_RAY}")
    replicas, gpus = _replicas(environment, wrong), _gpus(environment, wrong)
    return None if address == "local" else ClusterSettings(address, replicas, gpus)


def _replicas(environment: Mapping[str, str], wrong: list[str]) -> tuple[int, int] | None:
    text = environment.get("THROWBACK_REPLICAS", "").strip()
    if not text:
        return None
    if (match := _REPLICAS.fullmatch(text)) and 0 < int(match[1]) <= int(match[2] or match[1]):
        return int(match[1]), int(match[2] or match[1])
    wrong.append("THROWBACK_REPLICAS must be a number from 1, or the least and the most, such as 1-8")
    return None


def _gpus(environment: Mapping[str, str], wrong: list[str]) -> float | None:
    text = environment.get("THROWBACK_REPLICA_GPUS", "").strip()
    if text and not _SHARE.fullmatch(text):
        wrong.append("THROWBACK_REPLICA_GPUS must be a number such as 1, 0.5 or 0")
        return None
    return float(text) if text else None


def _cores(environment: Mapping[str, str], wrong: list[str]) -> int | None:
    text = environment.get("THROWBACK_CORES", "").strip()
    if text and not (text.isdecimal() and 0 < int(text) < 1000):
        wrong.append("THROWBACK_CORES must be a number from 1")
        return None
    return int(text) if text else None


def child_environment(inherited: Mapping[str, str], settings: EngineSettings | None = None) -> dict[str, str]:
    """The environment of a process that runs this package: `inherited` and `settings`, without the bot's secrets."""
    environment = {name: value for name, value in inherited.items() if name not in _SECRETS}
    package_root = str(Path(__file__).parents[1])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (package_root, inherited.get("PYTHONPATH"))))
    if settings is not None:
        environment |= {
            "THROWBACK_HOME": str(settings.home),
            "THROWBACK_DEVICE": settings.device,
            "THROWBACK_NETWORK": settings.network,
            "THROWBACK_COMPILE": str(int(settings.compiled)),
            "THROWBACK_CORES": str(settings.cores or ""),
            "THROWBACK_ENGINE": settings.cluster.address if settings.cluster else "local",
        }
        if (cluster := settings.cluster) is not None:
            environment["THROWBACK_REPLICAS"] = "{}-{}".format(*cluster.replicas) if cluster.replicas else ""
            environment["THROWBACK_REPLICA_GPUS"] = "" if cluster.gpus is None else f"{cluster.gpus:g}"
    return environment
