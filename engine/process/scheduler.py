"""Who is served next: short requests at once, between two steps of the long ones; those as they came.

A request is worked on as a job, a generator that yields after every step and returns its answer. A job whose next step
is one of searches yields these, one for each of its photos, and the searches of all portraits take their steps as one
batch: newcomers join at the next step, those who are done leave. One thread works (`Scheduler.run`), others hand in
(`submit`).
"""

import contextlib
import logging
import queue
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from engine.errors import EngineFault, EngineStopped, OperatorError, PhotoError
from engine.messages import (
    Answer,
    Cancel,
    Describe,
    Failure,
    FailureKind,
    Forget,
    Progress,
    Recognise,
    Reimagine,
    Reimagined,
    Rejuvenate,
    Rejuvenation,
    Request,
    Stage,
)
from engine.process.eta import ProgressEstimator, StageTimes
from engine.process.wire import Message, WireError, Working

SLOTS = 8  # portraits that are worked on at the same time, and searches in a batch

IDLE_AFTER_S = 60.0  # without a message and without work, before the workshop may rest
PROGRESS_INTERVAL_S = 0.2  # between two progress messages of the same stage
FATAL_ERROR_TYPES = (
    "AcceleratorError",
)  # torch's, by name: after an illegal access, say, the device takes no work any more

logger = logging.getLogger(__name__)


class BatchedSearch(Protocol):
    """Something that goes on step by step, alone or in company (`engine.inversion`)."""

    @property
    def pending(self) -> bool:
        """A step has not been taken that the job will ask for."""


@dataclass(frozen=True, slots=True)
class JobStep:
    """What a job yields: it has come to `share` (0..1) of `stage`, and perhaps has a picture (JPEG) to show.

    With `searches`, it asks for the next step of each. Whoever drives the job may see to them; else the job does so
    itself. What goes on `in_pool` does so in other threads, between the job's steps too.
    """

    stage: Stage
    share: float
    preview: bytes | None = None
    searches: tuple[BatchedSearch, ...] = ()
    in_pool: bool = False


Job = Generator[JobStep, None, Answer]


class JobExecutor(Protocol):
    """Whoever knows how the work is done."""

    def begin(self, request: Request) -> Job:
        """The job that answers `request`. Nothing is computed before its first step. `seconds` are filled in later."""

    def advance(self, searches: Sequence[BatchedSearch]) -> None:
        """Take a step of the first search and all that can share its batch. An error stays with its search."""

    def on_idle(self) -> None:
        """Nobody has wanted anything for a while."""


@dataclass(slots=True, eq=False)
class _Task:
    request: Request
    job: Job
    estimator: ProgressEstimator
    stage: Stage = Stage.QUEUED
    position: int = -1  # as last told
    told_at: float = 0.0
    searches: tuple[BatchedSearch, ...] = ()  # whose next steps the job has asked for
    shared_s: float = 0.0  # its part of the batches it had a step in since
    in_pool_since: float | None = None  # when it last said that it goes on aside

    @property
    def id(self) -> str:
        return self.request.id

    @property
    def pending(self) -> list[BatchedSearch]:
        return [search for search in self.searches if search.pending]


_URGENCY: dict[type, int] = {Describe: 0, Forget: 0, Recognise: 0, Reimagine: 1}  # someone watches the screen


class Scheduler:
    """Answers requests through `send`, one step at a time. `stage_times` remembers how long the stages took."""

    def __init__(
        self,
        send: Callable[[Message], None],
        stage_times: StageTimes | None = None,
        slots: int = SLOTS,
        idle_after_s: float = IDLE_AFTER_S,
    ) -> None:
        self._send = send
        self._stage_times = stage_times or StageTimes()
        self._slots, self._idle_after_s = slots, idle_after_s
        self._inbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._short: list[_Task] = []  # most urgent first
        self._long: list[_Task] = []  # the first `slots` of them take turns, the others wait
        self._announced: tuple[str, ...] = ()
        self._stopping = False

    def submit(self, message: Message) -> None:
        """Hand in a request. Safe from any thread."""
        self._inbox.put(message)

    def stop(self) -> None:
        """Let `run` return after the step it is at. Safe from any thread."""
        self._stopping = True
        self._inbox.put(None)

    def run(self, executor: JobExecutor) -> None:
        """Work until stopped. What is unfinished then is closed and stays unanswered.

        Raises what no later step can do without: the process is to begin anew.
        """
        while not self._stopping:
            self._receive(executor)
            if self._short:
                self._advance(self._short[0])
            elif self._long:
                task = self._long[0]
                self._search(task, executor)
                self._advance(task)
                self._rotate(task)
        for task in self._short + self._long:
            _close(task)

    @property
    def _working(self) -> list[_Task]:
        return self._long[: self._slots]

    def _rotate(self, task: _Task) -> None:
        """The other portraits being worked on come before this one's next step."""
        if task in self._long:
            self._long.remove(task)
            self._long.insert(self._slots - 1, task)

    def _receive(self, executor: JobExecutor) -> None:
        """Take in all that has arrived; with nothing to do, wait for something."""
        if not (self._short or self._long):
            self._announce()
            self._take(self._awaited(executor), executor)
        with contextlib.suppress(queue.Empty):
            while True:
                self._take(self._inbox.get(block=False), executor)
        self._tell_positions()

    def _awaited(self, executor: JobExecutor) -> Message | None:
        """What arrives next; after a while without anything, the workshop rests until then."""
        with contextlib.suppress(queue.Empty):
            return self._inbox.get(timeout=self._idle_after_s)
        executor.on_idle()
        return self._inbox.get()

    def _take(self, message: Message | None, executor: JobExecutor) -> None:
        if isinstance(message, Cancel):
            for task in self._short + self._long:
                if task.id == message.target:
                    _close(task)
                    self._finish(task, Failure(task.id, FailureKind.CANCELLED, "cancelled"))
        elif isinstance(message, Request):
            task = _Task(
                message, executor.begin(message), ProgressEstimator(self._stage_times.expected(_kind(message)))
            )
            if isinstance(message, Rejuvenate):
                self._long.append(task)
            else:
                self._short.append(task)
                self._short.sort(key=lambda one: _URGENCY[type(one.request)])

    def _search(self, task: _Task, executor: JobExecutor) -> None:
        """Take the steps that `task` asks for, with all who have a slot and whose searches can share the batch."""
        if not task.pending:
            return
        asking = [(one, search) for one in self._batch_mates(task) for search in one.pending]
        # No more, or two photos a portrait would take twice the memory and keep others waiting twice as long.
        asked = asking[: self._slots]
        self._announce(*(one for one, _ in asked))
        began = time.monotonic()
        executor.advance([search for _, search in asked])
        moved = [one for one, search in asked if not search.pending]
        for one in moved:
            one.shared_s += (time.monotonic() - began) / len(moved)

    def _batch_mates(self, task: _Task) -> list[_Task]:
        """`task` and those of the others being worked on that ask for a step and may share a batch with it."""
        others = [one for one in self._working if one is not task and one.pending]
        return [task, *([] if _alone(task) else [one for one in others if not _alone(one)])]

    def _advance(self, task: _Task) -> None:
        self._announce(task)
        began = time.monotonic()
        try:
            step = next(task.job)
        except StopIteration as end:
            task.estimator.finish(self._cost(task, began))
            self._finish(task, self._accounted(task, end.value))
        except Exception as error:
            self._finish(task, _failure(task.request, error))
            if type(error).__name__ in FATAL_ERROR_TYPES:
                raise
        else:
            task.estimator.advance(step.stage, step.share, self._cost(task, began))
            now = time.monotonic()
            task.searches, task.shared_s = step.searches, 0.0
            task.in_pool_since = now if step.in_pool else None
            if step.searches and task in self._short:  # a search is no short work: it takes turns with others
                self._short.remove(task)
                self._long.append(task)
            if task in self._long and (
                step.stage is not task.stage or step.preview or now - task.told_at >= PROGRESS_INTERVAL_S
            ):
                task.stage, task.told_at = step.stage, now
                self._tell(task, Progress(task.id, step.stage, task.estimator.fraction, preview=step.preview))

    def _cost(self, task: _Task, began: float) -> float:
        """Seconds that `task` has had, of its own, since its last step.

        Work aside is nobody's to measure: all who are worked on have equal parts of the time.
        """
        now = time.monotonic()
        if task.in_pool_since is not None and task in self._long:
            return (now - task.in_pool_since) / len(self._working)
        return now - began + task.shared_s

    def _accounted(self, task: _Task, answer: Answer) -> Answer:
        """The answer with the seconds that it took, from which later estimates are made."""
        if isinstance(answer, Rejuvenation):
            # Without steps a portrait came from the cache; that says nothing of the next one.
            if answer.steps:
                self._stage_times.learn(_kind(task.request), task.estimator.seconds)
            return replace(answer, seconds=task.estimator.seconds_by_stage)
        if isinstance(answer, Reimagined):
            return replace(answer, seconds=task.estimator.seconds_by_stage)
        return answer

    def _finish(self, task: _Task, answer: Answer) -> None:
        (self._long if task in self._long else self._short).remove(task)
        try:
            self._send(answer)
        except WireError as error:
            self._send(_failure(task.request, error))

    def _announce(self, *tasks: _Task) -> None:
        """Say who is worked on now: these, and those whose work goes on aside."""
        in_pool = [one for one in self._working if one.in_pool_since is not None]
        ids = tuple(dict.fromkeys(one.id for one in (*tasks, *(in_pool if tasks else ()))))
        if ids != self._announced:
            self._announced = ids
            self._send(Working(ids))

    def _tell_positions(self) -> None:
        for position, task in enumerate(self._long):
            if position >= self._slots and position != task.position:
                task.position = position
                self._tell(task, Progress(task.id, Stage.QUEUED, 0.0, position=position))

    def _tell(self, task: _Task, progress: Progress) -> None:
        self._send(replace(progress, eta_s=self._eta_s(task)))

    def _eta_s(self, task: _Task) -> float | None:
        """Seconds until `task` is done. Those with a slot share the time; those who wait have all others' before it."""
        own = task.estimator.left_s
        before = [other.estimator.left_s for other in self._long[: self._long.index(task)]]
        if task in self._working:
            others = [other.estimator.left_s for other in self._working if other is not task]
            return None if own is None else own + sum(own if left is None else min(own, left) for left in others)
        return None if own is None or None in before else own + sum(left for left in before if left is not None)


def _alone(task: _Task) -> bool:
    return isinstance(task.request, Rejuvenate) and task.request.alone


def _close(task: _Task) -> None:
    try:
        task.job.close()
    except Exception as error:
        _failure(task.request, error)


def _kind(request: Request) -> str:
    """Requests of one kind take about the same time."""
    if isinstance(request, Rejuvenate):
        return f"{request.network or 'any'}, {'two photos' if request.baby_photo else 'one photo'}"
    return type(request).__name__


def _failure(request: Request, error: Exception) -> Failure:
    """What to answer; what is unforeseen is logged."""
    if isinstance(error, PhotoError):
        return Failure(request.id, FailureKind.PHOTO, error.reason.value, error.which)
    if isinstance(error, EngineStopped):
        return Failure(request.id, FailureKind.CANCELLED, str(error))
    if isinstance(error, OperatorError):
        logger.error("%s %s failed: %s", type(request).__name__, request.id, error.sentence)
        return Failure(request.id, FailureKind.OPERATOR, error.sentence)
    # Messages of unforeseen errors may name files or show what was in them; the place in our code says enough.
    places = [f"{Path(at.filename).name}:{at.lineno}" for at in traceback.extract_tb(error.__traceback__)]
    logger.error(
        "%s %s failed: %s at %s", type(request).__name__, request.id, type(error).__name__, " < ".join(places[:-4:-1])
    )
    kind = error.kind if isinstance(error, EngineFault) else type(error).__name__
    return Failure(request.id, FailureKind.FAULT, kind)
