"""The failures of the first study, measured: one thing changed at a time, everything else the same.

Every training of a study takes the same number of steps, on drawn pets alone, whose truth is known.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.lab.methods.catalogue import METHODS, load_model_of, training_of
from engine.lab.methods.datasets import held_out_pets, training_pictures
from engine.lab.methods.scoring import Score, score_results
from engine.lab.methods.training_loop import MethodOptions
from engine.stylegan.perceptual import PerceptualDistance


@dataclass(frozen=True, slots=True)
class Trial:
    """One training, and on what it is measured."""

    method: str
    pairs: int = 1000
    aligned: bool = True
    trained_on: str = ""  # as `only` of `training_pictures`
    measured_on: str = ""

    @property
    def folder(self) -> str:
        """Trials that differ only in what they are measured on share it."""
        return f"{self.method}-{self.pairs}-{self.trained_on or 'pets'}{'' if self.aligned else '-unaligned'}"


_METHODS = ("pix2pix", "cyclegan")  # with pairs and without
_SPECIES = ("dog", "cat")

STUDIES: dict[str, tuple[Trial, ...]] = {
    "data": (
        *(Trial("pix2pix", pairs) for pairs in (100, 300, 1000, 10_000)),
        *(Trial("cyclegan", pairs) for pairs in (100, 300)),
    ),
    "alignment": tuple(Trial(method, 300, aligned) for method in _METHODS for aligned in (True, False)),
    "shape": tuple(Trial(method, 300, True, part, part) for method in _METHODS for part in ("coat", "shape")),
    "prior": tuple(Trial("pix2pix", 300, True, learned, measured) for learned in _SPECIES for measured in _SPECIES),
}


def run_study(
    trials: Sequence[Trial],
    out: Path,
    count: int,
    extractor: PerceptualDistance,
    cache: Path | None,
    *,
    steps: int,
    width: int,
) -> Iterator[tuple[Trial, Score]]:
    """Train what has not been trained yet, and measure it on `count` pets."""
    for trial in trials:
        options = MethodOptions(trial.method, width=width, batch=METHODS[trial.method][1], steps=steps)
        folder = out / f"{trial.folder}-{steps}-{width}"
        if not (folder / "training.json").exists():
            pets = training_pictures(trial.pairs, aligned=trial.aligned, only=trial.trained_on, cache=cache)
            training_of(trial.method)(pets, options, folder)
        unseen = held_out_pets(count, aligned=trial.aligned, only=trial.measured_on, cache=cache)
        yield trial, score_results(load_model_of(folder).younger, unseen, extractor)


def study_row(trial: Trial, found: Score) -> list[str]:
    """A row of the table that `STUDY_HEADINGS` begins."""
    faces = "aligned" if trial.aligned else "as taken"
    numbers = (found.gap_mean, found.gap_worst, found.right_change, found.other_change, found.identity)
    settings = [trial.method, f"{trial.pairs:,}", faces, trial.trained_on or "all", trial.measured_on or "all"]
    return [*settings, *(f"{number:.2f}" for number in numbers)]


STUDY_HEADINGS = (
    "method", "pets", "faces", "trained on", "measured on", "gap closed", "worst", "right change", "other change",
    "identity",
)  # fmt: skip
