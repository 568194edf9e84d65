"""Portraits that follow the network's own edit: where growth is not known, and from a baby photo to today."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engine.device import quick_dtype
from engine.growth.flow_detail import FlowDetail
from engine.images.pixels import Pixels
from engine.images.tensors import to_pixels
from engine.images.warping import enlarged
from engine.rendering.faces import InvertedFace, PortraitCrop
from engine.rendering.film import FilmSource
from engine.stylegan.adjustments import blend
from engine.vision.cropping import CropWindow

_CHAIN = 12  # ages between which the motion of the detail is followed


class EditedPortrait:
    """Shows a photo's detail on what the network draws between today and `age`.

    `age_vector` [num_ws, w_dim] leads to the puppy or kitten. It renders one photo whose growth is not known.
    """

    @torch.no_grad()
    def __init__(
        self,
        pet: InvertedFace,
        age_vector: Tensor,
        age: float,
        crop: PortraitCrop | None = None,
        followed_to: float | None = None,
    ) -> None:
        """`followed_to` is the age up to which the detail is followed, by default the portrait's."""
        self._pet, self._direction, self._age = pet, age_vector.to(pet.device), age
        self._crop = crop or PortraitCrop(pet)
        self.window, self.now = self._crop.window, self._crop.now
        self.then: Pixels | None = None
        ages = _chain(age if followed_to is None else followed_to)
        drawn = self.draw(ages)
        self._chain = dict(zip(ages, drawn, strict=True))  # [3, R, R] by age, which rises
        self._detail = FlowDetail(pet.tensor(self.now), drawn, ages)

    @torch.no_grad()
    def draw(self, ages: Sequence[float]) -> Tensor:
        """Draw the ages as the network does: [N, 3, R, R] in -1..1."""
        # One by one: networks with another face template are large.
        return torch.cat([self._draw_at(age) for age in ages])

    def _draw_at(self, age: float) -> Tensor:
        return self._pet.draw([age], self._direction, self._pet.adjustments(age))

    @torch.no_grad()
    def at(self, age: float) -> Tensor:
        """What the network draws at `age` with the photo's detail: [1, 3, S, S] in -1..1."""
        picture = self._picture(age)
        return enlarged(picture, self.window.side) + self._residual(age, picture)

    def _residual(self, age: float, picture: Tensor, window: CropWindow | None = None) -> Tensor:
        """The detail that the picture, enlarged, lacks; with a window only what is seen in it."""
        return self._detail.residual(age, picture, window)

    def still(self) -> Pixels:
        """The face at the portrait's age, [S, S, 3], of which the window is to be shown."""
        return to_pixels(self.at(self._age))

    @torch.no_grad()
    def whole(self, photo: Image.Image | None = None) -> Image.Image:
        """The whole photo with the face at the portrait's age; `photo` is the same one at another size."""
        return self._crop.paste(self.still(), photo)

    def film_source(self) -> FilmSource:
        """The film from today to the portrait's age."""
        return self._source(sorted(self._chain, key=abs))

    def _source(self, ages: Sequence[float]) -> FilmSource:
        @torch.no_grad()
        def show(age: float) -> Tensor:
            picture = self._picture(age)
            soft = self.window.of(enlarged(picture, self.window.side))
            return soft + self._residual(age, picture, self.window)

        return FilmSource(ages, torch.stack([self._chain[age] for age in ages]), show)

    def _picture(self, age: float) -> Tensor:
        """What the network draws at an age, [1, 3, R, R]; drawn only if it is not in the chain."""
        drawn = self._chain.get(age)
        return self.draw([age]) if drawn is None else drawn[None]


class TwoPhotoPortrait(EditedPortrait):
    """Leads from the baby photo, at age 1, to today's photo, at age 0: both faces and their detail are mixed."""

    @torch.no_grad()
    def __init__(self, pet: InvertedFace, baby: InvertedFace, age: float) -> None:
        self._baby = baby  # which is drawn from the beginning
        super().__init__(pet, baby.ws - pet.ws, age, PortraitCrop(pet, baby), followed_to=1.0)
        chain = torch.stack([*self._chain.values()])
        ages = [1.0 - age for age in reversed(self._chain)]
        self.then = baby.crop(self.window.side)
        self._baby_detail = FlowDetail(pet.tensor(self.then), chain.flip(0), ages)

    def _draw_at(self, age: float) -> Tensor:
        mixed = blend(self._pet.adjustments(age), self._baby.adjustments(age - 1.0), age)
        # The detail of two photos makes up for what the quick type costs in precision.
        return self._pet.draw([age], self._direction, mixed, dtype=quick_dtype(self._pet.device))

    def _residual(self, age: float, picture: Tensor, window: CropWindow | None = None) -> Tensor:
        now = self._detail.residual(age, picture, window)
        young = self._baby_detail.residual(1.0 - age, picture, window)
        return torch.lerp(now, young, min(max(age, 0.0), 1.0))

    def film_source(self) -> FilmSource:
        """The film from the baby photo to today, whatever the portrait's age."""
        return self._source(sorted(self._chain, reverse=True))


def _chain(age: float) -> list[float]:
    """`_CHAIN` ages from 0 to `age`, evenly, rising; fewer where they are the same."""
    return sorted({float(one) for one in np.linspace(0.0, age, _CHAIN)})
