"""How one face grows: where its parts move, where it is coat, and how its eyes change, from its parsed head.

All is told in an aligned crop of the photo (`engine.vision.alignment`, FaceTemplate.STORYBOOK).
"""

from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.growth.face_plane import face_plane
from engine.growth.growth_model import RAYS, RAYS_FROM, load_growth_model, within_range
from engine.growth.thin_plate import thin_plate
from engine.images.filters import gaussian_blur
from engine.images.warping import without_folds
from engine.messages import Head, Species
from engine.vision.alignment import EYE_DISTANCE, EYE_HEIGHT, FaceTemplate
from engine.vision.head_parsing import LANDMARKS, SIDE, ParsedHead

_GRID = 64  # control cells of the flow, across and down: it is smooth
_STIFFNESS = 0.02  # of the spline, squared eye distances
_SEEN = 0.4  # probability from which a landmark is believed
_OUTLINE_MOVES = 0.3  # eye distances, the farthest a point of the outline goes
_TURNED = (0.15, 0.65)  # eye distances of the nose aside: from where on a face counts as turned, and as fully so
_TURNED_SHARE = 0.4  # of the growth, that is left of it then
_EMPHASIS = (
    1.35  # times the mean growth: marked young animals are older than eight weeks; the range of the young still holds
)
_OPEN_MOUTH_STAYS = 0.6  # share of the jaw's growth that an open mouth is spared: its tongue does not grow along
_JAW = 0.7  # cosine to downwards, from which on a point of the outline belongs to the jaw
_EDGE = 0.3  # eye distances beyond the head, over which the background comes to rest
# Where nothing moves: around the crop. x, y on the face plane.
_RIM = [(x, y) for x in (-2.1, -1.0, 0.0, 1.0, 2.1) for y in (-1.86, 2.36)] + [
    (x, y) for x in (-2.1, 2.1) for y in (-1.0, 0.0, 1.2)
]


def is_growth_known(head: Head | None, template: FaceTemplate) -> bool:
    """Whether it is known how a face grows: not without a head, nor in another frame than growth was measured in."""
    return head is not None and template is FaceTemplate.STORYBOOK


class FaceGrowth:
    """The growth of the face that `parsed` is of. Flows and masks are those of a crop of any size."""

    NEAR = 0.35  # eye distances, within which a landmark tells better than the outline

    def __init__(self, parsed: ParsedHead, species: Species) -> None:
        self.parsed = parsed
        self.species = species
        unit = EYE_DISTANCE * SIDE
        self.landmarks = (torch.from_numpy(parsed.landmarks) - torch.tensor([SIDE / 2, EYE_HEIGHT * SIDE])) / unit
        self._kinds = torch.cat([torch.ones(1), torch.from_numpy(parsed.kinds)])
        self._model = load_growth_model()
        nose = self.landmarks[[LANDMARKS.index(f"nose_{side}") for side in ("left", "right")]].mean(0)
        low, high = _TURNED
        self._turned = min(1.0, max(0.0, (abs(float(nose[0])) - low) / (high - low)))

    @cached_property
    def strength(self) -> float:
        """What of the usual growth is left: less for those who are young already, and less certain in a turned face."""
        return (1 - self.parsed.baby) * self._certainty

    @property
    def _certainty(self) -> float:
        """Less than 1 for a turned face."""
        return 1 - (1 - _TURNED_SHARE) * self._turned

    @property
    def young_range(self) -> tuple[Tensor, Tensor]:
        """Between which values, each [8], the PROPORTIONS of nine in ten young animals of this kind lie."""
        return self._model.young_range(self.species, self._kinds)

    @cached_property
    def eyes(self) -> float:
        """How far eyes may change, 0..1: both alike, and not where one is closed or hidden."""
        lids = [float(self.parsed.visible[index]) for index, name in enumerate(LANDMARKS) if name.startswith("eye")]
        return self.parsed.eyes_open * min(1.0, min(lids) / _SEEN) * (1 - self._turned)

    def landmark_moves(self, age: float) -> Tensor:
        """[24, 2]: the way of each landmark from today to `age`, on the face plane."""
        moves, _ = self._model.growth(self.species, self._kinds, age)
        moves = moves * self._share(age)
        if age > 0:
            moves = torch.lerp(moves, within_range(self.landmarks, moves, *self.young_range), min(1.0, age))
        mouth = torch.tensor([name.startswith(("mouth", "chin")) for name in LANDMARKS])
        moves = torch.where(mouth[:, None], moves * self._jaw_share, moves)
        eye = torch.tensor([name.startswith("eye") for name in LANDMARKS])
        return torch.where(eye[:, None], moves * self.eyes, moves)

    def flow(self, age: float, side: int) -> Tensor:
        """The way from each pixel at `age` to where it comes from today: [1, 2, side, side] (x, y) in pixels.

        Nothing folds over, and nothing moves away from the head.
        """
        if not age:
            return torch.zeros(1, 2, side, side)
        at, moves = self._controls(age)
        spread = thin_plate((at + moves)[None], -moves[None], face_plane(_GRID), _STIFFNESS)
        coarse = without_folds(spread.permute(0, 3, 1, 2) * self._reach * (EYE_DISTANCE * _GRID))
        return F.interpolate(coarse * (side / _GRID), (side, side), mode="bicubic", align_corners=False)

    def head_mask(self, side: int) -> Tensor:
        """[1, 1, side, side]: 1 where the head is, 0 in body and background."""
        mask = torch.from_numpy(self.parsed.mask)[None, None]
        return F.interpolate(mask, (side, side), mode="bilinear", align_corners=False)

    def eye_points(self, side: int) -> list[Tensor]:
        """Inner and outer corner, upper and lower lid [4, 2] of both eyes, in px of a crop of `side` px."""
        points = torch.from_numpy(self.parsed.landmarks) * (side / SIDE)
        return [points[:4], points[4:8]]

    @property
    def _jaw_share(self) -> float:
        """What of its growth is left to the jaw."""
        return 1 - _OPEN_MOUTH_STAYS * self.parsed.mouth_open

    def _share(self, age: float) -> float:
        return _EMPHASIS * self.strength if age > 0 else self._certainty

    def _controls(self, age: float) -> tuple[Tensor, Tensor]:
        """Points [P, 2] of today's face and its surroundings on the face plane, and how they move [P, 2]."""
        at, moves = self.landmarks[self.seen], self.landmark_moves(age)[self.seen]
        _, radial = self._model.growth(self.species, self._kinds, age)
        outline, ways = self.outline
        rays = self.outline_points
        apart = (torch.cdist(rays, at) > self.NEAR).all(1) & (outline[:, 0] > 0)
        out = (radial * self._share(age)).clamp(-_OUTLINE_MOVES, _OUTLINE_MOVES)[:, None] * ways
        out = torch.where(ways[:, 1:] > _JAW, out * self._jaw_share, out)
        rim = self.rim()
        rim = rim[(torch.cdist(rim, at) > self.NEAR).all(1)]
        still = torch.zeros_like(rim)
        return torch.cat([at, rays[apart], rim]), torch.cat([moves, out[apart], still])

    @staticmethod
    def rim() -> Tensor:
        """Points [R, 2] around the crop, where nothing moves."""
        return torch.tensor(_RIM)

    @property
    def seen(self) -> Tensor:
        """[24]: which landmarks are to be believed."""
        return torch.from_numpy(self.parsed.visible) > _SEEN

    @property
    def outline_points(self) -> Tensor:
        """[RAYS, 2]: where the outline meets its rays, on the face plane."""
        reach, ways = self.outline
        return reach * ways + torch.tensor(RAYS_FROM)

    @cached_property
    def outline(self) -> tuple[Tensor, Tensor]:
        """How far the head reaches [RAYS, 1] in each direction [RAYS, 2], on the face plane; 0 where it does not."""
        angles = torch.linspace(0, 2 * np.pi, RAYS + 1)[:-1]
        ways = torch.stack([angles.sin(), -angles.cos()], -1)
        steps = torch.linspace(0.02, 2.6, 120)
        points = steps[:, None, None] * ways + torch.tensor(RAYS_FROM)  # [120, RAYS, 2]
        grid = points * (2 * EYE_DISTANCE) + torch.tensor([0.0, 2 * EYE_HEIGHT - 1])
        mask = torch.from_numpy(self.parsed.mask)[None, None]
        inside = F.grid_sample(mask, grid[None], align_corners=False)[0, 0] > 0.5
        reach = (inside * steps[:, None]).amax(0)
        return reach[:, None], ways

    @cached_property
    def _reach(self) -> Tensor:
        """[1, 1, _GRID, _GRID]: 1 on the head and near it, falling to 0 in the background."""
        mask = self.head_mask(_GRID)
        cell = EYE_DISTANCE * _GRID
        near = F.max_pool2d(mask, 2 * round(0.5 * _EDGE * cell) + 1, 1, round(0.5 * _EDGE * cell))
        return (gaussian_blur(near, 0.5 * _EDGE * cell) * 1.15).clamp(0, 1)
