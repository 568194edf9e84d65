"""The bot's process as systemd runs it: started again whenever it ends, told to stop, killed; and what it uses."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.chaos.tested_bot import REAL_ENGINE
from bot.operations.processes import descendants
from bot.playground.loopback import LOOPBACK
from engine import child_environment

_WATCHDOG_S = 2.0  # s between two signs of life that the bot is asked for
_PAUSE_S = 0.3  # s before the next start
_STOP_S = 15.0  # s; whoever takes longer to stop is killed


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """What a process uses."""

    memory_mb: float
    descriptors: int

    @classmethod
    def of(cls, pid: int) -> "ProcessUsage":
        """Read it from /proc. Raises OSError where there is no such process."""
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
        size = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        return cls(round(size, 1), len(list(Path(f"/proc/{pid}/fd").iterdir())))


class SupervisedBot:
    """`async with` keeps it running. `log` is where its standard error goes."""

    def __init__(self, url: str, token: str, home: Path, log: Path, real_engine: bool) -> None:
        self.home = home
        self.log = log
        self.deaths: Counter[str] = Counter()  # how often bot and engine were killed
        self.stops_s: list[float] = []  # how long each orderly stop took
        self.refused = 0  # starts that ended because Telegram was out of order
        self.ended: list[int] = []  # exit statuses of bots that ended by themselves, though nobody told them to
        self.silent_s = 0.0  # the longest time without a sign of life from a bot that was ready
        self.ready = asyncio.Event()
        self._arguments = ["-m", "bot.chaos.tested_bot", *([REAL_ENGINE] if real_engine else [])]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("THROWBACK_")}
        self._environment = child_environment(inherited) | {
            "THROWBACK_TOKEN": token,
            "THROWBACK_API_URL": url,
            "THROWBACK_HOME": str(home),
            "THROWBACK_DAILY_LIMIT": "1000000",
            "THROWBACK_GROUP_DAILY_LIMIT": "1000000",
            "NO_PROXY": LOOPBACK,
            "NOTIFY_SOCKET": str(log.with_name("notify")),
            "WATCHDOG_USEC": str(int(2 * _WATCHDOG_S * 1e6)),
        }
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._process: asyncio.subprocess.Process | None = None
        self._told = False  # to stop, or killed
        self._alive_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "SupervisedBot":
        self.home.mkdir(parents=True, exist_ok=True)
        self._manager.bind(self._environment["NOTIFY_SOCKET"])
        self._manager.setblocking(False)
        self._tasks = [asyncio.create_task(self._hear()), asyncio.create_task(self._keep_running())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in reversed(self._tasks):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._end(signal.SIGKILL)
        self._manager.close()

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process and process.returncode is None else None

    @property
    def engine_pid(self) -> int | None:
        """The engine's process, which is the bot's child."""
        return next((pid for pid, command in descendants(self.pid).items() if b"engine" in command), None)

    def kill(self) -> bool:
        """Kill the bot by SIGKILL; False when it does not run just now."""
        return self._kill(self.pid, "bot")

    def kill_engine(self) -> bool:
        """Kill the engine by SIGKILL; False when it does not run just now."""
        return self._kill(self.engine_pid, "engine")

    def _kill(self, pid: int | None, name: str) -> bool:
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # it has just ended
            return False
        self._told = self._told or name == "bot"
        self.deaths[name] += 1
        return True

    def usage(self) -> dict[str, ProcessUsage]:
        """Return what bot and engine use, as far as they run."""
        found = {}
        for name, pid in (("bot", self.pid), ("engine", self.engine_pid)):
            with suppress(OSError):
                found[name] = ProcessUsage.of(pid or 0)
        return found

    async def stop(self, again: bool = False) -> None:
        """Tell bot and engine to stop, and note how long that takes; it is started anew only if told so."""
        if not again:
            self._tasks[1].cancel()
            await asyncio.gather(self._tasks[1], return_exceptions=True)
        await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> None:
        process, began = self._process, time.monotonic()
        if process is None or process.returncode is not None:
            return
        self._told = True
        self.ready.clear()
        for pid in (process.pid, *descendants(process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if number is signal.SIGTERM:
            self.stops_s.append(time.monotonic() - began)

    async def _keep_running(self) -> None:
        while True:
            self._told = False
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *self._arguments,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self._environment,
                    start_new_session=True,
                )
            status = await self._process.wait()
            if not self._told and self.ready.is_set():
                self.ended.append(status)
            elif not self._told:
                self.refused += 1
            self.ready.clear()
            await asyncio.sleep(_PAUSE_S)

    async def _hear(self) -> None:
        """Listen to what the bot tells systemd."""
        loop = asyncio.get_running_loop()
        while True:
            said = (await loop.sock_recv(self._manager, 4096)).decode()
            now = time.monotonic()
            if said == "READY=1":
                self._alive_at = now
                self.ready.set()
            elif said.startswith("WATCHDOG=1") and self.ready.is_set():
                self.silent_s = max(self.silent_s, now - self._alive_at)
                self._alive_at = now


def processes_of(home: Path) -> list[int]:
    """Return the processes, whoever started them, whose data folder this is."""
    wanted, found = f"THROWBACK_HOME={home}".encode(), []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdecimal() and wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found
