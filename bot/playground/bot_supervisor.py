"""Keeps the real bot running beside the playground, in a process of its own that is told to use the double.

The bot is exactly `throwback run`: only its environment says that Telegram is elsewhere and whose data it keeps.
"""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from bot.playground.server import Address

logger = logging.getLogger(__name__)

STOP_S = 4.0  # an orderly stop; the rest of the promised five seconds is for the server
_SHORT_LIFE_S = 10.0
_SHORT_LIVES_MAX = 3
_RESTART_S = 0.5
_ROOT = Path(__file__).parents[2]
_HERE = "127.0.0.1"
_NOT_HERE = ("THROWBACK_WEBHOOK_", "THROWBACK_METRICS_PORT")  # a bot on Telegram may have them
# Learnt or fetched once, and used by every bot of this home.
_COMMON = ("networks", "ages", "perceptual", "cache")


class BotGone(Exception):
    """The bot stops again and again as soon as it is started."""


class BotSupervisor:
    """The bot's process. `home` is the data folder; the bot of the playground has its own below it."""

    def __init__(self, address: Address, home: Path, environment: Mapping[str, str] = os.environ) -> None:
        self._bot_home = home / "playground" / "bot"
        self.log = home / "playground" / "bot.log"
        self._environment = {name: value for name, value in environment.items() if not name.startswith(_NOT_HERE)} | {
            "THROWBACK_TOKEN": address.token,
            "THROWBACK_API_URL": address.url,
            "THROWBACK_HOME": str(self._bot_home),
            # Whatever proxy there is, Telegram is on this machine.
            **{name: ",".join(filter(None, (environment.get(name), _HERE))) for name in ("NO_PROXY", "no_proxy")},
            "PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), environment.get("PYTHONPATH")))),
        }
        self._home = home
        self._process: asyncio.subprocess.Process | None = None

    async def keep_running(self) -> None:
        """Starts the bot, and again whenever it ends, until cancelled; raises `BotGone` when that does not help."""
        self._prepare()
        short_lives = 0
        while short_lives < _SHORT_LIVES_MAX:
            started = time.monotonic()
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "bot.playground.bot_process",
                    stdin=asyncio.subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env=self._environment,
                    start_new_session=True,  # Ctrl-C is for us alone; we tell the bot in our own order
                )
            status = await self._process.wait()
            short_lives = short_lives + 1 if time.monotonic() - started < _SHORT_LIFE_S else 0
            logger.info("the bot ended with %d and is started again", status)
            await asyncio.sleep(_RESTART_S * short_lives)
        raise BotGone

    async def stop(self) -> None:
        """Lets the bot stop in its own order, for at most `STOP_S` seconds."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _prepare(self) -> None:
        self._bot_home.mkdir(parents=True, exist_ok=True)
        self.log.write_bytes(b"")
        for name in _COMMON:
            (self._home / name).mkdir(exist_ok=True)
            link = self._bot_home / name
            if not link.exists():
                link.symlink_to(Path("..", "..", name), target_is_directory=True)
