"""Finding a pet in the latent space of a generator.

A `Projection` searches the latents whose picture is nearest to a photo. The network itself is then adjusted, a little
and for this pet alone, until the picture is the photo: `fit` solves for that, a `PivotalTuning` searches it.
`advance` takes a step with many searches as one batch. `project` and `lock` are generators for one photo that yield
once a step, so that progress and cancelling are a matter of the caller's `for`.
"""

from engine.inversion.latents import FROM_GUESS, OFFICIAL, Projection, ProjectionOptions, Space, project
from engine.inversion.search import Search, SearchStep, advance
from engine.inversion.tuning import PivotalTuning, TuningOptions, fit, lock

__all__ = [
    "FROM_GUESS",
    "OFFICIAL",
    "PivotalTuning",
    "Projection",
    "ProjectionOptions",
    "Search",
    "SearchStep",
    "Space",
    "TuningOptions",
    "advance",
    "fit",
    "lock",
    "project",
]
