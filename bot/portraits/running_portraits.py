"""The portraits that the engine works on."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from storage import Portrait


@dataclass(slots=True)
class _Running:
    since: float  # by the clock
    portrait: Portrait  # its row, with the message that shows its progress


class RunningPortraits:
    """Remembers since when each portrait runs, and where its progress is shown."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._running: dict[int, _Running] = {}

    def __len__(self) -> int:
        return len(self._running)

    def __contains__(self, id_: int) -> bool:
        return id_ in self._running

    @property
    def ids(self) -> list[int]:
        return list(self._running)

    @property
    def elapsed_s(self) -> list[float]:
        """How long ago each was begun."""
        now = self._clock()
        return [now - one.since for one in self._running.values()]

    def portrait(self, id_: int) -> tuple[Portrait, float]:
        """Return the row, and how many seconds ago it was begun. Raises KeyError when it does not run."""
        running = self._running[id_]
        return running.portrait, self._clock() - running.since

    def add(self, portrait: Portrait) -> None:
        self._running[portrait.id] = _Running(self._clock(), portrait)

    def update(self, portrait: Portrait) -> bool:
        """Show the progress from now on where this row says; False when it does not run."""
        running = self._running.get(portrait.id)
        if running is not None:
            running.portrait = portrait
        return running is not None

    def remove(self, id_: int) -> None:
        self._running.pop(id_, None)
