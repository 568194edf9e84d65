"""What systemd is told."""

import asyncio
import configparser
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

import pytest

from bot.commands.output import CONFIGURATION_STATUS
from bot.operations.service_manager import supervised
from tests.bot.harness import Harness


@asynccontextmanager
async def manager(tmp_path: Path) -> AsyncIterator[tuple[socket.socket, dict[str, str]]]:
    """Somebody who listens, and the environment that says so."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
        ours.bind(str(tmp_path / "notify"))
        ours.setblocking(False)
        yield ours, {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "100000"}


async def heard(ours: socket.socket) -> str:
    async with asyncio.timeout(30):
        return (await asyncio.get_running_loop().sock_recv(ours, 4096)).decode()


async def test_it_hears_that_the_bot_is_ready_lives_and_stops(tmp_path: Path) -> None:
    async with Harness(tmp_path) as harness, manager(tmp_path) as (ours, environment):
        async with supervised(harness.services, environment):
            assert await heard(ours) == "READY=1"
            for _ in range(3):
                assert await heard(ours) == "WATCHDOG=1\nSTATUS=ok"
        while (said := await heard(ours)) != "STOPPING=1":
            assert said.startswith("WATCHDOG=1")


async def test_it_hears_nothing_of_a_bot_that_does_not_listen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Harness(tmp_path) as harness, manager(tmp_path) as (ours, environment):
        monkeypatch.setattr("bot.operations.health._LISTENING_S", -1.0)
        async with supervised(harness.services, environment):
            assert await heard(ours) == "READY=1"
            await asyncio.sleep(0.3)
        assert await heard(ours) == "STOPPING=1"


async def test_without_it_nothing_is_told(harness: Harness) -> None:
    async with supervised(harness.services, {}):
        pass


def test_the_unit_knows_what_is_not_to_be_tried_again() -> None:
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[method-assign, assignment]
    unit.read_string(files("bot").joinpath("operations/throwback.service").read_text("utf-8"))
    assert unit["Service"]["Type"] == "notify" and int(unit["Service"]["WatchdogSec"])
    assert str(CONFIGURATION_STATUS) in unit["Service"]["RestartPreventExitStatus"].split()
