"""The bot with the scripted engine as a process, for tests that kill it: ``python -m tests.bot.killed_bot``.

Arguments: the Bot API's URL, the token, the bot's home. It says "ready" once it listens.
"""

import asyncio
import signal
import sys
from pathlib import Path

from bot.app import running
from bot.settings import Settings
from engine import EngineSettings
from tests.bot.harness import NO_RATE_LIMITS
from tests.scripted_engine import scripted_engine


async def main(url: str, token: str, home: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with running(Settings(token, EngineSettings(Path(home)), url), scripted_engine(), NO_RATE_LIMITS):
        print("ready", flush=True)  # noqa: T201 (the test waits for this line)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
