"""Finding a pet in the latent space of a generator.

A `Projection` searches the latents whose picture is nearest to a photo; a `Lock` then adjusts the network itself, a
little and for this pet alone, until the picture is the photo. `advance` takes a step with many of them as one batch.
`project` and `lock` are generators for one photo that yield once a step, so that progress and cancelling are a matter
of the caller's `for`.
"""

from engine.projection.locking import WITHOUT_GROWTH, Growth, Lock, LockOptions, lock
from engine.projection.projecting import FROM_GUESS, OFFICIAL, Projection, ProjectionOptions, Space, project
from engine.projection.search import Search, Step, advance

__all__ = [
    "FROM_GUESS",
    "OFFICIAL",
    "WITHOUT_GROWTH",
    "Growth",
    "Lock",
    "LockOptions",
    "Projection",
    "ProjectionOptions",
    "Search",
    "Space",
    "Step",
    "advance",
    "lock",
    "project",
]
