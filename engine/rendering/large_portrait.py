"""A warped portrait whose film shows as much of the photo as there is, for large films."""

from dataclasses import replace

import torch
from torch import Tensor

from engine.growth.detail import WarpDetail
from engine.rendering.film import FilmSource
from engine.rendering.warped_portrait import WarpedPortrait
from engine.vision.cropping import SIDE

LARGE_SIDE = 820  # px of the shown part, where the photo has so many
_LARGER_BY = 1.15  # times that the photo must hold more than usual, or a larger film would show no more


class LargePortrait(WarpedPortrait):
    """Draws its film and its faces at LARGE_SIDE px, if the photo holds more than the usual size."""

    @torch.no_grad()
    def at(self, age: float) -> Tensor:
        """The photo warped to `age`: [1, 3, S, S] in -1..1, S larger than `window.side` where it is drawn larger."""
        return self._large[0].frame(age) if self._is_large else super().at(age)

    def film_source(self) -> FilmSource:
        """The same film as usual, but larger."""
        source = super().film_source()
        if not self._is_large:
            return source
        detail, side = self._large
        left, top, *_ = (round(at) for at in self.window.box(side))

        @torch.no_grad()
        def show(age: float) -> Tensor:
            return detail.frame(age)[..., top : top + LARGE_SIDE, left : left + LARGE_SIDE]

        return replace(source, show=show, levels=None)

    @property
    def _is_large(self) -> bool:
        return self._density * _LARGER_BY < 1

    @property
    def _large(self) -> tuple[WarpDetail, int]:
        """The photo to be warped, larger, and the side of its face in px."""
        side = 2 * round(self.window.side * LARGE_SIDE / SIDE / 2)
        margin = round(self._crop.margin * side / self.window.side)
        return self._pet.detail(side, margin), side
