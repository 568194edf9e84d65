"""Reads the engine's settings from environment variables, and writes them for its processes.

`THROWBACK_HOME` data folder · `THROWBACK_DEVICE` auto|cpu|cuda · `THROWBACK_NETWORK` a network to prefer ·
`THROWBACK_COMPILE` 0|1, whether networks are compiled.

Commands and the engine process read them once, at their start, and hand them on as arguments.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

_DEVICES = ("auto", "cpu", "cuda")
_SWITCHES = {"0": False, "1": True}
_SECRETS = ("THROWBACK_TOKEN", "THROWBACK_WEBHOOK_SECRET")  # the bot's; no engine process needs them


class SettingsError(ValueError):
    """Variables make no sense; the text has a sentence for each, one a line, for the person who set it."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    home: Path  # data folder: networks, age vectors, cache
    device: str = "auto"  # auto, cpu or cuda
    network: str = ""  # a network's name, or "" to choose by species
    compiled: bool = False  # whether networks go through torch.compile

    @property
    def cache(self) -> Path:
        """Folder for what may be deleted at any time and is made again when needed."""
        return self.home / "cache"


def from_environment(environment: Mapping[str, str] = os.environ) -> EngineSettings:
    """Read the settings; raise `SettingsError` when variables make no sense."""
    wrong = []
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
    if wrong:
        raise SettingsError("\n".join(wrong))
    return EngineSettings(
        home=folder,
        device=device,
        network=environment.get("THROWBACK_NETWORK", "").strip(),
        compiled=_SWITCHES[compiled],
    )


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
        }
    return environment
