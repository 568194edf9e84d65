"""Tells systemd that the bot is ready, alive, stopping: what `Type=notify` and `WatchdogSec=` of a unit act on.

Elsewhere there is no NOTIFY_SOCKET in the environment, and nothing is told.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from bot.context import Services
from bot.operations.health import Ailment, ailments
from bot.operations.lifetimes import in_background

# What a restart may help against. Telegram comes back by itself, the engine is started again anyway, and
# a full disk stays full.
DEADLY = frozenset({Ailment.LISTENING, Ailment.DATABASE})


@asynccontextmanager
async def supervised(services: Services, environment: Mapping[str, str] = os.environ) -> AsyncIterator[None]:
    """Tell the service manager that the bot is ready; then, while the context lasts, that it lives; then that it stops.

    A bot that does not listen, or whose database does not answer, says nothing: after the watchdog's time it is
    restarted.
    """
    address = environment.get("NOTIFY_SOCKET", "")
    _tell(address, "READY=1")
    try:
        async with in_background(_tell_alive(services, address, _interval_s(environment))):
            yield
    finally:
        _tell(address, "STOPPING=1")


def _interval_s(environment: Mapping[str, str]) -> float:
    """Return how often to say that we live: twice within the watchdog's time; 0.0 without a watchdog."""
    text = environment.get("WATCHDOG_USEC", "")
    return int(text) / 1e6 / 2 if text.isdecimal() else 0.0


async def _tell_alive(services: Services, address: str, interval_s: float) -> None:
    while address and interval_s:
        found = await ailments(services)
        if not DEADLY.intersection(found):
            _tell(address, f"WATCHDOG=1\nSTATUS={', '.join(found) + ': not working' if found else 'ok'}")
        await asyncio.sleep(interval_s)


def _tell(address: str, state: str) -> None:
    if not address:
        return
    if address.startswith("@"):  # of Linux's abstract names
        address = f"\0{address[1:]}"
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.setblocking(False)
        manager.sendto(state.encode(), address)
