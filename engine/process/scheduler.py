"""Decides which request has the next step: short requests at once, between two steps of the long ones.

A request is worked on as a job, a generator that yields after every step and returns its answer. When the next step of
jobs is one of searches, they yield these, one for each of their photos, and the searches of all portraits take their
steps as one batch: new ones join at the next step, finished ones leave. One thread works (`Scheduler.run`); any thread
may `submit`.
"""

import contextlib
import logging
import queue
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import EngineFault, EngineStopped, OperatorError, PhotoError
from engine.messages import (
    Answer,
    Cancel,
    Combine,
    Combined,
    Describe,
    Export,
    Exported,
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
from engine.process.failure_messages import failure_of
from engine.process.jobs import BatchedSearch, Job, JobExecutor
from engine.process.wire import Message, WireError, Working

SLOTS = 8  # portraits worked on at the same time, and searches in a batch; more need more memory and end later

IDLE_AFTER_S = 60.0  # s without a request, after which the executor is told; shorter gives memory back more often
PROGRESS_INTERVAL_S = 0.2  # s between two progress messages of the same stage; shorter moves the bars more often
# Errors of torch, by name, after which the device takes no more work (after an illegal access, say).
FATAL_ERROR_TYPES = ("AcceleratorError",)

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Task:
    request: Request
    job: Job
    estimator: ProgressEstimator
    stage: Stage = Stage.QUEUED
    position: int = -1  # as last reported
    reported_at: float = 0.0
    searches: tuple[BatchedSearch, ...] = ()  # whose next steps the job has asked for
    shared_s: float = 0.0  # its part of the time of the batches it had a step in since
    in_pool_since: float | None = None  # when it last yielded that its work goes on in a pool

    @property
    def id(self) -> str:
        return self.request.id

    @property
    def pending(self) -> list[BatchedSearch]:
        return [search for search in self.searches if search.pending]


_PRIORITY: dict[type, int] = {
    Describe: 0,
    Forget: 0,
    Recognise: 0,
    Reimagine: 1,
    Combine: 2,
    Export: 2,
}  # someone is watching


class Scheduler:
    """Answers requests through `send`, one step at a time. `stage_times` keeps how long the stages took."""

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
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._short: list[_Task] = []  # most urgent first
        self._long: list[_Task] = []  # the first `slots` of them run by turns, the others wait
        self._announced: tuple[str, ...] = ()
        self._stopping = False

    def submit(self, message: Message) -> None:
        """Hand in a request. Safe from any thread."""
        self._messages.put(message)

    def stop(self) -> None:
        """Let `run` return after the step it is at. Safe from any thread."""
        self._stopping = True
        self._messages.put(None)

    def run(self, executor: JobExecutor) -> None:
        """Work until stopped. Jobs that are not finished then are closed and stay unanswered.

        Raises the errors after which no later step can succeed: the process has to be restarted.
        """
        while not self._stopping:
            self._receive(executor)
            if self._short:
                self._advance(self._short[0])
            elif self._long:
                task = self._long[0]
                self._take_search_steps(task, executor)
                self._advance(task)
                self._rotate(task)
        for task in self._short + self._long:
            _close(task)

    @property
    def _running(self) -> list[_Task]:
        return self._long[: self._slots]

    def _rotate(self, task: _Task) -> None:
        """Let the other running portraits have their next step before this one's."""
        if task in self._long:
            self._long.remove(task)
            self._long.insert(self._slots - 1, task)

    def _receive(self, executor: JobExecutor) -> None:
        """Accept all messages that have arrived; with nothing to do, wait for one."""
        if not (self._short or self._long):
            self._announce()
            self._accept(self._wait_for_message(executor), executor)
        with contextlib.suppress(queue.Empty):
            while True:
                self._accept(self._messages.get(block=False), executor)
        self._report_positions()

    def _wait_for_message(self, executor: JobExecutor) -> Message | None:
        """The next message; the executor is told when none arrives for a while."""
        with contextlib.suppress(queue.Empty):
            return self._messages.get(timeout=self._idle_after_s)
        executor.on_idle()
        return self._messages.get()

    def _accept(self, message: Message | None, executor: JobExecutor) -> None:
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
                self._short.sort(key=lambda one: _PRIORITY[type(one.request)])

    def _take_search_steps(self, task: _Task, executor: JobExecutor) -> None:
        """Take the steps that `task` asks for, together with those of all that can share its batch."""
        if not task.pending:
            return
        asking = [(one, search) for one in self._batch_mates(task) for search in one.pending]
        # No more than this: portraits of two photos would take twice the memory, and others wait twice as long.
        asked = asking[: self._slots]
        self._announce(*(one for one, _ in asked))
        began = time.monotonic()
        executor.advance([search for _, search in asked])
        moved = [one for one, search in asked if not search.pending]
        for one in moved:
            one.shared_s += (time.monotonic() - began) / len(moved)

    def _batch_mates(self, task: _Task) -> list[_Task]:
        """`task` and the other running ones that ask for a step and may share a batch with it."""
        others = [one for one in self._running if one is not task and one.pending]
        return [task, *([] if _is_alone(task) else [one for one in others if not _is_alone(one)])]

    def _advance(self, task: _Task) -> None:
        self._announce(task)
        began = time.monotonic()
        try:
            step = next(task.job)
        except StopIteration as end:
            task.estimator.finish(self._seconds_since_step(task, began))
            self._finish(task, self._with_seconds(task, end.value))
        except Exception as error:
            self._finish(task, _failure(task.request, error))
            if type(error).__name__ in FATAL_ERROR_TYPES:
                raise
        else:
            task.estimator.advance(step.stage, step.share, self._seconds_since_step(task, began))
            now = time.monotonic()
            task.searches, task.shared_s = step.searches, 0.0
            task.in_pool_since = now if step.in_pool else None
            if step.searches and task in self._short:  # a search is no short work: it takes turns with others
                self._short.remove(task)
                self._long.append(task)
            if task in self._long and (
                step.stage is not task.stage or step.preview or now - task.reported_at >= PROGRESS_INTERVAL_S
            ):
                task.stage, task.reported_at = step.stage, now
                self._report(task, Progress(task.id, step.stage, task.estimator.fraction, preview=step.preview))

    def _seconds_since_step(self, task: _Task, began: float) -> float:
        """Seconds of work spent on `task` since its last step.

        Work in a pool cannot be measured by task: all running tasks are given equal parts of the time.
        """
        now = time.monotonic()
        if task.in_pool_since is not None and task in self._long:
            return (now - task.in_pool_since) / len(self._running)
        return now - began + task.shared_s

    def _with_seconds(self, task: _Task, answer: Answer) -> Answer:
        """The answer with the seconds it took by stage; a portrait's are kept for later estimates."""
        # Without steps the inversion came from the cache, which says nothing about the next portrait.
        if isinstance(answer, Rejuvenation) and answer.steps:
            self._stage_times.learn(_kind(task.request), task.estimator.seconds)
        if isinstance(answer, Rejuvenation | Reimagined | Exported | Combined):
            return replace(answer, seconds=task.estimator.seconds_by_stage)
        return answer

    def _finish(self, task: _Task, answer: Answer) -> None:
        (self._long if task in self._long else self._short).remove(task)
        try:
            self._send(answer)
        except WireError as error:
            self._send(_failure(task.request, error))

    def _announce(self, *tasks: _Task) -> None:
        """Tell the client which requests are worked on now: these, and those whose work goes on in a pool."""
        in_pool = [one for one in self._running if one.in_pool_since is not None]
        ids = tuple(dict.fromkeys(one.id for one in (*tasks, *(in_pool if tasks else ()))))
        if ids != self._announced:
            self._announced = ids
            self._send(Working(ids))

    def _report_positions(self) -> None:
        for position, task in enumerate(self._long):
            if position >= self._slots and position != task.position:
                task.position = position
                self._report(task, Progress(task.id, Stage.QUEUED, 0.0, position=position))

    def _report(self, task: _Task, progress: Progress) -> None:
        self._send(replace(progress, eta_s=self._eta_s(task)))

    def _eta_s(self, task: _Task) -> float | None:
        """Seconds until `task` is done. Running tasks share the time; a queued one has to wait for all before it."""
        own = task.estimator.left_s
        before = [other.estimator.left_s for other in self._long[: self._long.index(task)]]
        if task in self._running:
            others = [other.estimator.left_s for other in self._running if other is not task]
            return None if own is None else own + sum(own if left is None else min(own, left) for left in others)
        return None if own is None or None in before else own + sum(left for left in before if left is not None)


def _is_alone(task: _Task) -> bool:
    return isinstance(task.request, Rejuvenate) and task.request.alone


def _close(task: _Task) -> None:
    try:
        task.job.close()
    except Exception as error:
        _failure(task.request, error)


def _kind(request: Request) -> str:
    """A name for requests that take about the same time."""
    if isinstance(request, Rejuvenate):
        return f"{request.network or 'any'}, {'two photos' if request.baby_photo else 'one photo'}"
    return type(request).__name__


def _failure(request: Request, error: Exception) -> Failure:
    """What to answer after this error; unforeseen ones are logged."""
    if isinstance(error, OperatorError):
        logger.error("%s %s failed: %s", type(request).__name__, request.id, error.sentence)
    if isinstance(error, PhotoError | EngineStopped | OperatorError):
        return failure_of(request.id, error)
    # The text of an unforeseen error may name files or quote what is in them; the place in our code says enough.
    places = [f"{Path(at.filename).name}:{at.lineno}" for at in traceback.extract_tb(error.__traceback__)]
    logger.error(
        "%s %s failed: %s at %s", type(request).__name__, request.id, type(error).__name__, " < ".join(places[:-4:-1])
    )
    kind = error.kind if isinstance(error, EngineFault) else type(error).__name__
    return Failure(request.id, FailureKind.FAULT, kind)
