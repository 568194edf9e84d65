"""An engine process whose portraits only count, on the real worker and scheduler.

A portrait takes `STEPS` short steps, or as many as a photo `steps …` says. A photo `die …` ends the process by SIGKILL
half-way, every time, or only once when it goes on with the name of a file that then exists. The network it names is
its process.
"""

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from engine.commands.serve import serve
from engine.messages import Description, Film, Recognise, Recognition, Rejuvenate, Rejuvenation, Request, Species
from engine.process.eta import WORK
from engine.process.jobs import BatchedSearch, Job, JobStep

STEPS = 40


class Counting:
    def begin(self, request: Request) -> Job:
        if isinstance(request, Rejuvenate):
            steps = int(request.photo.split()[1]) if request.photo.startswith(b"steps ") else STEPS
            for count in range(steps):
                time.sleep(0.005)
                if count == steps // 2:
                    _die_if(request.photo)
                yield JobStep(WORK[count * len(WORK) // steps], (count % 10 + 1) / 10)
            film, network = Film(b"film", b"", 2, 2, 1.0, 30), f"of {os.getpid()}"
            return Rejuvenation(
                request.id, b"", None, None, film, b"", Species.DOG, "", (), None, network, "cpu", 0.0, steps, {}
            )
        if isinstance(request, Recognise):
            _die_if(request.photo)
            return Recognition(request.id, False, None, (), (), 1, 1)
        return Description(request.id, "cpu", (), "", ())

    def advance(self, searches: Sequence[BatchedSearch]) -> None:
        """These portraits do not search."""

    def on_idle(self) -> None:
        """They leave nothing to tidy."""


def _die_if(photo: bytes) -> None:
    command, _, name = photo.decode().partition(" ")
    if command == "die" and not (name and Path(name).exists()):
        if name:
            Path(name).touch()
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    serve(int(sys.argv[2]), Counting)
