"""Find a pet in the latent space of a generator.

A `Projection` searches the latents whose picture is nearest to a photo. The network itself is then adjusted, a little
and for this pet alone, until the picture is the photo: `solve_feature_offsets` solves for that, a `PivotalTuning`
searches it. `advance` takes a step of many searches as one batch; `Search.run` is a generator for one of them alone,
so that a caller can show progress and stop.
"""

from engine.inversion.latents import ENCODER_INITIALISED, OFFICIAL, Projection, ProjectionOptions, Space
from engine.inversion.search import Search, SearchStep, advance
from engine.inversion.tuning import PivotalTuning, TuningOptions, solve_feature_offsets

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
    "solve_feature_offsets",
]
