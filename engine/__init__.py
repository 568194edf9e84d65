"""Throwback's engine: a client that starts and asks the engine process, its messages and its errors.

Importing this package is quick and loads no torch; whatever computes is in the process that `EngineClient` starts.
"""

from engine.breeds import BREEDS, Breed
from engine.errors import EngineError, EngineFault, EngineStopped, OperatorError, PhotoError, PhotoReason
from engine.images.formats import SNIFFED_BYTES, sniff
from engine.messages import (
    Box,
    BreedGuess,
    CardText,
    Description,
    Film,
    Forgotten,
    Head,
    HeadGuess,
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
from engine.process.client import EngineClient, OnProgress, Timeouts
from engine.settings import EngineSettings as EngineSettings
from engine.settings import SettingsError, child_environment
from engine.settings import from_environment as engine_settings

__all__ = [
    "BREEDS",
    "SNIFFED_BYTES",
    "Box",
    "Breed",
    "BreedGuess",
    "CardText",
    "Description",
    "EngineClient",
    "EngineError",
    "EngineFault",
    "EngineSettings",
    "EngineStopped",
    "Film",
    "Forgotten",
    "Head",
    "HeadGuess",
    "OnProgress",
    "OperatorError",
    "PhotoError",
    "PhotoReason",
    "Point",
    "Progress",
    "Recognition",
    "Reimagine",
    "Reimagined",
    "Rejuvenate",
    "Rejuvenation",
    "SettingsError",
    "Species",
    "Stage",
    "Timeouts",
    "child_environment",
    "engine_settings",
    "sniff",
]
