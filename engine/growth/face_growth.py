"""How one face grows: where its parts move, where it is coat, and how its eyes change, from its parsed head.

All is told in an aligned crop of the photo (`engine.vision.alignment`, FaceTemplate.STORYBOOK).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.growth.face_plane import face_plane
from engine.growth.growth_model import (
    RAYS,
    RAYS_FROM,
    as_youngest,
    ears_held,
    load_growth_model,
    shorter_muzzle,
    within_range,
)
from engine.growth.thin_plate import thin_plate
from engine.images.filters import gaussian_blur, smooth_ramp, smoothstep
from engine.images.warping import without_folds
from engine.messages import Head, Species
from engine.vision.alignment import EYE_DISTANCE, EYE_HEIGHT, FaceTemplate
from engine.vision.head_parsing import LANDMARKS, SIDE, ParsedHead

_GRID = 64  # control cells of the flow, across and down: it is smooth
_STIFFNESS = 0.02  # of the spline, squared eye distances
_SEEN = 0.4  # probability from which a landmark is believed
_OUTLINE_MOVES = 0.3  # eye distances, the farthest a point of the outline goes
_BABY = (0.6, 0.95)  # probabilities from which on, and up to which, a face counts as a baby's
_TURNED = (0.15, 0.65)  # eye distances of the nose aside: from where on a face counts as turned, and as fully so
_TURNED_SHARE = 0.6  # of the growth, that is left of it then
# Width of the narrower eye over the other's, up to where one of them is no eye, and from where both are.
_EYES_ALIKE = (0.55, 0.72)
_TURNED_EYE = 0.3  # how much less alike they are in a face that is fully turned
_MUZZLE_SHARE = 0.5  # of what a turned muzzle is to stand out less; more smears it into the cheek
_OPEN_MOUTH_STAYS = 0.6  # share of the jaw's growth that an open mouth is spared: its tongue does not grow along
_BODY = (0.3, 1.0)  # y on the face plane, from where to where background becomes body
# By which neck and chest are narrower, at age 1. Judges prefer it to half as much, and call more of it melted.
_NARROWER_BODY = 0.2
_BODY_ACROSS = (-1.3, -0.7, 0.7, 1.3)  # x and y on the face plane of points of neck and chest
_BODY_DOWN = (1.6, 2.0)
# By which a head is larger against its body, at age 1. Chosen by eye: a kitten's is wide already.
_LARGER_HEAD = {Species.DOG: 0.1, Species.CAT: 0.06}
_EARS_APART = 1.15  # times as far as today, which ears come to lie apart at most
_EAR_EDGE = 0.06  # eye distances, over which the edge of an ear is soft
_JAW = 0.7  # cosine to downwards, from which on a point of the outline belongs to the jaw
# Eye distances beyond the head, over which the background comes to rest: no farther, or foreheads become domes.
_EDGE = {Species.DOG: 0.45, Species.CAT: 0.3}
# Where nothing moves: around the crop. x, y on the face plane.
_RIM = [(x, y) for x in (-2.1, -1.0, 0.0, 1.0, 2.1) for y in (-1.86, 2.36)] + [
    (x, y) for x in (-2.1, 2.1) for y in (-1.0, 0.0, 1.2)
]


def is_growth_known(head: Head | None, template: FaceTemplate) -> bool:
    """Whether it is known how a face grows: not without a head, nor in another frame than growth was measured in."""
    return head is not None and template is FaceTemplate.STORYBOOK


@dataclass(frozen=True, slots=True, eq=False)
class _ControlPoints:
    """Points of today's face and its surroundings on the face plane, each [P, 2]."""

    head: Tensor  # its landmarks, then points of its outline
    body: Tensor  # of neck and chest
    rim: Tensor  # around the crop
    rays: Tensor  # [RAYS]: which of the outline's rays these points are of


class FaceGrowth:
    """The growth of the face that `parsed` is of. Flows and masks are those of a crop of any size."""

    NEAR = 0.35  # eye distances, within which a landmark tells better than the outline

    def __init__(self, parsed: ParsedHead, species: Species, breed: str = "") -> None:
        self.parsed = parsed
        self.species, self.breed = species, breed
        unit = EYE_DISTANCE * SIDE
        self.landmarks = (torch.from_numpy(parsed.landmarks) - torch.tensor([SIDE / 2, EYE_HEIGHT * SIDE])) / unit
        self._kinds = torch.cat([torch.ones(1), torch.from_numpy(parsed.kinds)])
        self._model = load_growth_model()
        nose = self.landmarks[[LANDMARKS.index(f"nose_{side}") for side in ("left", "right")]].mean(0)
        low, high = _TURNED
        self._turned = min(1.0, max(0.0, (abs(float(nose[0])) - low) / (high - low)))

    @property
    def _is_baby(self) -> float:
        """0..1: whether this is a baby already; adults that look young are none."""
        return smooth_ramp(self.parsed.baby, *_BABY)

    @cached_property
    def strength(self) -> float:
        """What of the usual growth is left: less for those who are young already, and less certain in a turned face."""
        return (1 - self._is_baby) * self._certainty

    @property
    def _certainty(self) -> float:
        """Less than 1 for a turned face."""
        return 1 - (1 - _TURNED_SHARE) * self._turned

    @cached_property
    def young_range(self) -> tuple[Tensor, Tensor]:
        """Between which values, each [8], the PROPORTIONS of nine in ten young animals of this kind lie."""
        return self._model.young_range(self.species, self._kinds)

    @cached_property
    def eyes(self) -> float:
        """How far eyes may change, 0..1: both alike, and not where one is closed, hidden or marked in a wrong place."""
        lids = [float(self.parsed.visible[index]) for index, name in enumerate(LANDMARKS) if name.startswith("eye")]
        seen = self.parsed.eyes_open * min(1.0, min(lids) / _SEEN)
        left, right = ((self.landmarks[eye] - self.landmarks[eye + 1]).norm() for eye in (0, 4))
        alike = float(torch.minimum(left, right) / torch.maximum(left, right).clamp(min=1e-6))
        return seen * smooth_ramp(alike + _TURNED_EYE * self._turned, *_EYES_ALIKE) * (1 - self._turned)

    def landmark_moves(self, age: float) -> Tensor:
        """[24, 2]: the way of each landmark from today to `age`, on the face plane."""
        moves, _ = self._model.growth(self.species, self._kinds, age)
        moves = moves * self._share(age)
        if age > 0:
            youngest = as_youngest(self.landmarks + moves, *self.young_range, self.species)
            moves = moves + youngest * (self.strength * min(1.0, age) ** 2)
            moves = within_range(self.landmarks, moves, *self.young_range)
            moves = ears_held(self.landmarks, moves, 1 + (_EARS_APART - 1) * age)
        mouth = torch.tensor([name.startswith(("mouth", "chin")) for name in LANDMARKS])
        moves = torch.where(mouth[:, None], moves * self._jaw_share, moves)
        eye = torch.tensor([name.startswith("eye") for name in LANDMARKS])
        moves = torch.where(eye[:, None], moves * self.eyes, moves)
        reach = self._model.muzzle_reach(self.species, age)
        return moves + shorter_muzzle(self.landmarks, reach) * (_MUZZLE_SHARE * self.strength)

    def _scaled(self, points: Tensor, age: float) -> Tensor:
        """The way [P, 2] of points of the grown head to where its size is that of today's, and a little more.

        On the face plane, whose unit is the distance between the eyes, young heads come out larger or smaller as eyes
        lie closer together or farther apart.
        """
        usual, radial = self._model.outline(self.species, self._kinds), self._radial(age)
        larger = 1 + _LARGER_HEAD[self.species] * self.strength * max(0.0, age) ** 2
        return (points - torch.tensor(RAYS_FROM)) * (larger * float(usual.mean() / (usual + radial).mean()) - 1)

    def _radial(self, age: float) -> Tensor:
        """[RAYS]: how far the outline moves outwards."""
        _, radial = self._model.growth(self.species, self._kinds, age)
        return (radial * self._share(age)).clamp(-_OUTLINE_MOVES, _OUTLINE_MOVES)

    def flow(self, age: float, side: int) -> Tensor:
        """The way from each pixel at `age` to where it comes from today: [1, 2, side, side] (x, y) in pixels.

        Nothing folds over, and nothing moves beside head and body.
        """
        if not age:
            return torch.zeros(1, 2, side, side)
        at, moves = self._controls(age)
        spread = thin_plate((at + moves)[None], -moves[None], face_plane(_GRID), _STIFFNESS)
        coarse = without_folds(spread.permute(0, 3, 1, 2) * self._reach * (EYE_DISTANCE * _GRID))
        return F.interpolate(coarse * (side / _GRID), (side, side), mode="bicubic", align_corners=False)

    @staticmethod
    def body(side: int) -> Tensor:
        """[1, 1, side, side]: 1 below the chin, where what is behind the head hangs together with it, 0 beside the
        head.
        """
        below = (face_plane(side)[..., 1] - _BODY[0]) / (_BODY[1] - _BODY[0])
        return smoothstep(below.clamp(0, 1))[None, None]

    def head_mask(self, side: int) -> Tensor:
        """[1, 1, side, side]: 1 where the head is, 0 in body and background."""
        return F.interpolate(self._mask, (side, side), mode="bilinear", align_corners=False)

    @cached_property
    def _mask(self) -> Tensor:
        """[1, 1, SIDE, SIDE]: the head, with all of its ears, of whose tips the parsed mask may lack some."""
        small = torch.from_numpy(self.parsed.mask)[None, None]
        mask = F.interpolate(small, (SIDE, SIDE), mode="bilinear", align_corners=False)[0, 0]
        for side in ("left", "right"):
            ear = [LANDMARKS.index(f"ear_{side}_{part}") for part in ("outer", "tip", "inner")]
            # An ear that is nearly a line, seen from its edge, would come out as a spike.
            if bool(self.seen[ear].all()) and _least_height(self.landmarks[ear]) > _EAR_EDGE:
                depth = _depth_in_triangle(face_plane(SIDE), self.landmarks[ear])
                mask = torch.maximum(mask, (0.5 + depth / _EAR_EDGE).clamp(0, 1))
        return mask[None, None]

    def eye_points(self, side: int) -> list[Tensor]:
        """Inner and outer corner, upper and lower lid [4, 2] of both eyes, in px of a crop of `side` px."""
        points = torch.from_numpy(self.parsed.landmarks) * (side / SIDE)
        return [points[:4], points[4:8]]

    @property
    def _jaw_share(self) -> float:
        """What of its growth is left to the jaw."""
        return 1 - _OPEN_MOUTH_STAYS * self.parsed.mouth_open

    def _share(self, age: float) -> float:
        return self.strength if age > 0 else self._certainty

    def _controls(self, age: float) -> tuple[Tensor, Tensor]:
        """Points [P, 2] of today's face and its surroundings on the face plane, and how they move [P, 2]."""
        known = self._known
        _, ways = self.outline
        out = self._radial(age)[:, None] * ways
        out = torch.where(ways[:, 1:] > _JAW, out * self._jaw_share, out)
        moved = torch.cat([self.landmark_moves(age)[self.seen], out[known.rays]])
        narrower = -_NARROWER_BODY * self.strength * max(0.0, age) ** 2 * (1 - self._turned)
        narrowed = known.body * torch.tensor([narrower, 0.0])  # a young body is narrower under its head
        ways_there = [moved + self._scaled(known.head + moved, age), narrowed, torch.zeros_like(known.rim)]
        return torch.cat([known.head, known.body, known.rim]), torch.cat(ways_there)

    @cached_property
    def _known(self) -> "_ControlPoints":
        """The points that tell how the face grows, none of them near a landmark that tells it better."""
        at, (outline, _), rays, rim = self.landmarks[self.seen], self.outline, self.outline_points, self.rim()
        apart = (torch.cdist(rays, at) > self.NEAR).all(1) & (outline[:, 0] > 0)
        head = torch.cat([at, rays[apart]])
        body = torch.tensor([(x, y) for x in _BODY_ACROSS for y in _BODY_DOWN])
        body = body[(torch.cdist(body, head) > self.NEAR).all(1)]
        return _ControlPoints(head, body, rim[(torch.cdist(rim, at) > self.NEAR).all(1)], apart)

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
        inside = F.grid_sample(self._mask, grid[None], align_corners=False)[0, 0] > 0.5
        reach = (inside * steps[:, None]).amax(0)
        return reach[:, None], ways

    @cached_property
    def _reach(self) -> Tensor:
        """[1, 1, _GRID, _GRID]: 1 on the head and near it, falling to 0 in the background.

        So a head that grows beyond its outline is held back there: drawn in full, foreheads become domes.
        """
        mask = self.head_mask(_GRID)
        edge = _EDGE[self.species] * EYE_DISTANCE * _GRID
        near = F.max_pool2d(mask, 2 * round(0.5 * edge) + 1, 1, round(0.5 * edge))
        beside = (gaussian_blur(near, 0.5 * edge) * 1.15).clamp(0, 1)
        return torch.maximum(beside, self.body(_GRID))  # necks are drawn along as far as they reach


def _least_height(corners: Tensor) -> float:
    """The shortest height of a triangle [3, 2]."""
    sides = corners.roll(-1, 0) - corners
    doubled_area = (sides[0, 0] * sides[1, 1] - sides[0, 1] * sides[1, 0]).abs()
    return float(doubled_area / sides.norm(dim=1).max().clamp(min=1e-6))


def _depth_in_triangle(places: Tensor, corners: Tensor) -> Tensor:
    """How deep in a triangle [3, 2] places [..., 2] lie: less than 0 outside."""
    sides = corners.roll(-1, 0) - corners
    turned = torch.sign(sides[0, 0] * sides[1, 1] - sides[0, 1] * sides[1, 0])
    normals = turned * torch.stack([-sides[:, 1], sides[:, 0]], -1) / sides.norm(dim=-1, keepdim=True).clamp(min=1e-6)
    # One side after the other: places of all three at once take ten times as long.
    depths = [places @ normal - corner @ normal for normal, corner in zip(normals, corners, strict=True)]
    return torch.minimum(torch.minimum(depths[0], depths[1]), depths[2])
