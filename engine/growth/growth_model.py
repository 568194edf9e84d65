"""How heads of dogs and cats differ between today, four months and eight weeks: a statistical model of shape.

The model is a linear regression of landmarks and outlines on stage and kind (ears, muzzle, coat), fitted to faces of
real young and adult animals that were marked by hand (`engine.lab.recogniser.growth_fitting`). As with prototypes of
human faces (Rowland and Perrett 1995), the difference between the mean young and the mean adult animal of a kind is
added to the face at hand. No proportion grows out of the range between the 5th and the 95th percentile of real young
animals; one that lies farther out already stays.

Places are on the face plane (`engine.growth.face_plane`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from engine.messages import Species
from engine.vision.head_parsing import LANDMARKS

RAYS = 24  # at which the outline is measured, clockwise from upwards
RAYS_FROM = (0.0, 0.35)  # where they start, on the face plane
SPECIES = (Species.DOG, Species.CAT)

PROPORTIONS = (
    "eye width",
    "eye height",
    "nose width",
    "eyes to nose",
    "eyes to chin",
    "forehead",
    "ear length",
    "ear distance",
)


@dataclass(frozen=True, slots=True)
class Goal:
    """Where in the range of young animals a proportion is to be, and by what it may be multiplied for that."""

    quantile: float  # -1 the 5th percentile, 0 the middle, 1 the 95th
    least: float
    most: float


_YOUNGEST = {
    "eye width": Goal(0.6, 1.0, 1.18),
    "eye height": Goal(0.6, 1.0, 1.38),
    "nose width": Goal(-0.6, 0.76, 1.0),
    "eyes to nose": Goal(-0.6, 0.8, 1.0),
    "eyes to chin": Goal(-0.6, 0.84, 1.0),
    "forehead": Goal(-0.2, 1.0, 1.06),
}
# Judges take a cat with short ears for a kitten, and call a dog's as short as that cut off.
YOUNGEST = {
    Species.DOG: _YOUNGEST | {"ear length": Goal(-0.4, 0.82, 1.0)},
    Species.CAT: _YOUNGEST | {"ear length": Goal(-0.8, 0.78, 1.0)},
}


@dataclass(frozen=True, slots=True, eq=False)
class GrowthModel:
    """What the marked animals say. `kinds` [10] in its methods are 1 and the probabilities of ears, muzzle and coat."""

    mean: Tensor  # [2, 10, P] adults of dogs and cats: landmarks x, y, …, then radii of the outline; P = 24 · 2 + RAYS
    young: Tensor  # [2, 10, P] from adults to animals of about four months
    baby: Tensor  # [2, 10, P] from adults to animals of about eight weeks
    spread: Tensor  # [2, 2, 8] the 5th and 95th percentile of young animals' PROPORTIONS around the mean of their kind
    reach: Tensor  # [2, 2] how far muzzles stand out from the face at four months and eight weeks; an adult's do by 1

    def growth(self, species: Species, kinds: Tensor, age: float) -> tuple[Tensor, Tensor]:
        """The way from today to `age`: of the landmarks [24, 2], and of the outline's radii [RAYS].

        1 is eight weeks, 0.75 four months, 0.5 about a year; below 0 it leads the other way.
        """
        index = SPECIES.index(species)
        baby, young = kinds @ self.baby[index], kinds @ self.young[index]
        if age < 0:
            way = age * baby
        elif age <= _FOUR_MONTHS:
            way = young * (age / _FOUR_MONTHS) ** 2  # most of it lies in the first year
        else:
            way = torch.lerp(young, baby, min(1.0, (age - _FOUR_MONTHS) / (1 - _FOUR_MONTHS)))
        return way[:-RAYS].view(-1, 2), way[-RAYS:]

    def outline(self, species: Species, kinds: Tensor) -> Tensor:
        """The usual radii [RAYS] of adult heads of this kind."""
        return (kinds @ self.mean[SPECIES.index(species)])[-RAYS:]

    def muzzle_reach(self, species: Species, age: float) -> float:
        """How far a muzzle stands out from the face at `age`, in shares of today's: 1 at ages below 0."""
        young, baby = (float(share) for share in self.reach[SPECIES.index(species)])
        if age <= _FOUR_MONTHS:
            return 1 - (1 - young) * (max(age, 0.0) / _FOUR_MONTHS) ** 2
        return young + (baby - young) * min(1.0, (age - _FOUR_MONTHS) / (1 - _FOUR_MONTHS))

    def young_range(self, species: Species, kinds: Tensor) -> tuple[Tensor, Tensor]:
        """The 5th and the 95th percentile [8] of the PROPORTIONS of young animals of this kind."""
        index = SPECIES.index(species)
        mean = kinds @ (self.mean[index] + self.baby[index])
        usual = proportions(mean[:-RAYS].view(-1, 2))
        return usual + self.spread[index, 0], usual + self.spread[index, 1]


_FOUR_MONTHS = 0.75  # the age of it
_NOSE = ("nose_left", "nose_right", "nose_top", "nose_bottom")
_ALIKE = 0.6  # exponent: of two eyes that the camera or the marks made unlike, the smaller grows more
_MOST_OF_AN_EYE = torch.tensor([_YOUNGEST["eye width"].most, _YOUNGEST["eye height"].most]) * 1.1
_LEAST_CHANGE = 1e-4  # eye distances, less than which a proportion does not change


def proportions(landmarks: Tensor) -> Tensor:
    """The PROPORTIONS [..., 8] of faces with these landmarks [..., 24, 2]; NaN where one is missing."""

    def at(name: str) -> Tensor:
        return landmarks[..., LANDMARKS.index(name), :]

    def both(first: str, second: str) -> Tensor:
        sides = [(at(first.format(side)) - at(second.format(side))).norm(dim=-1) for side in ("left", "right")]
        return torch.stack(sides).mean(0)

    nose = (at("nose_left") + at("nose_right") + at("nose_top") + at("nose_bottom")) / 4
    tips = [
        at(f"ear_{side}_tip") - (at(f"ear_{side}_inner") + at(f"ear_{side}_outer")) / 2 for side in ("left", "right")
    ]
    return torch.stack(
        [
            both("eye_{}_inner", "eye_{}_outer"),
            both("eye_{}_top", "eye_{}_bottom"),
            (at("nose_left") - at("nose_right")).norm(dim=-1),
            nose[..., 1],
            at("chin")[..., 1],
            -at("crown")[..., 1],
            torch.stack([tip.norm(dim=-1) for tip in tips]).mean(0),
            (at("ear_left_inner") - at("ear_right_inner")).norm(dim=-1),
        ],
        dim=-1,
    )


def as_youngest(landmarks: Tensor, lower: Tensor, upper: Tensor, species: Species) -> Tensor:
    """The way [24, 2] from grown-young landmarks [24, 2] to the proportions that make the youngest faces.

    Between `lower` and `upper` [8], the range of real young animals, larger eyes, a shorter and smaller muzzle, a
    higher forehead and shorter ears read as younger (Lorenz' infant schema; Glocker et al. 2009). A part goes most of
    the way to that end of the range, and no farther than YOUNGEST allows.
    """
    now, ways = proportions(landmarks), torch.zeros_like(landmarks)
    goals = YOUNGEST[species]

    def factor(name: str) -> float:
        """By how much a proportion is to change."""
        index, goal = PROPORTIONS.index(name), goals[name]
        middle, reach = (lower[index] + upper[index]) / 2, (upper[index] - lower[index]) / 2
        wanted = float((middle + goal.quantile * reach) / now[index])
        return min(max(wanted, goal.least), goal.most) if np.isfinite(wanted) else 1.0

    wider, higher = factor("eye width"), factor("eye height")
    for side in ("left", "right"):
        eye = _indices(*(f"eye_{side}_{part}" for part in ("inner", "outer", "top", "bottom")))
        middle = landmarks[eye].mean(0)
        own = (landmarks[eye[::2]] - landmarks[eye[1::2]]).norm(dim=-1)  # this eye's width and height
        alike = (now[:2] / own) ** _ALIKE
        grown = (torch.tensor([wider, higher]) * alike).clamp(min=1.0).minimum(_MOST_OF_AN_EYE)
        ways[eye] = (landmarks[eye] - middle) * (grown - 1).repeat_interleave(2)[:, None]
        ear = _indices(*(f"ear_{side}_{part}" for part in ("outer", "tip", "inner")))
        base = (landmarks[ear[0]] + landmarks[ear[2]]) / 2
        ways[ear] = (landmarks[ear] - base) * (factor("ear length") - 1)
    nose = _indices(*_NOSE)
    muzzle = [*nose, *_indices("mouth_left", "mouth_right", "chin")]
    middle = landmarks[nose].mean(0)
    rise = float(middle[1]) * (factor("eyes to nose") - 1)
    ways[muzzle] += torch.tensor([0.0, rise])
    ways[nose] += (landmarks[nose] - middle) * (factor("nose width") - 1)
    chin = LANDMARKS.index("chin")
    ways[chin] = torch.tensor([0.0, float(landmarks[chin, 1]) * (factor("eyes to chin") - 1)])
    mouth = _indices("mouth_left", "mouth_right")
    ways[mouth] = (torch.tensor([0.0, rise]) + ways[chin]) / 2
    crown = LANDMARKS.index("crown")
    ways[crown] = torch.tensor([0.0, float(landmarks[crown, 1]) * (factor("forehead") - 1)])
    return ways.nan_to_num(0.0)


def within_range(landmarks: Tensor, moves: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """`moves` [24, 2], so much shorter that no proportion leaves the range from `lower` to `upper` [8].

    Each proportion for itself: the others change as far as before, and none the other way.
    """
    before, after = proportions(landmarks), proportions(landmarks + moves)
    change = after - before
    unchanged = change.abs() < _LEAST_CHANGE
    share = (after.clamp(lower, upper) - before) / torch.where(unchanged, torch.ones_like(change), change)
    share = torch.where(unchanged, torch.ones_like(share), share).clamp(0.0, 1.0).nan_to_num(1.0)
    # Only what changes a proportion is taken back, or parts would jump at ages at which it turns round.
    back = dict(zip(PROPORTIONS, 1 - share, strict=True))
    shorter = moves.clone()

    def along(tip: int, base: Sequence[int]) -> Tensor:
        """What of the moves takes a tip away from its base, or towards it: [2]."""
        axis = F.normalize(landmarks[tip] - landmarks[base].mean(0), dim=0)
        return ((moves[tip] - moves[base].mean(0)) @ axis) * axis

    pairs = [("nose_left", "nose_right", "nose width")]
    for side in ("left", "right"):
        pairs += [(f"eye_{side}_inner", f"eye_{side}_outer", "eye width")]
        pairs += [(f"eye_{side}_top", f"eye_{side}_bottom", "eye height")]
        ear = _indices(*(f"ear_{side}_{part}" for part in ("tip", "inner", "outer")))
        shorter[ear[0]] -= back["ear length"] * along(ear[0], ear[1:])
        shorter[ear, 0] -= back["ear distance"] * moves[ear[1], 0]
    for first, last, name in pairs:
        one, other = _indices(first, last)
        apart = back[name] * along(one, [other]) / 2
        shorter[one] -= apart
        shorter[other] += apart
    nose, mouth = _indices(*_NOSE), _indices("mouth_left", "mouth_right")
    shorter[[*nose, *mouth], 1] -= back["eyes to nose"] * moves[nose, 1].mean()
    for part, name in (("chin", "eyes to chin"), ("crown", "forehead")):
        (index,) = _indices(part)
        shorter[index, 1] -= back[name] * moves[index, 1]
    return shorter


def shorter_muzzle(landmarks: Tensor, reach: float) -> Tensor:
    """The way [24, 2] of nose, mouth and chin when a muzzle comes to stand out by this share of today's reach.

    In a turned face they lie aside of the middle between the eyes because the muzzle stands out.
    """
    ways = torch.zeros_like(landmarks)
    for part in (_NOSE, ("mouth_left", "mouth_right"), ("chin",)):
        indices = _indices(*part)
        ways[indices, 0] = (reach - 1) * landmarks[indices, 0].mean()
    return ways.nan_to_num(0.0)


def ears_held(landmarks: Tensor, moves: Tensor, most: float) -> Tensor:
    """`moves` [24, 2] with which the ears' bases come to lie at most `most` times as far apart as in `landmarks`.

    The crown between them is held near the head's outline, and would be drawn out flat.
    """
    left, right = _indices("ear_left_inner", "ear_right_inner")
    before = (landmarks[right] - landmarks[left])[0]
    wider = (moves[right] - moves[left])[0]
    over = ((wider - (most - 1) * before) / 2).clamp(min=0.0)
    if not bool(over > 0):  # nor where an ear is not known
        return moves
    held = moves.clone()
    for side, way in (("left", 1.0), ("right", -1.0)):
        held[_indices(*(f"ear_{side}_{part}" for part in ("outer", "tip", "inner"))), 0] += way * over
    return held


def _indices(*names: str) -> list[int]:
    return [LANDMARKS.index(name) for name in names]


@cache
def load_growth_model() -> GrowthModel:
    """The model that comes with this package, loaded once a process."""
    with as_file(files("engine") / "weights" / "growth-model.safetensors") as path:
        return GrowthModel(**load_file(path))
