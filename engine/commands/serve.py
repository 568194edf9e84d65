"""Runs the engine process (`python -m engine serve --fd N`): one thread receives requests, one works on them.

It ends when the socket closes, so it never outlives the process that started it.
"""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from engine import settings
from engine.errors import EngineError, EngineFault
from engine.messages import Request
from engine.process.cache import FOLDER
from engine.process.eta import StageTimes
from engine.process.jobs import BatchedSearch, Job, JobExecutor
from engine.process.malloc import keep_freed_memory
from engine.process.scheduler import Scheduler
from engine.process.scratch import scratch_folder
from engine.process.server_connection import ServerConnection
from engine.process.wire import WireError
from engine.settings import EngineSettings, SettingsError

LAST_STEP_S = 2.0  # how long the step in progress may go on when the socket closes; then the process ends anyway

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m engine serve")
    parser.add_argument("--fd", type=int, required=True, help="the inherited socket to speak on")
    parser.add_argument("--forgetful", action="store_true", help="keep nothing of photos after the end")
    args = parser.parse_args(arguments)
    try:
        here = settings.from_environment()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if here.cores is not None:
        os.environ["OMP_NUM_THREADS"] = str(here.cores)  # read when torch is loaded
    with scratch_folder(here.cache / "scratch") as scratch:
        likenesses = scratch / FOLDER if args.forgetful else None
        serve(args.fd, lambda: _make_executor(here, likenesses), StageTimes(here.cache / "pace.json"))
    logging.shutdown()
    os._exit(0)  # the working thread may be in the middle of a long step, whose result nobody awaits


def serve(descriptor: int, make_executor: Callable[[], JobExecutor], stage_times: StageTimes | None = None) -> None:
    """Answer the requests that come over the inherited socket `descriptor`, until it closes.

    `make_executor` is called once, on the working thread: it may take a while, and requests wait for it. The working
    thread may still be in the middle of a step when this returns, so the process should end then.
    """
    # Ctrl-C and SIGTERM are for the process that started this one, which then closes the socket.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with ServerConnection.inherited(descriptor) as connection:
        scheduler = Scheduler(connection.send, stage_times)
        work = threading.Thread(target=_work, args=(scheduler, make_executor), name="work", daemon=True)
        work.start()
        try:
            for message in connection:
                scheduler.submit(message)
        except WireError as error:
            logger.error("hanging up: %s", error)
        scheduler.stop()
        work.join(LAST_STEP_S)


def _work(scheduler: Scheduler, make_executor: Callable[[], JobExecutor]) -> None:
    executor: JobExecutor
    try:
        executor = make_executor()
    except Exception as error:
        reason = error if isinstance(error, EngineError) else EngineFault(type(error).__name__)
        logger.error("the engine cannot work: %s", reason)
        logger.debug("in full", exc_info=True)
        executor = _BrokenExecutor(reason)
    try:
        scheduler.run(executor)
    except BaseException as error:
        # Without this thread nothing is answered any more. The client notices the end and starts another process.
        logger.critical("the working thread ended: %s", type(error).__name__)
        os._exit(1)


class _BrokenExecutor:
    """Answers every request with the reason why no executor could be made (a broken installation)."""

    def __init__(self, reason: EngineError) -> None:
        self._reason = reason

    def begin(self, request: Request) -> Job:
        raise self._reason
        yield  # a generator, so that it fails where jobs fail

    def advance(self, searches: Sequence[BatchedSearch]) -> None:
        """Nothing is searched without an executor."""

    def on_idle(self) -> None:
        """Nothing is kept either."""


def _make_executor(here: EngineSettings, likenesses: Path | None) -> JobExecutor:
    keep_freed_memory()
    from engine.pipeline import Pipeline  # noqa: PLC0415 - torch is loaded after the greeting, on the working thread

    return Pipeline(here, likenesses=likenesses)
