"""Runs the bot beside the playground in a process of its own, and starts it again when it ends.

The bot is exactly `throwback run`; only its environment says where Telegram and its data folder are.
"""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from bot.playground.loopback import LOOPBACK
from bot.playground.server import Address
from engine import child_environment

logger = logging.getLogger(__name__)

_STOP_S = 4.0  # s for an orderly stop before the kill; the rest of the promised five seconds is for the server
_SHORT_RUN_S = 10.0  # s; a bot that ends sooner counts as one that cannot start
_SHORT_RUNS_MAX = 3  # in a row, before we give up; more delays the message that the bot does not stay up
_RESTART_PAUSE_S = 0.5  # s for each short run so far; longer spares the machine, and leaves chats unanswered
_DROPPED_VARIABLES = ("THROWBACK_WEBHOOK_", "THROWBACK_METRICS_PORT")  # beginnings; they are for a bot on Telegram
_SHARED_FOLDERS = ("networks", "ages", "perceptual", "cache")  # fetched or learnt once, for every bot of this home


class BotGone(Exception):
    """The bot ends again and again as soon as it is started."""


class BotSupervisor:
    """The bot's process. `home` is the data folder; the playground's bot has its own below it."""

    def __init__(self, address: Address, home: Path, environment: Mapping[str, str] = os.environ) -> None:
        self._bot_home = home / "playground" / "bot"
        self.log = home / "playground" / "bot.log"
        inherited = {name: value for name, value in environment.items() if not name.startswith(_DROPPED_VARIABLES)}
        self._environment = child_environment(inherited) | {
            "THROWBACK_TOKEN": address.token,
            "THROWBACK_API_URL": address.url,
            "THROWBACK_HOME": str(self._bot_home),
            # Whatever proxy there is, Telegram is on this machine.
            **{name: ",".join(filter(None, (environment.get(name), LOOPBACK))) for name in ("NO_PROXY", "no_proxy")},
        }
        self._home = home
        self._process: asyncio.subprocess.Process | None = None

    async def keep_running(self) -> None:
        """Start the bot, and again whenever it ends, until cancelled; raises `BotGone` when it never stays up."""
        self._prepare()
        short_runs = 0
        while short_runs < _SHORT_RUNS_MAX:
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
                    start_new_session=True,  # Ctrl-C reaches us alone; `stop` tells the bot
                )
            status = await self._process.wait()
            short_runs = short_runs + 1 if time.monotonic() - started < _SHORT_RUN_S else 0
            logger.info("the bot ended with %d and is started again", status)
            await asyncio.sleep(_RESTART_PAUSE_S * short_runs)
        raise BotGone

    async def stop(self) -> None:
        """Ask the bot to stop; kill it after `_STOP_S` seconds."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _prepare(self) -> None:
        self._bot_home.mkdir(parents=True, exist_ok=True)
        self.log.write_bytes(b"")
        for name in _SHARED_FOLDERS:
            (self._home / name).mkdir(exist_ok=True)
            link = self._bot_home / name
            if not link.exists():
                link.symlink_to(Path("..", "..", name), target_is_directory=True)
