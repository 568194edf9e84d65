"""Client of the engine process: starts it, sends requests, and retries them if it crashes or hangs.

The process is the engine itself or, where the settings name a cluster, a gateway to the engines there
(`engine.cluster.gateway`); which of them makes no difference here.

The engine announces what it is about to work on (`wire.Working`), so a crash is blamed on those requests. They share no
batch from then on, and one that was being worked on in two crashes fails; the others are retried.
"""

import asyncio
import logging
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from types import TracebackType
from typing import Any, Self, TypeVar

from engine.errors import EngineError, EngineFault, EngineStopped, PhotoError, PhotoReason
from engine.messages import (
    Answer,
    Cancel,
    Combine,
    Combined,
    Describe,
    Description,
    Export,
    Exported,
    Failure,
    Forget,
    Forgotten,
    Progress,
    Recognise,
    Recognition,
    Reimagine,
    Reimagined,
    Rejuvenate,
    Rejuvenation,
    Request,
    Stage,
)
from engine.process.cache import FOLDER, Cache
from engine.process.client_connection import ClientConnection
from engine.process.failure_messages import error_of
from engine.process.wire import Capacity, FrameTooLarge, Hello, Message, WireError, Working, encode
from engine.settings import EngineSettings, child_environment, from_environment

COMMAND = (sys.executable, "-m", "engine", "serve")
GATEWAY = (sys.executable, "-m", "engine", "connect")
PORTRAITS = 4  # that an engine is given at once, which it advances as one batch; more need more memory

FATAL_DEATHS = 2  # crashes while one request is worked on, after which it fails; more retry what may crash by chance
DIED = "the engine process died of it"  # a fault's kind

_FATAL_STARTS = 3  # failed starts in a row, after which the requests that wait fail

OnProgress = Callable[[Progress], object]
_Wanted = TypeVar("_Wanted", bound=Answer)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long the client waits for the engine process, in seconds."""

    greeting_s: float = 60.0  # for the first message of a process; a busy machine may take long to start one
    silence_s: float = 600.0  # without progress while a request waits, before a restart; no step takes so long
    stop_s: float = 2.5  # for it to end by itself, before it is killed; it ends between two steps
    longest_pause_s: float = 30.0  # between two starts, after several processes that answered nothing


@dataclass(slots=True)
class _Pending:
    """A request that waits for its answer."""

    request: Request  # with its id on the wire
    frame: bytes
    answer: asyncio.Future[Answer]
    on_progress: OnProgress | None
    since: float  # of the event loop's time
    deaths: int = 0
    fraction: float = 0.0
    reported: tuple[Stage, int, float] | None = None  # the last progress


class EngineClient:
    """`async with EngineClient(settings) as engine:` answers requests, whatever happens to the engine process.

    `settings` are handed on to the process; the default is those of this process's environment. `command` is started
    instead of the real engine; it gets ``--fd N`` appended, the socket to speak on (`engine.process.wire`).

    Every call raises `PhotoError` when the photo cannot be used, `EngineStopped` when the engine is stopped or the
    request cancelled first, `OperatorError` when whoever runs the engine has to mend something, and `EngineFault` for a
    defect of ours. Cancelling the task that awaits an answer cancels the request in the engine. Entering raises
    `EngineFault` when no engine process can be started.
    """

    def __init__(
        self,
        settings: EngineSettings | None = None,
        *,
        command: Sequence[str] | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.pid: int | None = None  # of the engine process, while there is one
        self._settings = settings or from_environment()
        self._command = tuple(command or (GATEWAY if self._settings.cluster else COMMAND))
        self.portraits = 0 if self._settings.cluster else PORTRAITS  # wanted at once; 0 while there is no engine
        self.on_capacity: Callable[[], object] = lambda: None  # called when `portraits` has changed
        self._timeouts = timeouts or Timeouts()
        self._environment = child_environment(os.environ, self._settings)
        self._pending: dict[str, _Pending] = {}
        self._numbers = count(1)
        self._connection: ClientConnection | None = None
        self._working: tuple[str, ...] = ()
        self._progress_at = 0.0  # when the process last sent something new, of the event loop's time
        self._answered = False
        self._closing = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._supervisor = asyncio.create_task(self._supervise(started), name="engine")
        try:
            await started
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.stop()

    async def drain(self) -> None:
        """Wait until every request has its answer."""
        while self._pending:
            await asyncio.wait([pending.answer for pending in self._pending.values()])

    async def recognise(self, photo: bytes) -> Recognition:
        """Find the pets in a photo and their breeds. `photo` is a file's bytes, of any picture format."""
        return await self._ask(Recognise("recognise", photo), Recognition)

    async def rejuvenate(self, request: Rejuvenate, on_progress: OnProgress | None = None) -> Rejuvenation:
        """Make the pet younger. `on_progress` is called in the event loop; its fraction never falls."""
        return await self._ask(request, Rejuvenation, on_progress)

    async def reimagine(self, request: Reimagine) -> Reimagined:
        """Draw the pet at another age from its kept latent."""
        return await self._ask(request, Reimagined)

    async def export(self, request: Export) -> Exported:
        """Make another medium of a portrait, such as a sticker, from its kept latent."""
        return await self._ask(request, Exported)

    async def combine(self, request: Combine) -> Combined:
        """Show all portraits of one photo in it, and on one card."""
        return await self._ask(request, Combined)

    async def describe(self) -> Description:
        """The engine's device, networks and perceptual distance."""
        return await self._ask(Describe("describe"), Description)

    async def forget(self, photos: Sequence[str]) -> Forgotten:
        """Delete what the engine keeps of the photos with these sha256 (hex), whether it runs or not."""
        try:
            return await self._ask(Forget("forget", tuple(photos)), Forgotten)
        except EngineError:  # its memory is gone with it, its files are not
            return Forgotten("forget", await asyncio.to_thread(self._forget_on_disk, photos))

    def _forget_on_disk(self, photos: Sequence[str]) -> int:
        cache = Cache(self._settings.cache / FOLDER)
        return sum(cache.forget(photo) for photo in photos)

    def cancel(self, request_id: str) -> bool:
        """Cancel the request with this id: whoever awaits it gets `EngineStopped`. False when there is none."""
        names = [name for name, pending in self._pending.items() if _request_id(name) == request_id]
        for name in names:
            self._drop(name, EngineStopped("cancelled"))
        return bool(names)

    async def _ask(self, request: Request, kind: type[_Wanted], on_progress: OnProgress | None = None) -> _Wanted:
        answer = await self.answer(request, on_progress)
        if isinstance(answer, Failure):
            raise error_of(answer)
        if not isinstance(answer, kind):
            raise EngineFault(f"{type(answer).__name__} instead of {kind.__name__}")
        return answer

    async def answer(self, request: Request, on_progress: OnProgress | None = None) -> Answer:
        """Answer any request, and be it by a `Failure`."""
        if self._supervisor is None or self._closing.is_set():
            raise EngineStopped("the engine is not running")
        # A number is added to the id: a late answer to a cancelled request must not meet a new one with the same id.
        name = f"{request.id}#{next(self._numbers)}"
        named = replace(request, id=name)
        loop = asyncio.get_running_loop()
        pending = _Pending(named, _frame(named), loop.create_future(), on_progress, loop.time())
        self._pending[name] = pending
        if self._connection is not None:
            self._connection.send(pending.frame)
        try:
            answer = await pending.answer
        except asyncio.CancelledError:
            self._drop(name, EngineStopped("cancelled"))
            raise
        return replace(answer, id=request.id)

    def _drop(self, name: str, error: EngineError) -> None:
        """Fail this request with `error`, and cancel it in the engine."""
        pending = self._pending.pop(name, None)
        if pending is None:
            return
        if not pending.answer.done():
            pending.answer.set_exception(error)
            pending.answer.exception()  # seen: whoever awaited it may be gone
        if self._connection is not None:
            self._connection.send(encode(Cancel(name, target=name)))

    def _receive(self, message: Message) -> None:
        """Handle a message from the engine. Those for requests that wait no more are dropped."""
        if isinstance(message, Working):
            self._working = message.ids
            self._note_progress()
        elif isinstance(message, Capacity):
            self.portraits = message.portraits
            self.on_capacity()
        elif isinstance(message, Progress):
            if pending := self._pending.get(message.id):
                reported = message.stage, message.position, message.fraction
                if reported != pending.reported:  # one that waits for a hanging thread repeats the same
                    pending.reported = reported
                    self._note_progress()
                pending.fraction = max(pending.fraction, message.fraction)
                self._report(pending, replace(message, id=_request_id(message.id), fraction=pending.fraction))
        elif not isinstance(message, Hello | Request):
            self._answered = True
            self._note_progress()
            if (pending := self._pending.pop(message.id, None)) and not pending.answer.done():
                pending.answer.set_result(message)

    def _note_progress(self) -> None:
        self._progress_at = asyncio.get_running_loop().time()

    def _report(self, pending: _Pending, progress: Progress) -> None:
        if pending.on_progress is None:
            return
        try:
            pending.on_progress(progress)
        except Exception as error:
            logger.error("the progress callback of %s failed: %s", progress.id, type(error).__name__)

    async def _supervise(self, started: asyncio.Future[None]) -> None:
        """Run one process after the other until the client closes."""
        without_answer, failed_starts = 0, 0
        try:
            while not self._closing.is_set():
                self._answered = False
                greeted = await self._run_process(started)
                without_answer = 0 if self._answered else without_answer + 1
                failed_starts = 0 if greeted else failed_starts + 1
                if failed_starts >= _FATAL_STARTS:
                    fault = EngineFault("the engine process does not start")
                    self._drop_all(fault)
                    if not started.done():
                        started.set_exception(fault)
                await self._pause(without_answer)
        finally:
            self._closing.set()
            self._drop_all(EngineStopped("the engine is not running"))
            if not started.done():
                started.cancel()

    async def _run_process(self, started: asyncio.Future[None]) -> bool:
        """Run one process from start to end; return whether it ever greeted."""
        try:
            process, connection = await self._start()
        except OSError as error:
            logger.error("the engine process could not be started: %s", type(error).__name__)
            return False
        self.pid = process.pid
        closing = asyncio.create_task(self._closing.wait())
        try:
            await _first_of(closing, connection.greeted, timeout_s=self._timeouts.greeting_s)
            if greeted := connection.greeted.done() and not connection.lost.done():
                logger.info("the engine runs as process %d", process.pid)
                self._connection = connection
                for pending in self._pending.values():
                    connection.send(pending.frame)
                if not started.done():
                    started.set_result(None)
                await self._until_lost_or_silent(connection, closing)
        finally:
            closing.cancel()
            self._connection = None
            if self._settings.cluster:
                self.portraits = 0
                self.on_capacity()
            connection.abort()
            await _end(process, self._timeouts.stop_s)
            self.pid = None
        if not self._closing.is_set():
            logger.error("the engine process %d ended with status %s", process.pid, process.returncode)
            self._blame_crash()
        return greeted

    async def _until_lost_or_silent(self, connection: ClientConnection, closing: asyncio.Task[Any]) -> None:
        """Return when the client closes, or when the process is gone or hangs."""
        self._note_progress()
        while not (closing.done() or connection.lost.done()):
            await _first_of(closing, connection.lost, timeout_s=self._timeouts.silence_s / 10)
            if self._pending:
                last = max(self._progress_at, min(pending.since for pending in self._pending.values()))
                if asyncio.get_running_loop().time() - last > self._timeouts.silence_s:
                    logger.error("no progress from the engine for %.0f s; restarting it", self._timeouts.silence_s)
                    return

    async def _start(self) -> tuple[Process, ClientConnection]:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *self._command,
                    "--fd",
                    str(theirs.fileno()),
                    pass_fds=(theirs.fileno(),),
                    stdin=DEVNULL,
                    stdout=2,  # a command's standard output is JSON alone
                    env=self._environment,
                    start_new_session=True,  # Ctrl-C is for the client; the engine ends when the socket closes
                )
        except BaseException:
            ours.close()
            raise
        ours.setblocking(False)
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: ClientConnection(self._receive), sock=ours
        )
        return process, connection

    def _blame_crash(self) -> None:
        working, self._working = self._working, ()
        for name in working:
            if pending := self._pending.get(name):
                pending.deaths += 1
                # It shares no batch from now on, so that another crash is its own for certain.
                if isinstance(pending.request, Rejuvenate):
                    pending.frame = encode(replace(pending.request, alone=True))
                logger.error("it was working on %s %s", type(pending.request).__name__, _request_id(name))
                if pending.deaths >= FATAL_DEATHS:
                    self._drop(name, EngineFault(DIED))

    async def _pause(self, without_answer: int) -> None:
        pause_s = min(self._timeouts.longest_pause_s, 0.25 * 2**without_answer) if without_answer > 1 else 0.0
        try:
            await asyncio.wait_for(self._closing.wait(), pause_s)
        except TimeoutError:
            return

    def _drop_all(self, error: EngineError) -> None:
        for name in list(self._pending):
            self._drop(name, error)

    async def stop(self) -> None:
        """End the process and whatever it works on, before the context is left, which does so too."""
        self._closing.set()
        self._drop_all(EngineStopped("the engine is being stopped"))
        if self._supervisor is not None:
            await self._supervisor


async def _first_of(*awaited: asyncio.Future[Any], timeout_s: float | None = None) -> None:
    await asyncio.wait(awaited, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)


async def _end(process: Process, timeout_s: float) -> None:
    """Wait for the process to end, and kill it if it does not: killed at once, the status of a crash would be lost."""
    try:
        await asyncio.wait_for(process.wait(), timeout_s)
    except TimeoutError:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _frame(request: Request) -> bytes:
    try:
        return encode(request)
    except FrameTooLarge:
        raise PhotoError(PhotoReason.TOO_LARGE) from None
    except WireError as error:
        raise EngineFault(str(error)) from None


def _request_id(name: str) -> str:
    return name.rpartition("#")[0]
