"""Shows on stderr how far something long is."""

import math
import sys
from typing import TextIO

from tqdm import tqdm

_OPEN_ENDED = "{desc} {n_fmt}{unit}, {rate_fmt}{postfix}"
_WITH_TOTAL = "{desc} {bar:30} {percentage:3.0f} %  {n_fmt} of {total_fmt}{unit}, {rate_fmt}{postfix}"


class ProgressBar:
    """A bar that moves on a terminal; elsewhere one line at the end, so that logs stay short.

    Call it with how much is done and, if known, of how much; `close` ends the line. What was done at the first call is
    not counted as speed. `unit` follows the numbers, which get a prefix such as M.
    """

    def __init__(self, label: str, unit: str = "B", stream: TextIO | None = None) -> None:
        self._label, self._unit = label, unit
        self._stream = stream or sys.stderr
        self._bar: tqdm | None = None

    def __call__(self, done: int, total: int | None, note: str = "") -> None:
        if self._bar is None:
            self._bar = self._begin(done, total)
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is None:
            return
        self._bar.close()
        if not self._stream.isatty():
            self._stream.write(f"{self._bar}\n")
            self._stream.flush()

    def _begin(self, done: int, total: int | None) -> tqdm:
        return tqdm(
            desc=self._label,
            initial=done,
            total=total,
            unit=self._unit,
            unit_scale=True,
            bar_format=_OPEN_ENDED if total is None else _WITH_TOTAL,
            file=self._stream,
            delay=0 if self._stream.isatty() else math.inf,  # seconds before anything is shown
            miniters=1,  # else a thread of tqdm's refreshes the bar whatever the delay is
        )
