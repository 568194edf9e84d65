"""A replica: answers requests on a machine of the cluster through an engine process of its own."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from engine.cluster.release import RELEASE, mismatch
from engine.errors import EngineError
from engine.messages import Answer, Progress, Request
from engine.process.client import COMMAND, EngineClient
from engine.process.failure_messages import failure_of
from engine.process.wire import decode, encode
from engine.settings import EngineSettings, from_environment

# What it keeps of photos ends with the engine process: nothing is left on a machine that cannot be told to forget.
_COMMAND = (*COMMAND, "--forgetful")


class EngineReplica:
    """Runs as an actor of Ray Serve (`engine.cluster.serving`), whose methods it has."""

    def __init__(self, module: str | None = None) -> None:
        """`module` runs instead of the real engine."""
        self._command = (sys.executable, "-m", module) if module else _COMMAND
        self._options: dict[str, Any] = {}
        self._engine: EngineClient | None = None
        self._missed = 0  # looks in a row at which there was no engine process

    async def reconfigure(self, options: dict[str, Any]) -> None:
        """Start the engine. The replica gets no requests before it has loaded its networks."""
        here = from_environment()
        engine = EngineClient(
            EngineSettings(here.home, options["device"], options["network"], options["compiled"], options["cores"]),
            command=self._command,
        )
        await engine.__aenter__()
        with suppress(EngineError):  # whoever asks next is told
            await engine.describe()
        self._options, self._engine = options, engine

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

    async def work_at_once(self, release: str, frame: bytes) -> bytes | str:
        """Answer the request in `frame`, without progress."""
        if release != RELEASE:
            return mismatch(RELEASE, release)
        request = decode_request(frame)
        return encode(await self._answer(request))

    async def check_health(self) -> None:
        """Raise when there has been no engine process for a while; Serve starts another replica then."""
        self._missed = self._missed + 1 if self._engine is None or self._engine.pid is None else 0
        if self._missed > 2:
            raise RuntimeError("the engine process does not start")

    async def _answers(self, request: Request) -> AsyncIterator[Answer]:
        messages: asyncio.Queue[Answer] = asyncio.Queue()

        async def work() -> None:
            messages.put_nowait(await self._answer(request, messages.put_nowait))

        task = asyncio.create_task(work())
        try:
            while True:
                message = await messages.get()
                yield message
                if not isinstance(message, Progress):
                    return
        finally:
            task.cancel()  # the engine stops working on it

    async def _answer(self, request: Request, on_progress: Any = None) -> Answer:
        if self._engine is None:
            raise RuntimeError("asked before it was configured")
        try:
            return await self._engine.answer(request, on_progress)
        except EngineError as error:
            return failure_of(request.id, error)


def decode_request(frame: bytes) -> Request:
    """The request in a frame. Raises `WireError`."""
    message = decode(frame)
    if not isinstance(message, Request):
        raise TypeError(f"{type(message).__name__} is no request")
    return message
