"""Portraits: an inverted photo as pictures and a film at any age, with the photo's own detail.

Which of them is made is decided once, in `portrait_of`. Faces are aligned, S px square
(`PortraitRenderer.window.side`); of stills and films, the window is shown.
"""

from collections.abc import Sequence
from typing import Protocol

from PIL import Image
from torch import Tensor

from engine.images.pixels import Pixels
from engine.rendering.edited_portrait import EditedPortrait, TwoPhotoPortrait
from engine.rendering.faces import PortraitFaces, SolvedFace
from engine.rendering.film import FilmSource
from engine.rendering.large_portrait import LargePortrait
from engine.rendering.morphed_portrait import MorphedPortrait
from engine.rendering.warped_portrait import WarpedPortrait
from engine.vision.cropping import CropWindow


class PortraitRenderer(Protocol):
    """One pet on the way from today to the portrait's age."""

    window: CropWindow  # the part of the face that stills and films show
    now: Pixels  # [S, S, 3], the face in today's photo
    then: Pixels | None  # the same in the baby photo, where there is one

    def draw(self, ages: Sequence[float]) -> Tensor:
        """Draw N ages as the network does: [N, 3, R, R] in -1..1."""

    def at(self, age: float) -> Tensor:
        """The face at `age` with the photo's detail: [1, 3, S, S] in -1..1."""

    def still(self) -> Pixels:
        """The face at the portrait's age, [S, S, 3], of which the window is to be shown."""

    def whole(self, photo: Image.Image | None = None) -> Image.Image:
        """The whole photo with the face at the portrait's age; `photo` is the same one at another size."""

    def film_source(self) -> FilmSource:
        """What the film shows."""


def portrait_of(faces: PortraitFaces, age_vector: Tensor, age: float, *, large: bool = False) -> PortraitRenderer:
    """The portrait at `age`: at 0 it is the photo.

    At 1 it is the puppy or kitten: the pet moved by `age_vector` [num_ws, w_dim] or, with a baby photo, the pet there.
    `large`: the film is larger than usual, where that shows more of the photo.
    """
    pet, baby = faces.pet, faces.baby
    if baby is not None:
        if isinstance(pet, SolvedFace) and isinstance(baby, SolvedFace):
            return MorphedPortrait(pet, baby, age_vector, age)
        return TwoPhotoPortrait(pet, baby, age)
    if isinstance(pet, SolvedFace):
        return (LargePortrait if large else WarpedPortrait)(pet, age_vector, age)
    return EditedPortrait(pet, age_vector, age)
