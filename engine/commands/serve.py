"""The engine process (`python -m engine serve --fd N`): one thread receives, one works.

It lives as long as whoever started it: when the socket closes, for whatever reason, it ends.
"""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence

from engine import settings
from engine.errors import EngineError, EngineFault
from engine.messages import Request
from engine.process.connection import Connection
from engine.process.eta import StageTimes
from engine.process.malloc import keep_freed_memory
from engine.process.scheduler import BatchedSearch, Job, JobExecutor, Scheduler
from engine.process.scratch import scratch_folder
from engine.process.wire import WireError
from engine.settings import EngineSettings, SettingsError

_PATIENCE_S = 2.0  # for the step being worked on when the other side hangs up

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m engine serve")
    parser.add_argument("--fd", type=int, required=True, help="the inherited socket to speak on")
    descriptor = parser.parse_args(arguments).fd
    try:
        here = settings.from_environment()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with scratch_folder(here.cache / "scratch"):
        serve(descriptor, lambda: _open_workshop(here), StageTimes(here.cache / "pace.json"))
    logging.shutdown()
    os._exit(0)  # the working thread may be in the middle of a long step; nobody waits for its result


def serve(descriptor: int, open_workshop: Callable[[], JobExecutor], pace: StageTimes | None = None) -> None:
    """Answer what comes over the inherited socket `descriptor` until it closes.

    `open_workshop` is called once, on the working thread: it may take a while, and requests wait for it. The working
    thread may still be in the middle of a step when this returns, so the process is to end then.
    """
    # Ctrl-C and an orderly stop go to whoever started us, who then hangs up.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with Connection.inherited(descriptor) as connection:
        scheduler = Scheduler(connection.send, pace)
        work = threading.Thread(target=_work, args=(scheduler, open_workshop), name="work", daemon=True)
        work.start()
        try:
            for message in connection:
                scheduler.submit(message)
        except WireError as error:
            logger.error("hanging up: %s", error)
        scheduler.stop()
        work.join(_PATIENCE_S)


def _work(scheduler: Scheduler, open_workshop: Callable[[], JobExecutor]) -> None:
    workshop: JobExecutor
    try:
        workshop = open_workshop()
    except Exception as error:
        reason = error if isinstance(error, EngineError) else EngineFault(type(error).__name__)
        logger.error("the engine cannot work: %s", reason)
        logger.debug("in full", exc_info=True)
        workshop = _Closed(reason)
    try:
        scheduler.run(workshop)
    except BaseException as error:
        # Without this thread nothing is ever answered again. Whoever started us notices and starts us anew.
        logger.critical("the work ended: %s", type(error).__name__)
        os._exit(1)


class _Closed:
    """What is left when the workshop cannot be opened (a broken installation): everybody is told so."""

    def __init__(self, reason: EngineError) -> None:
        self._reason = reason

    def begin(self, request: Request) -> Job:
        raise self._reason
        yield  # a generator, so that it fails where jobs fail

    def advance(self, searches: Sequence[BatchedSearch]) -> None:
        """Nothing is ever searched here."""

    def on_idle(self) -> None:
        """Nor is anything to be tidied."""


def _open_workshop(here: EngineSettings) -> JobExecutor:
    keep_freed_memory()
    from engine.pipeline import Pipeline  # noqa: PLC0415 - torch is loaded after the greeting, on the working thread

    return Pipeline(here)
