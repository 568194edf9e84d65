"""The bot's end of the engine: starts the process, asks, and keeps every promise when the process dies.

The engine process is a child. It is noticed when it dies, or hangs, and started again, and whatever it held is asked
once more.
The engine announces what it is about to work on (`wire.Working`), so a death is blamed on those requests, which are
made alone from then on; one that was being worked on in two deaths fails, and nobody else's does.
"""

import asyncio
import logging
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from engine.errors import EngineError, EngineFault, EngineStopped, OperatorError, PhotoError, PhotoReason
from engine.messages import (
    Answer,
    Cancel,
    Describe,
    Description,
    Failure,
    FailureKind,
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
from engine.process.wire import VERSION, FrameReader, FrameTooLarge, Hello, Message, WireError, Working, encode
from engine.settings import EngineSettings, from_environment

COMMAND = (sys.executable, "-m", "engine", "serve")

_FATAL_DEATHS = 2  # of one request
_FATAL_STARTS = 3  # in a row, before whoever waits is told
_LONGEST_PAUSE_S = 30.0
_GREETING_S = 60.0  # a busy machine may take long to start a process, but not that long
_SILENCE_S = 600.0  # without anything new while somebody waits; no step takes that long
_STOP_S = 3.0  # the engine ends between two steps; then it is ended

_READ_BYTES = 65_536
_SECRETS = ("THROWBACK_TOKEN", "THROWBACK_WEBHOOK_SECRET")  # none of the engine's business

OnProgress = Callable[[Progress], object]
_Wanted = TypeVar("_Wanted", bound=Answer)

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Held:
    """A request that waits for its answer."""

    request: Request  # under its name on the wire
    frame: bytes
    answer: asyncio.Future[Answer]
    on_progress: OnProgress | None
    since: float  # of the event loop's time
    deaths: int = 0
    fraction: float = 0.0
    told: tuple[Stage, int, float] | None = None  # the last progress


class EngineClient:
    """`async with EngineClient(settings) as engine:` an engine that answers, whatever happens to its process.

    `settings` are handed on to the process; the default is those of this process's environment. `command` is started
    instead of the real engine; it gets ``--fd N`` appended, the socket to speak on (`engine.process.wire`). A process
    that tells nothing new for `silence_s` while somebody waits is taken for one that hangs, and killed.

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
        silence_s: float = _SILENCE_S,
    ) -> None:
        self.pid: int | None = None  # of the engine process, while there is one
        self._command = tuple(command or COMMAND)
        self._settings = settings or from_environment()
        self._silence_s = silence_s
        self._environment = _environment(self._settings, os.environ)
        self._held: dict[str, _Held] = {}
        self._numbers = count(1)
        self._link: _Link | None = None
        self._working: tuple[str, ...] = ()
        self._moved_at = 0.0  # when the process last told something new, of the event loop's time
        self._answered = False
        self._closing = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._supervisor = asyncio.create_task(self._supervise(started), name="engine")
        try:
            await started
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._stop()

    async def recognise(self, photo: bytes) -> Recognition:
        """What is in this photo? `photo` is a file's bytes, of any picture format."""
        return await self._ask(Recognise("recognise", photo), Recognition)

    async def rejuvenate(self, request: Rejuvenate, on_progress: OnProgress | None = None) -> Rejuvenation:
        """Make the pet younger. `on_progress` is called in the event loop; its fraction never falls."""
        return await self._ask(request, Rejuvenation, on_progress)

    async def reimagine(self, request: Reimagine) -> Reimagined:
        """Another age from the kept latent."""
        return await self._ask(request, Reimagined)

    async def describe(self) -> Description:
        """What the engine says of itself."""
        return await self._ask(Describe("describe"), Description)

    async def forget(self, photos: Sequence[str]) -> Forgotten:
        """Drop what the engine keeps of the photos with these sha256 (hex), whether it runs or not."""
        try:
            return await self._ask(Forget("forget", tuple(photos)), Forgotten)
        except EngineError:  # what it had in memory is gone with it; what lies on disk is not
            return Forgotten("forget", await asyncio.to_thread(self._forget_on_disk, photos))

    def _forget_on_disk(self, photos: Sequence[str]) -> int:
        cache = Cache(self._settings.cache / FOLDER)
        return sum(cache.forget(photo) for photo in photos)

    def cancel(self, request_id: str) -> bool:
        """Give up the request with this id: whoever awaits it gets `EngineStopped`. False when there is none."""
        names = [name for name, held in self._held.items() if _id_of(name) == request_id]
        for name in names:
            self._drop(name, EngineStopped("cancelled"))
        return bool(names)

    async def _ask(self, request: Request, kind: type[_Wanted], on_progress: OnProgress | None = None) -> _Wanted:
        if self._supervisor is None or self._closing.is_set():
            raise EngineStopped("the engine is not running")
        # A number of its own: a late answer to a cancelled request never meets its successor of the same id.
        name = f"{request.id}#{next(self._numbers)}"
        named = replace(request, id=name)
        loop = asyncio.get_running_loop()
        held = _Held(named, _frame(named), loop.create_future(), on_progress, loop.time())
        self._held[name] = held
        if self._link is not None:
            self._link.send(held.frame)
        try:
            answer = await held.answer
        except asyncio.CancelledError:
            self._drop(name, EngineStopped("cancelled"))
            raise
        if isinstance(answer, Failure):
            raise _error_of(answer)
        if not isinstance(answer, kind):
            raise EngineFault(f"{type(answer).__name__} instead of {kind.__name__}")
        return replace(answer, id=request.id)

    def _drop(self, name: str, error: EngineError) -> None:
        """Let nobody wait for this request any longer, here and in the engine."""
        held = self._held.pop(name, None)
        if held is None:
            return
        if not held.answer.done():
            held.answer.set_exception(error)
            held.answer.exception()  # seen: whoever awaited it may be gone
        if self._link is not None:
            self._link.send(encode(Cancel(name, target=name)))

    def _take(self, message: Message) -> None:
        """One message from the engine. What belongs to no held request came too late and is dropped."""
        if isinstance(message, Working):
            self._working = message.ids
            self._moves()
        elif isinstance(message, Progress):
            if held := self._held.get(message.id):
                told = message.stage, message.position, message.fraction
                if told != held.told:  # whatever waits for a thread that hangs goes on telling the same
                    held.told = told
                    self._moves()
                held.fraction = max(held.fraction, message.fraction)
                self._report(held, replace(message, id=_id_of(message.id), fraction=held.fraction))
        elif not isinstance(message, Hello | Request):
            self._answered = True
            self._moves()
            if (held := self._held.pop(message.id, None)) and not held.answer.done():
                held.answer.set_result(message)

    def _moves(self) -> None:
        self._moved_at = asyncio.get_running_loop().time()

    def _report(self, held: _Held, progress: Progress) -> None:
        if held.on_progress is None:
            return
        try:
            held.on_progress(progress)
        except Exception as error:
            logger.error("what was called with the progress of %s failed: %s", progress.id, type(error).__name__)

    async def _supervise(self, started: asyncio.Future[None]) -> None:
        """Start the process and wait for its death, again and again until we close."""
        fruitless, unborn = 0, 0
        try:
            while not self._closing.is_set():
                self._answered = False
                greeted = await self._live(started)
                fruitless = 0 if self._answered else fruitless + 1
                unborn = 0 if greeted else unborn + 1
                if unborn >= _FATAL_STARTS:
                    fault = EngineFault("the engine process does not start")
                    self._drop_all(fault)
                    if not started.done():
                        started.set_exception(fault)
                await self._pause(fruitless)
        finally:
            self._closing.set()
            self._drop_all(EngineStopped("the engine is not running"))
            if not started.done():
                started.cancel()

    async def _live(self, started: asyncio.Future[None]) -> bool:
        """One life of the process, from its start to its death. Returns whether it ever spoke with us."""
        try:
            process, link = await self._start()
        except OSError as error:
            logger.error("the engine process could not be started: %s", type(error).__name__)
            return False
        self.pid = process.pid
        closing = asyncio.create_task(self._closing.wait())
        try:
            await _first_of(closing, link.greeted, timeout_s=_GREETING_S)
            if greeted := link.greeted.done() and not link.lost.done():
                logger.info("the engine runs as process %d", process.pid)
                self._link = link
                for held in self._held.values():
                    link.send(held.frame)
                if not started.done():
                    started.set_result(None)
                await self._lost_or_silent(link, closing)
        finally:
            closing.cancel()
            self._link = None
            link.hang_up()
            await _end(process)
            self.pid = None
        if not self._closing.is_set():
            logger.error("the engine process %d ended with status %s", process.pid, process.returncode)
            self._blame()
        return greeted

    async def _lost_or_silent(self, link: "_Link", closing: asyncio.Task[Any]) -> None:
        """Returns when we close, when the process is gone, and when it hangs."""
        self._moves()
        while not (closing.done() or link.lost.done()):
            await _first_of(closing, link.lost, timeout_s=self._silence_s / 10)
            if self._held:
                last = max(self._moved_at, min(held.since for held in self._held.values()))
                if asyncio.get_running_loop().time() - last > self._silence_s:
                    logger.error("the engine process has not moved for %.0f s and is ended", self._silence_s)
                    return

    async def _start(self) -> tuple[Process, "_Link"]:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *self._command,
                    "--fd",
                    str(theirs.fileno()),
                    pass_fds=(theirs.fileno(),),
                    stdin=DEVNULL,
                    stdout=2,  # standard output belongs to whoever reads our JSON
                    env=self._environment,
                    start_new_session=True,  # Ctrl-C in a terminal is for us; the engine ends when we hang up
                )
        except BaseException:
            ours.close()
            raise
        ours.setblocking(False)
        _, link = await asyncio.get_running_loop().create_connection(lambda: _Link(self._take), sock=ours)
        return process, link

    def _blame(self) -> None:
        working, self._working = self._working, ()
        for name in working:
            if held := self._held.get(name):
                held.deaths += 1
                if isinstance(
                    held.request, Rejuvenate
                ):  # those who shared its batch are innocent: the next death tells
                    held.frame = encode(replace(held.request, alone=True))
                logger.error("it was working on %s %s", type(held.request).__name__, _id_of(name))
                if held.deaths >= _FATAL_DEATHS:
                    self._drop(name, EngineFault("the engine process died of it"))

    async def _pause(self, fruitless: int) -> None:
        pause_s = min(_LONGEST_PAUSE_S, 0.25 * 2**fruitless) if fruitless > 1 else 0.0
        try:
            await asyncio.wait_for(self._closing.wait(), pause_s)
        except TimeoutError:
            return

    def _drop_all(self, error: EngineError) -> None:
        for name in list(self._held):
            self._drop(name, error)

    async def _stop(self) -> None:
        self._closing.set()
        self._drop_all(EngineStopped("the engine is being stopped"))
        if self._supervisor is not None:
            await self._supervisor


class _Link(asyncio.Protocol):
    """The connection to one life of the process.

    A protocol rather than a stream: a stream forgets what it has buffered when the connection breaks, and the last
    words before a death say what it died of.
    """

    def __init__(self, take: Callable[[Message], None]) -> None:
        loop = asyncio.get_running_loop()
        self.greeted: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()
        self._take = take
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.send(encode(Hello()))

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._reader.feed(data):
                if not self.greeted.done():
                    self._greet(message)
                else:
                    self._take(message)
        except WireError as error:
            logger.error("the engine process sent nonsense: %s", error)
            self.hang_up()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._read_the_last()
        if not self.lost.done():
            self.lost.set_result(None)
        if not self.greeted.done():
            self.greeted.set_result(None)

    def _read_the_last(self) -> None:
        """Take what the process said before it died: when writing fails first, asyncio reads no more."""
        if self._transport is None:
            return
        with self._transport.get_extra_info("socket").dup() as ours, suppress(OSError):
            while data := ours.recv(_READ_BYTES):
                self.data_received(data)

    def send(self, frame: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame)

    def hang_up(self) -> None:
        """Unsent frames are dropped: nobody is to read them."""
        if self._transport is not None:
            self._transport.abort()

    def _greet(self, message: Message) -> None:
        if not isinstance(message, Hello):
            raise WireError("it did not greet")
        if message.version != VERSION:
            raise WireError(f"it speaks version {message.version}, not {VERSION}")
        self.greeted.set_result(None)


async def _first_of(*awaited: asyncio.Future[Any], timeout_s: float | None = None) -> None:
    await asyncio.wait(awaited, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)


async def _end(process: Process) -> None:
    """See the process off. If need be it is killed; at once, the status of one that is dying already would be lost."""
    try:
        await asyncio.wait_for(process.wait(), _STOP_S)
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


def _id_of(name: str) -> str:
    return name.rpartition("#")[0]


def _error_of(failure: Failure) -> EngineError:
    match failure.kind:
        case FailureKind.PHOTO if failure.reason in set(PhotoReason):
            return PhotoError(PhotoReason(failure.reason), failure.which)
        case FailureKind.CANCELLED:
            return EngineStopped(failure.reason)
        case FailureKind.OPERATOR:
            return OperatorError(failure.reason)
        case _:
            return EngineFault(failure.reason)


def _environment(settings: EngineSettings, inherited: Mapping[str, str]) -> dict[str, str]:
    """The process's environment: the settings, this very package to import, and no secrets."""
    environment = {name: value for name, value in inherited.items() if name not in _SECRETS}
    package_root = str(Path(__file__).parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (package_root, inherited.get("PYTHONPATH"))))
    return environment | {
        "THROWBACK_HOME": str(settings.home),
        "THROWBACK_DEVICE": settings.device,
        "THROWBACK_NETWORK": settings.network,
        "THROWBACK_COMPILE": str(int(settings.compiled)),
    }
