"""Estimates how long a portrait takes from how long its stages took on this machine before."""

import contextlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path

from engine.atomic_file import replacing
from engine.messages import Stage

WORK = tuple(stage for stage in Stage if stage is not Stage.QUEUED)

_NEWEST_SHARE = 0.3  # weight of the newest run in the mean; larger follows a change of the load sooner

Seconds = Mapping[Stage, float]

logger = logging.getLogger(__name__)


class StageTimes:
    """Running means of the stages' seconds by kind of work, kept in `file` if there is one."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._known: dict[str, dict[Stage, float]] = _read(file) if file else {}

    def expected(self, kind: str) -> Seconds | None:
        """Seconds by stage, or None when no run of this kind has been measured."""
        return self._known.get(kind)

    def learn(self, kind: str, seconds: Seconds) -> None:
        """Include a finished run in the means."""
        known = self._known.get(kind)
        taken: dict[Stage, float] = {stage: seconds.get(stage, 0.0) for stage in WORK}
        if known is not None:
            taken = {stage: known[stage] + _NEWEST_SHARE * (taken[stage] - known[stage]) for stage in WORK}
        self._known[kind] = taken
        if self._file is not None:
            _write(self._file, self._known)


class ProgressEstimator:
    """Tells how far one portrait is and how much work is left."""

    def __init__(self, expected: Seconds | None) -> None:
        self._expected = expected
        self._stage: Stage | None = None
        self._share = 0.0  # of the current stage, 0..1
        self.seconds: dict[Stage, float] = dict.fromkeys(WORK, 0.0)
        self.fraction = 0.0  # of the whole, 0..1; never falls

    def advance(self, stage: Stage, share: float, seconds: float) -> None:
        """Note that a step of `seconds` brought the portrait to `share` (0..1) of `stage`."""
        self._stage, self._share = stage, share
        self.seconds[stage] += seconds
        weights = self._expected or dict.fromkeys(WORK, 1.0)
        passed = sum(weights[earlier] for earlier in WORK[: WORK.index(stage)]) + weights[stage] * share
        whole = sum(weights.values())
        self.fraction = max(self.fraction, min(1.0, passed / whole if whole else 0.0))

    def finish(self, seconds: float) -> None:
        """Note that the last step, which returned the answer, took `seconds`."""
        self.seconds[self._stage or WORK[-1]] += seconds

    @property
    def seconds_by_stage(self) -> dict[str, float]:
        """The seconds of work by stage, and ``total``; time spent on others between the steps is not in it."""
        spent = {stage.value: seconds for stage, seconds in self.seconds.items()}
        return spent | {"total": sum(spent.values())}

    @property
    def left_s(self) -> float | None:
        """Seconds of work to come, None as long as nothing like it has been measured."""
        if self._expected is None:
            return None
        if self._stage is None:
            return sum(self._expected.values())
        spent = self.seconds[self._stage]
        # This run tells more than earlier ones, once a fifth of the stage is done.
        stage_s = spent / self._share if self._share > 0.2 else self._expected[self._stage]
        later = sum(self._expected[stage] for stage in WORK[WORK.index(self._stage) + 1 :])
        return max(0.0, stage_s - spent) + later


def _read(file: Path) -> dict[str, dict[Stage, float]]:
    try:
        stored = json.loads(file.read_text())
        return {kind: {stage: float(seconds[stage]) for stage in WORK} for kind, seconds in stored.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        logger.warning("the stages' times cannot be read; they are measured anew")
        return {}


def _write(file: Path, known: Mapping[str, Mapping[Stage, float]]) -> None:
    with contextlib.suppress(OSError), replacing(file) as new:  # a full disk costs an estimate, not a portrait
        new.write_text(json.dumps(known))
