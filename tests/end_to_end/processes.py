"""Starts, stops and kills the real processes: the playground's server, the bot, `throwback playground`."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import IO, Self

ROOT = Path(__file__).parents[2]
WAIT_S = 60.0  # s until a test gives up; for the slowest machine
SCRIPTED_BOT = ("-m", "tests.end_to_end.scripted_bot")
REAL_BOT = ("-m", "bot.cli", "run")


class RunningProcess:
    """A Python process, which `with` stops at the end; its stderr goes to `log`."""

    def __init__(self, arguments: tuple[str, ...], log: Path, **environment: str) -> None:
        self.log = log
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("THROWBACK_")}
        with log.open("ab") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=inherited | environment,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,  # so that a test can tell a whole group of processes to stop
            )

    @property
    def stdout(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def kill(self) -> None:
        """Kill it by SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self, wait_s: float = WAIT_S) -> int:
        """Stop it by SIGTERM, as a service manager does; return the exit status."""
        return self._end(signal.SIGTERM, wait_s)

    def _end(self, number: signal.Signals, wait_s: float = WAIT_S) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(wait_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Telegram(RunningProcess):
    """The playground's server, apart from any bot."""

    def __init__(self, home: Path, *options: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        super().__init__(("-m", "bot.playground.server", "--home", str(home), *options), home / "server.log")
        address = json.loads(self.stdout.readline())
        self.url: str = address["url"]
        self.token: str = address["token"]
        self.network: str = address["network"]

    def bot(self, home: Path, arguments: tuple[str, ...] = SCRIPTED_BOT, **environment: str) -> RunningProcess:
        """Start a bot that uses this Telegram."""
        home.mkdir(parents=True, exist_ok=True)
        return RunningProcess(
            arguments,
            home / "bot.log",
            THROWBACK_TOKEN=self.token,
            THROWBACK_API_URL=self.url,
            THROWBACK_HOME=str(home),
            **environment,
        )


def gone(pid: int) -> bool:
    """Return whether a process has ended; a zombie has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def engine_works(home: Path, wait_s: float = WAIT_S) -> None:
    """Wait until the bot with this data folder has handed its only portrait to the engine."""
    with closing(sqlite3.connect(f"file:{home / 'throwback.sqlite3'}?mode=ro", uri=True)) as rows:
        async with asyncio.timeout(wait_s):
            while rows.execute("SELECT state FROM portraits").fetchall() != [("running",)]:  # noqa: ASYNC110 (rows announce no change)
                await asyncio.sleep(0.05)
