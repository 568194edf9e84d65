"""Runs the bot as `throwback run` does, with shorter pauses and, unless told otherwise, the scripted engine.

    python -m bot.chaos.tested_bot [--real-engine]

The pauses are shorter so that an hour holds more attempts; what happens in which order is the same.
"""

import asyncio
import os
import sys

from telegram.error import TelegramError

from bot.app import serve
from bot.commands.output import FAULT_STATUS
from bot.messaging.rate_limiter import Pace
from bot.operations.logs import set_up_logs
from bot.operations.processes import stop_event
from bot.settings import Settings
from bot.timings import Timings
from engine import EngineClient

REAL_ENGINE = "--real-engine"
_SCRIPTED = (sys.executable, "-m", "engine.process.scripted_engine")
_STOP_S = 4.5  # as in `throwback run`
_TIMINGS = Timings(
    step_retries_s=(0.2, 0.5, 1.0),
    reply_retries_s=(0.2, 0.5, 1.0),
    write_retries_s=(0.2, 0.5),
    listen_retries_s=(0.1, 0.3, 1.0),
    action_interval_s=1.0,
    estimate_interval_s=2.0,
    first_cleanup_s=5.0,
    cleanup_interval_s=20.0,
    upload_timeout_s=10.0,
)
_PACE = Pace(overall_per_s=200, chat_burst=10, chat_per_s=10.0, group_per_minute=600)


async def _run(real_engine: bool) -> None:
    settings = Settings.read()
    set_up_logs(settings.token)
    stop = stop_event(_STOP_S)
    engine = None if real_engine else EngineClient(settings.engine, command=_SCRIPTED)
    await serve(settings, stop, engine, _PACE, _TIMINGS)


def main() -> int:
    os.umask(0o077)
    try:
        asyncio.run(_run(REAL_ENGINE in sys.argv))
    except TelegramError:  # at the start; whoever runs it starts it again
        return FAULT_STATUS
    return 0


if __name__ == "__main__":
    sys.exit(main())
