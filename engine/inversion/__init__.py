"""Find a pet in the latent space of a generator.

A `Projection` searches the latents whose picture is nearest to a photo. The network itself is then adjusted, a little
and for this pet alone, until the picture is the photo: `solve_feature_offsets` solves for that, a `PivotalTuning`
searches it. `advance` takes a step of many searches as one batch. `project` and `tune` are generators for one photo
that yield after each step, so that a caller can show progress and stop.
"""

from engine.inversion.latents import ENCODER_INITIALISED, OFFICIAL, Projection, ProjectionOptions, Space, project
from engine.inversion.search import Search, SearchStep, advance
from engine.inversion.tuning import PivotalTuning, TuningOptions, solve_feature_offsets, tune

__all__ = [
    "ENCODER_INITIALISED",
    "OFFICIAL",
    "PivotalTuning",
    "Projection",
    "ProjectionOptions",
    "Search",
    "SearchStep",
    "Space",
    "TuningOptions",
    "advance",
    "project",
    "solve_feature_offsets",
    "tune",
]
