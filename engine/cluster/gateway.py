"""Hands requests to the engines of a cluster and their answers back, whatever happens to replicas and machines.

A replica that dies takes what it was working on with it. Those requests begin again elsewhere, one after the other and
alone, so that the next death is of the right one; the request of two deaths fails. What was only on its way begins
again without blame.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Protocol

from engine.errors import EngineError, EngineFault
from engine.messages import (
    Answer,
    Cancel,
    Failure,
    FailureKind,
    Forget,
    Forgotten,
    Progress,
    Rejuvenate,
    Request,
)
from engine.process.client import DIED, FATAL_DEATHS, PORTRAITS
from engine.process.failure_messages import failure_of
from engine.process.wire import Capacity, Message, decode, encode

_AGAIN_S = 0.5  # s before a request is tried again; longer heals later
_LOOK_S = 1.0  # s between two looks at how many engines run; longer fills new ones later

logger = logging.getLogger(__name__)


class ReplicaDied(Exception):
    """The replica died in the midst of this request."""


class NotBegun(Exception):
    """No replica has begun with this request; it may be tried again at once."""


class Engines(Protocol):
    """The engines of a cluster."""

    @property
    def most(self) -> int:
        """How many there may be."""

    async def running(self) -> int:
        """How many run now. Raises `NotBegun` when the cluster cannot be asked."""

    def work(self, frame: bytes, in_turn: bool) -> AsyncIterator[bytes]:
        """Let one of them answer the request in `frame`; yield frames, the answer's last.

        Those `in_turn` are given out one after the other, so that each goes to the engine with the fewest.
        Raises `ReplicaDied`, `NotBegun`, and an `EngineError` for what is to be answered instead.
        """

    async def forget_everywhere(self, frame: bytes) -> list[bytes]:
        """Let each of them answer the `Forget` in `frame`. Raises the same."""


class Gateway:
    """Answers requests through `send`, which takes frames. Lives in one event loop."""

    def __init__(self, engines: Engines, send: Callable[[bytes], object]) -> None:
        self._engines = engines
        self._send = send
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._suspects = asyncio.Lock()  # requests of one death are worked on one after the other

    def submit(self, request: Message) -> None:
        """Hand in a request; a `Cancel` is obeyed at once."""
        if isinstance(request, Cancel):
            if task := self._tasks.pop(request.target, None):
                task.cancel()
                self._send(encode(Failure(request.target, FailureKind.CANCELLED, "cancelled")))
        elif isinstance(request, Request):
            task = asyncio.create_task(self._answer(request))
            self._tasks[request.id] = task
            task.add_done_callback(lambda _: self._tasks.pop(request.id, None))

    async def watch(self) -> None:
        """Tell how many portraits the engines want, whenever that changes. Raises `NotBegun` when they are gone."""
        told: int | None = None
        while True:
            wanted = self._wanted(await self._engines.running())
            if wanted != told:
                told = wanted
                self._send(encode(Capacity(wanted)))
            await asyncio.sleep(_LOOK_S)

    def _wanted(self, running: int) -> int:
        # As long as there may be more engines, twice as many: only a crowd makes the cluster grow.
        return PORTRAITS * running * (2 if running < self._engines.most else 1)

    async def close(self) -> None:
        """Cancel what is being worked on."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, request: Request) -> None:
        answer: Answer
        try:
            answer = await self._persist(request)
        except EngineError as error:
            answer = failure_of(request.id, error)
        except Exception as error:
            logger.error("%s %s failed: %s", type(request).__name__, request.id, type(error).__name__)
            logger.debug("in full", exc_info=True)
            answer = Failure(request.id, FailureKind.FAULT, type(error).__name__)
        self._send(encode(answer))

    async def _persist(self, request: Request) -> Answer:
        """Try until there is an answer, or until two replicas have died of it."""
        deaths = 0
        while True:
            try:
                async with self._suspects if deaths else nullcontext():
                    return await self._try(request)
            except ReplicaDied:
                deaths += 1
                logger.error("a replica died while it worked on %s %s", type(request).__name__, request.id)
                if deaths >= FATAL_DEATHS:
                    raise EngineFault(DIED) from None
                if isinstance(request, Rejuvenate):
                    request = replace(request, alone=True)
                await asyncio.sleep(_AGAIN_S)  # replicas of one machine die together, and that is one death
            except NotBegun as reason:
                logger.debug("%s %s is tried again: %s", type(request).__name__, request.id, reason)
                await asyncio.sleep(_AGAIN_S)

    async def _try(self, request: Request) -> Answer:
        frame = encode(request)
        if isinstance(request, Forget):
            answers = [decode(one) for one in await self._engines.forget_everywhere(frame)]
            return Forgotten(request.id, sum(one.count for one in answers if isinstance(one, Forgotten)))
        answer: Answer | None = None
        try:
            # To its end: only then does the replica count one request less, and may be given the next.
            async for part in self._engines.work(frame, in_turn=isinstance(request, Rejuvenate)):
                message = decode(part)
                if isinstance(message, Progress):
                    self._send(part)
                elif isinstance(message, Answer):
                    answer = message
        except (ReplicaDied, NotBegun):
            if answer is None:
                raise
        # A replica that is being stopped cancels; whoever cancels the request itself cancels this task.
        if answer is not None and not (isinstance(answer, Failure) and answer.kind is FailureKind.CANCELLED):
            return answer
        raise NotBegun("the replica stopped")
