"""A progress bar on stderr."""

import sys
import time
from typing import TextIO

_WIDTH = 30


class ProgressBar:
    """Shows how far a download is: a bar that moves on a terminal, a line every tenth in a log.

    Call it with the bytes that are here and, where known, of how many; `close` ends the line.
    """

    def __init__(self, label: str, stream: TextIO | None = None) -> None:
        self._label = label
        self._stream = stream or sys.stderr
        self._moves = self._stream.isatty()
        self._begin_s = time.monotonic()
        self._begin_bytes: int | None = None  # what an earlier attempt had brought does not count as speed
        self._shown = -1.0

    def __call__(self, done: int, total: int | None) -> None:
        if self._begin_bytes is None:
            self._begin_bytes = done
        step = done / total if total else done / (64 << 20)
        finished = total is not None and done >= total
        if abs(step - self._shown) < (0.002 if self._moves else 0.1) and not (finished and self._shown != step):
            return
        self._shown = step
        self._stream.write(f"\r{self._line(done, total)}\x1b[K" if self._moves else f"{self._line(done, total)}\n")
        self._stream.flush()

    def close(self) -> None:
        if self._moves and self._shown >= 0:
            self._stream.write("\n")
            self._stream.flush()

    def _line(self, done: int, total: int | None) -> str:
        elapsed_s = time.monotonic() - self._begin_s
        speed = (done - (self._begin_bytes or 0)) / elapsed_s / 1e6 if elapsed_s > 0.5 else 0.0
        ending = f", {speed:.1f} MB/s" if speed else ""
        if not total:
            return f"{self._label} {done / 1e6:.0f} MB{ending}"
        filled = int(_WIDTH * done / total)
        bar = f"{'█' * filled}{'·' * (_WIDTH - filled)} {100 * done / total:3.0f} %"
        return f"{self._label} {bar}  {done / 1e6:.0f} of {total / 1e6:.0f} MB{ending}"
