"""What the engine's processes read from the environment, once, in one place.

`THROWBACK_HOME` data folder · `THROWBACK_DEVICE` auto|cpu|cuda · `THROWBACK_NETWORK` a network to prefer ·
`THROWBACK_COMPILE` 0|1, whether networks are compiled.
The bot reads these with its own, and hands them on to the engine through the same variables.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

_DEVICES = ("auto", "cpu", "cuda")
_SWITCHES = {"0": False, "1": True}


class SettingsError(ValueError):
    """A sentence for each variable that is wrong, one a line, for the person who set it."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    home: Path  # data folder: networks, age vectors, cache
    device: str = "auto"  # auto, cpu or cuda
    network: str = ""  # a network's name, or "" to choose by species
    compiled: bool = False  # whether networks go through torch.compile

    @property
    def cache(self) -> Path:
        """What may be deleted at any time and is made again when needed."""
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
    if wrong:
        raise SettingsError("\n".join(wrong))
    return EngineSettings(
        home=Path(home).expanduser() if home else platformdirs.user_data_path("throwback", appauthor=False),
        device=device,
        network=environment.get("THROWBACK_NETWORK", "").strip(),
        compiled=_SWITCHES[compiled],
    )
