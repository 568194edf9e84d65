"""A portrait of one photo whose parts are known: the photo itself is warped as the face grows."""

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

from engine.device import quick_dtype
from engine.growth.detail import WarpDetail
from engine.images.pixels import Pixels
from engine.images.tensors import to_pixels
from engine.rendering.faces import LOOKS_SIDE, PortraitCrop, SolvedFace
from engine.rendering.film import FilmSource
from engine.stylegan.generator import UNADJUSTED
from engine.vision.cropping import SIDE

_STILL_TIMES = 2  # of the usual size, the largest still: 1024 px
_WHOLE_TIMES = 3  # and the largest face in the whole photo
_PLANNED_AGES = 17  # at which the growth is worked out, that of four months among them; between them it is mixed
_MEASURED_EVERY = 2  # of these ages, at which a picture is drawn to pace the film


class WarpedPortrait:
    """Warps a photo from today to `age`. The `PortraitRenderer` of one photo with known parts.

    `age_vector` [num_ws, w_dim] is the network's own way to the puppy or kitten.
    """

    @torch.no_grad()
    def __init__(self, pet: SolvedFace, age_vector: Tensor, age: float, *others: SolvedFace) -> None:
        """The window is one that the photos of the `others` fill too, where they can."""
        self._pet, self._direction, self._age = pet, age_vector.to(pet.device), age
        self._crop = PortraitCrop(pet, *others)
        self.window, self.now = self._crop.window, self._crop.now
        self.then: Pixels | None = None
        self._detail = pet.detail(self.window.side, self._crop.margin)
        # Crop pixels for one of the photo's: below 1 the photo holds more than the crop.
        self._density = pet.alignment(pet.photo, self.window.side).scale

    @torch.no_grad()
    def draw(self, ages: Sequence[float]) -> Tensor:
        """Draw the ages as the network does, small and without the pet's adjustments: [N, 3, R, R] in -1..1."""
        return self._pet.draw(ages, self._direction, UNADJUSTED, LOOKS_SIDE, quick_dtype(self._pet.device))

    @torch.no_grad()
    def at(self, age: float) -> Tensor:
        """The photo warped to `age`: [1, 3, S, S] in -1..1."""
        return self._detail.frame(age)

    @torch.no_grad()
    def still(self) -> Pixels:
        """The face at the portrait's age, of which the window is to be shown.

        [S, S, 3], or twice as large where the photo holds it.
        """
        return to_pixels(self._detail_of(self._times(_STILL_TIMES))[0].frame(self._age))

    @torch.no_grad()
    def whole(self, photo: Image.Image | None = None) -> Image.Image:
        """The whole photo with the face at the portrait's age; `photo` is the same one at another size."""
        detail, now = self._detail_of(self._times(_WHOLE_TIMES))
        return self._crop.paste(to_pixels(detail.feathered(self._age)), photo, now, feathered=True)

    def _times(self, most: int) -> int:
        """How many times as large as usual the crop must be to hold what the photo does, at most `most`."""
        return max(1, min(most, round(1 / self._density)))

    def _detail_of(self, times: int) -> tuple[WarpDetail, Pixels]:
        """The photo to be warped, and today's face, in a crop so many times as large as usual."""
        margin = self._crop.margin * times
        side = self.window.side * times
        return self._pet.detail(side, margin), self._pet.crop(side, margin)[margin:-margin, margin:-margin]

    @torch.no_grad()
    def film_source(self) -> FilmSource:
        """The film of few plans: what is to be done between two ages lies between what is to be done at these."""
        ages = torch.linspace(0.0, self._age, _PLANNED_AGES).tolist()
        plans = [self._detail.plan(age) for age in ages]

        @torch.no_grad()
        def plan(age: float) -> Tensor:
            position = age / (self._age or 1.0) * (_PLANNED_AGES - 1)
            before = min(max(int(position), 0), _PLANNED_AGES - 2)
            return torch.lerp(plans[before], plans[before + 1], position - before)

        def show(age: float) -> Tensor:
            return self._detail.carried(plan(age), age, self.window)

        in_planes = self._detail.in_planes(self.window)
        small = self._detail.small(self.window, SIDE // LOOKS_SIDE)
        measured = ages[::_MEASURED_EVERY]
        pictures = torch.cat([small(plan(age), age) for age in measured])
        return FilmSource(measured, pictures, show, levels=lambda age: in_planes(plan(age), age))
