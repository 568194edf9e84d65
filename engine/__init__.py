"""Throwback's engine as its users see it: in this process (`Rejuvenator`) or in one of its own (`EngineClient`).

Importing this package is quick and loads neither torch nor Pillow. Making a `Rejuvenator` loads them here, and
`EngineClient` starts a process that loads them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from engine.breeds import BREEDS, Breed
from engine.commands.command_lines import COMMAND_LINES
from engine.errors import EngineError, EngineFault, EngineStopped, OperatorError, PhotoError, PhotoReason
from engine.images.formats import SNIFFED_BYTES, sniff
from engine.messages import (
    AgeWords,
    Box,
    BreedGuess,
    CardText,
    Combine,
    Combined,
    Description,
    Export,
    Exported,
    ExportText,
    Film,
    Forgotten,
    Head,
    HeadGuess,
    HeadQuality,
    Medium,
    NamedAge,
    PhotoIssue,
    Point,
    Progress,
    Recognition,
    Reimagine,
    Reimagined,
    Rejuvenate,
    Rejuvenation,
    Species,
    Stage,
)
from engine.process.client import GATEWAY, EngineClient, OnProgress, Timeouts
from engine.settings import ClusterSettings, SettingsError, child_environment
from engine.settings import EngineSettings as EngineSettings
from engine.settings import from_environment as engine_settings

if TYPE_CHECKING:
    from engine.rejuvenator import Photo, Rejuvenated, Rejuvenator
else:

    def __getattr__(name: str) -> object:
        """Load the module of the `Rejuvenator` when it is asked for."""
        if name not in ("Photo", "Rejuvenated", "Rejuvenator"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module("engine.rejuvenator"), name)


__all__ = [
    "BREEDS",
    "COMMAND_LINES",
    "GATEWAY",
    "SNIFFED_BYTES",
    "AgeWords",
    "Box",
    "Breed",
    "BreedGuess",
    "CardText",
    "ClusterSettings",
    "Combine",
    "Combined",
    "Description",
    "EngineClient",
    "EngineError",
    "EngineFault",
    "EngineSettings",
    "EngineStopped",
    "Export",
    "ExportText",
    "Exported",
    "Film",
    "Forgotten",
    "Head",
    "HeadGuess",
    "HeadQuality",
    "Medium",
    "NamedAge",
    "OnProgress",
    "OperatorError",
    "Photo",
    "PhotoError",
    "PhotoIssue",
    "PhotoReason",
    "Point",
    "Progress",
    "Recognition",
    "Reimagine",
    "Reimagined",
    "Rejuvenate",
    "Rejuvenated",
    "Rejuvenation",
    "Rejuvenator",
    "SettingsError",
    "Species",
    "Stage",
    "Timeouts",
    "child_environment",
    "engine_settings",
    "sniff",
]
