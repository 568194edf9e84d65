"""The engine process without the engine's time, for whoever tests what is around it.

It is a real child speaking the real protocol; `engine.process.scripted_engine` says what it can act out.
"""

import sys

from engine import EngineClient
from engine.process.scripted_engine import Script, scripted_photo

__all__ = ["SCRIPTED", "Script", "scripted_engine", "scripted_photo"]

SCRIPTED = (sys.executable, "-m", "engine.process.scripted_engine")


def scripted_engine() -> EngineClient:
    """`async with scripted_engine() as engine:`"""
    return EngineClient(command=SCRIPTED)
