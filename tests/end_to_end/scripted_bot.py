"""`throwback run` as it is, but with the scripted engine process in the real one's place.

    python -m tests.end_to_end.scripted_bot [--finish]

A photo may tell the engine to hold its request; with --finish the engine soon lets go of all it holds.
"""

import asyncio
import signal
import sys
from contextlib import suppress

from bot.app import running
from bot.operations.logs import set_up_logs
from bot.settings import Settings
from engine import EngineClient, EngineError
from tests.scripted_engine import scripted_engine

_FINISH_EVERY_S = 0.1


async def main(finish: bool) -> None:
    settings = Settings.read()
    set_up_logs(settings.token)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    engine = scripted_engine()
    async with running(settings, engine):
        finishing = asyncio.create_task(_finish(engine)) if finish else None
        await stop.wait()
        if finishing:
            finishing.cancel()


async def _finish(engine: EngineClient) -> None:
    """The scripted engine lets go of what it holds whenever it is asked to describe itself."""
    while True:
        with suppress(EngineError):
            await engine.describe()
        await asyncio.sleep(_FINISH_EVERY_S)


if __name__ == "__main__":
    asyncio.run(main("--finish" in sys.argv))
