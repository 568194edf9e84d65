"""What the scheduler and the engine's pipeline agree on: a request is worked on as a job, step by step."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.messages import Answer, Request, Stage


class BatchedSearch(Protocol):
    """A search that goes on step by step, alone or in a batch with others (`engine.inversion`)."""

    @property
    def pending(self) -> bool:
        """Whether a step that the job will ask for has not been taken yet."""


@dataclass(frozen=True, slots=True)
class JobStep:
    """What a job yields: it has reached `share` (0..1) of `stage`, and perhaps has a picture (JPEG) to show.

    With `searches`, it asks for the next step of each. Whoever drives the job may take these steps; otherwise the job
    takes them itself. With `in_pool`, its work goes on in other threads between its steps.
    """

    stage: Stage
    share: float
    preview: bytes | None = None
    searches: tuple[BatchedSearch, ...] = ()
    in_pool: bool = False


Job = Generator[JobStep, None, Answer]


class JobExecutor(Protocol):
    """Knows how requests are worked on."""

    def begin(self, request: Request) -> Job:
        """The job that answers `request`. Nothing is computed before its first step. `seconds` are filled in later."""

    def advance(self, searches: Sequence[BatchedSearch]) -> None:
        """Take a step of the first search and all that can share its batch. An error stays with its search."""

    def on_idle(self) -> None:
        """Called when there has been no request for a while."""
