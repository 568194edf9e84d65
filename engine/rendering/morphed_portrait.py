"""A portrait of two photos whose parts are known: the film leads from the baby photo to today's."""

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

from engine.growth.eyes import mend_flash
from engine.growth.morph import FaceMorph
from engine.images.pixels import Pixels
from engine.images.tensors import to_pixels
from engine.images.warping import resize
from engine.rendering.faces import LOOKS_SIDE, SolvedFace
from engine.rendering.film import FilmSource
from engine.rendering.warped_portrait import WarpedPortrait

_ENDS = (1.0, 0.0)  # ages; between them the pace is even as it is: by how much is seen, the texture's change would last


class MorphedPortrait:
    """Restores the time between two photos of one pet.

    The pictures show the puppy or kitten that today's photo foretells, the film leads from the true one to today.
    """

    @torch.no_grad()
    def __init__(self, pet: SolvedFace, baby: SolvedFace, age_vector: Tensor, age: float) -> None:
        self._predicted = WarpedPortrait(pet, age_vector, age, baby)
        self.window, self.now = self._predicted.window, self._predicted.now
        true = mend_flash(baby.tensor(baby.crop(self.window.side)), baby.growth)
        self.then: Pixels | None = to_pixels(true)
        self._morph = FaceMorph(true, baby.growth, mend_flash(pet.tensor(self.now), pet.growth), pet.growth)

    def draw(self, ages: Sequence[float]) -> Tensor:
        """Draw the ages as the network does: [N, 3, R, R] in -1..1."""
        return self._predicted.draw(ages)

    @torch.no_grad()
    def at(self, age: float) -> Tensor:
        """The pet at `age`, at 1 the baby photo, at 0 today's: [1, 3, S, S] in -1..1."""
        return self._morph.at(min(max(1 - age, 0.0), 1.0))

    def still(self) -> Pixels:
        """The face that today's photo foretells at the portrait's age, [S, S, 3]."""
        return self._predicted.still()

    def whole(self, photo: Image.Image | None = None) -> Image.Image:
        """Today's whole photo with that face."""
        return self._predicted.whole(photo)

    @torch.no_grad()
    def film_source(self) -> FilmSource:
        """The film from the baby photo to today, whatever the portrait's age."""

        @torch.no_grad()
        def show(age: float) -> Tensor:
            return self.window.of(self.at(age))

        return FilmSource(_ENDS, torch.cat([resize(show(age), LOOKS_SIDE) for age in _ENDS]), show)
