"""A portrait of one photo whose landmarks are known: the photo itself is warped as the face grows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from PIL import Image
from torch import Tensor

from engine.device import quick_dtype
from engine.growth.detail import WarpDetail
from engine.growth.eyes import blue_shift
from engine.growth.landmarks import Landmarks
from engine.growth.warp import coat_mask, flow, head_mask
from engine.images.tensors import to_pixels
from engine.rendering.faces import LOOKS_SIDE, PortraitCrop, SolvedFace
from engine.rendering.film import FilmSource
from engine.stylegan.generator import UNADJUSTED
from engine.vision.alignment import Pixels

_PLANNED_AGES = 8  # drawn along a film; the plans between are those around, cross-faded


class WarpedPortrait:
    """Warps a photo from today to `age` and lets the network tell how the coat and the light change.

    `age_vector` [num_ws, w_dim] leads to the puppy or kitten. The `Portrait` of one photo with known landmarks.
    """

    @torch.no_grad()
    def __init__(self, pet: SolvedFace, age_vector: Tensor, age: float) -> None:
        self._pet, self._direction, self._age = pet, age_vector.to(pet.device), age
        self._crop = PortraitCrop(pet)
        self.window, self.now = self._crop.window, self._crop.now
        self._detail = self._detail_from(self.draw([0.0]))

    def _detail_from(self, now: Tensor) -> WarpDetail:
        """`now` [1, 3, R, R] is what the network draws at age 0."""
        growth = _LandmarkGrowth(self._pet.landmarks, self._pet.kitten_eyes)
        return WarpDetail(self._pet.tensor(self._crop.wide), self._crop.margin, now, growth)

    @torch.no_grad()
    def draw(self, ages: Sequence[float]) -> Tensor:
        """Draw the ages as the network does: [N, 3, R, R] in -1..1.

        Small, fast and without the pet's adjustments, as only smoothed differences of looks are taken from these.
        """
        return self._pet.draw(ages, self._direction, UNADJUSTED, LOOKS_SIDE, quick_dtype(self._pet.device))

    @torch.no_grad()
    def finish(self, age: float, picture: Tensor) -> Tensor:
        """Warp the photo to `age`, for which the network has drawn `picture` [1, 3, R, R]: [1, 3, S, S] in -1..1."""
        return self._detail.frame(age, picture)

    def still(self) -> Pixels:
        """The face at the portrait's age, [S, S, 3], of which the window is to be shown."""
        return to_pixels(self.finish(self._age, self._drawn))

    @torch.no_grad()
    def whole(self, photo: Image.Image | None = None) -> Image.Image:
        """The whole photo with the face at the portrait's age; `photo` is the same one at another size."""
        feathered = to_pixels(self._detail.feathered(self._age, self._drawn))
        return self._crop.paste(feathered, photo, feathered=True)

    @torch.no_grad()
    def draw_in_full(self, adjusted: bool) -> tuple[Tensor, Tensor]:
        """Draw the portrait's age at the network's own resolution: the picture, [1, 3, R, R], and the still of it.

        In float32 and, if `adjusted`, with the pet's own adjustments: to measure what these do. The still is
        [1, 3, S, S].
        """
        now, picture = (
            self._pet.draw([age], self._direction, self._pet.adjustments(age) if adjusted else UNADJUSTED)
            for age in (0.0, self._age)
        )
        return picture, self._detail_from(now).frame(self._age, picture)

    @torch.no_grad()
    def film_source(self) -> FilmSource:
        """The film of few drawings: what is to be done between two ages lies between what is to be done at these."""
        ages = torch.linspace(0.0, self._age, _PLANNED_AGES).tolist()
        pictures = self.draw(ages)
        plans = [self._detail.plan(age, picture[None]) for age, picture in zip(ages, pictures, strict=True)]

        @torch.no_grad()
        def plan(age: float) -> Tensor:
            position = age / (self._age or 1.0) * (_PLANNED_AGES - 1)
            before = min(max(int(position), 0), _PLANNED_AGES - 2)
            return torch.lerp(plans[before], plans[before + 1], position - before)

        in_planes = self._detail.in_planes(self.window)
        return FilmSource(
            ages,
            pictures,
            show=lambda age: self.window.of(self._detail.carried(plan(age))),
            levels=lambda age: in_planes(plan(age)),
        )

    @cached_property
    def _drawn(self) -> Tensor:
        """What the network draws at the portrait's age: [1, 3, R, R]."""
        return self.draw([self._age])


@dataclass(frozen=True, slots=True)
class _LandmarkGrowth:
    """How the face with these landmarks grows (`engine.growth.warp`, `engine.growth.eyes`)."""

    landmarks: Landmarks
    kitten_eyes: Tensor

    def flow(self, age: float, side: int) -> Tensor:
        return flow(self.landmarks, age, side)

    def coat_mask(self, age: float, side: int) -> Tensor:
        return coat_mask(self.landmarks, age, side)

    def head_mask(self, side: int) -> Tensor:
        return head_mask(self.landmarks, side)

    def young_eyes(self, face: Tensor) -> Tensor:
        return blue_shift(face, self.kitten_eyes)
