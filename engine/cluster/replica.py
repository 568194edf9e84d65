"""A replica: answers requests on a machine of the cluster through an engine process of its own."""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.cluster.release import RELEASE, mismatch
from engine.errors import EngineError
from engine.messages import Answer, Forgotten, Progress, Request
from engine.process.client import COMMAND, EngineClient, OnProgress
from engine.process.failure_messages import failure_of
from engine.process.wire import WireError, decode, encode
from engine.settings import EngineSettings, from_environment

# What it keeps of photos ends with the engine process: nothing is left on a machine that cannot be told to forget.
_COMMAND = (*COMMAND, "--forgetful")
_LOOK_S = 5.0  # s between two looks for new networks
_PROGRESS_S = 1.0  # s between two progress messages of the same stage; each costs the cluster milliseconds

logger = logging.getLogger(__name__)


class EngineReplica:
    """Runs as an actor of Ray Serve (`engine.cluster.serving`), whose methods it has."""

    def __init__(self, module: str | None = None) -> None:
        """`module` runs instead of the real engine."""
        self._command = (sys.executable, "-m", module) if module else _COMMAND
        self._options: dict[str, Any] = {}
        self._home: Path | None = None
        self._engines: list[EngineClient] = []  # the last takes new requests; those before end theirs
        self._missed = 0  # looks in a row at which there was no engine process
        self._tasks: set[asyncio.Task[None]] = set()

    async def home(self) -> Path:
        """The data folder with the networks to use. Raises what the disk raises."""
        return from_environment().home

    async def reconfigure(self, options: dict[str, Any]) -> None:
        """Start the engine. The replica gets no requests before it has loaded its networks."""
        self._options = options
        await self._start(await self.home())
        self._in_background(self._follow())

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self) -> None:
        """Take new networks when there are any; requests are answered meanwhile."""
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                home = await self.home()
                if home != self._home:
                    await self._start(home)
            except Exception as error:
                logger.warning("networks cannot be fetched: %s", type(error).__name__)

    async def _start(self, home: Path) -> None:
        """Start an engine with the networks of `home`, and let it take over from the one before."""
        options = self._options
        engine = EngineClient(
            EngineSettings(home, options["device"], options["network"], options["compiled"], options["cores"]),
            command=self._command,
        )
        await engine.__aenter__()
        with suppress(EngineError):  # whoever asks next is told
            await engine.describe()
        self._home = home
        self._engines.append(engine)
        for before in self._engines[:-1]:
            self._in_background(self._retire(before))

    async def _retire(self, engine: EngineClient) -> None:
        await engine.drain()
        if engine in self._engines:
            self._engines.remove(engine)
            await engine.__aexit__(None, None, None)

    async def greet(self) -> dict[str, Any]:
        """What runs here: its release and its options. Every release has this method."""
        return {"release": RELEASE, "options": self._options}

    async def work(self, release: str, frame: bytes) -> AsyncIterator[bytes | str]:
        """Answer the request in `frame`: nothing to say that it has begun, then frames, the answer's last.

        To another release, a sentence instead.
        """
        yield b""
        if release != RELEASE:
            yield mismatch(RELEASE, release)
            return
        async for message in self._answers(decode_request(frame)):
            yield encode(message)

    async def forget(self, release: str, frame: bytes) -> bytes | str:
        """Answer a `Forget`, also for an engine that is about to end."""
        if release != RELEASE:
            return mismatch(RELEASE, release)
        request = decode_request(frame)
        answers = [await self._answer(request, engine) for engine in self._engines]
        return encode(Forgotten(request.id, sum(one.count for one in answers if isinstance(one, Forgotten))))

    async def check_health(self) -> None:
        """Raise when there has been no engine process for a while; Serve starts another replica then."""
        self._missed = 0 if self._engines and self._engines[-1].pid is not None else self._missed + 1
        if self._missed > 2:
            raise RuntimeError("the engine process does not start")

    async def _answers(self, request: Request) -> AsyncIterator[Answer]:
        messages: asyncio.Queue[Answer] = asyncio.Queue()

        async def work() -> None:
            messages.put_nowait(await self._answer(request, self._engines[-1], thinned(messages.put_nowait)))

        task = asyncio.create_task(work())
        try:
            while True:
                message = await messages.get()
                yield message
                if not isinstance(message, Progress):
                    return
        finally:
            task.cancel()  # the engine stops working on it

    async def _answer(self, request: Request, engine: EngineClient, on_progress: OnProgress | None = None) -> Answer:
        try:
            return await engine.answer(request, on_progress)
        except EngineError as error:
            return failure_of(request.id, error)


def thinned(pass_on: OnProgress) -> OnProgress:
    """Return what passes on every picture and every new stage, and of other progress as much as anybody sees."""
    stage, passed_at = None, 0.0

    def on_progress(progress: Progress) -> None:
        nonlocal stage, passed_at
        now = time.monotonic()
        if progress.preview or progress.stage is not stage or now - passed_at >= _PROGRESS_S:
            stage, passed_at = progress.stage, now
            pass_on(progress)

    return on_progress


def decode_request(frame: bytes) -> Request:
    """The request in a frame. Raises `WireError`."""
    message = decode(frame)
    if not isinstance(message, Request):
        raise WireError(f"{type(message).__name__} is no request")
    return message
