"""How heads of dogs and cats differ between today, four months and eight weeks: a statistical model of shape.

The model is a linear regression of landmarks and outlines on stage and kind (ears, muzzle, coat), fitted to faces of
real young and adult animals that were marked by hand (`engine.lab.recogniser.growth_fitting`). As with prototypes of
human faces (Rowland and Perrett 1995), the difference between the mean young and the mean adult animal of a kind is
added to the face at hand. No proportion grows out of the range between the 5th and the 95th percentile of real young
animals; one that lies farther out already stays.

Places are on the face plane (`engine.growth.face_plane`).
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import torch
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

_CHANGED_BY = {  # landmarks, left and right: the proportions that their ways across and down change, "" for none
    "eye_inner": ("eye width", "eye width"),
    "eye_outer": ("eye width", "eye width"),
    "eye_top": ("eye height", "eye height"),
    "eye_bottom": ("eye height", "eye height"),
    "nose": ("nose width", "eyes to nose"),
    "mouth": ("", "eyes to nose"),
    "chin": ("", "eyes to chin"),
    "crown": ("", "forehead"),
    "ear_inner": ("ear distance", ""),
    "ear_outer": ("ear distance", ""),
}


@dataclass(frozen=True, slots=True)
class Goal:
    """Where in the range of young animals a proportion is to be, and by what it may be multiplied for that."""

    quantile: float  # -1 the 5th percentile, 0 the middle, 1 the 95th
    least: float
    most: float


YOUNGEST = {
    "eye width": Goal(0.6, 1.0, 1.22),
    "eye height": Goal(0.6, 1.0, 1.28),
    "nose width": Goal(-0.6, 0.76, 1.0),
    "eyes to nose": Goal(-0.6, 0.8, 1.0),
    "eyes to chin": Goal(-0.6, 0.84, 1.0),
    "forehead": Goal(0.3, 1.0, 1.12),
    "ear length": Goal(-1.0, 0.72, 1.0),
}


@dataclass(frozen=True, slots=True, eq=False)
class GrowthModel:
    """What the marked animals say. `kinds` [10] in its methods are 1 and the probabilities of ears, muzzle and coat."""

    mean: Tensor  # [2, 10, P] adults of dogs and cats: landmarks x, y, …, then radii of the outline; P = 24 · 2 + RAYS
    young: Tensor  # [2, 10, P] from adults to animals of about four months
    baby: Tensor  # [2, 10, P] from adults to animals of about eight weeks
    spread: Tensor  # [2, 2, 8] the 5th and 95th percentile of young animals' PROPORTIONS around the mean of their kind

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

    def young_range(self, species: Species, kinds: Tensor) -> tuple[Tensor, Tensor]:
        """The 5th and the 95th percentile [8] of the PROPORTIONS of young animals of this kind."""
        index = SPECIES.index(species)
        mean = kinds @ (self.mean[index] + self.baby[index])
        usual = proportions(mean[:-RAYS].view(-1, 2))
        return usual + self.spread[index, 0], usual + self.spread[index, 1]


_FOUR_MONTHS = 0.75  # the age of it
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


def as_youngest(landmarks: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """The way [24, 2] from grown-young landmarks [24, 2] to the proportions that make the youngest faces.

    Between `lower` and `upper` [8], the range of real young animals, larger eyes, a shorter and smaller muzzle, a
    higher forehead and shorter ears read as younger (Lorenz' infant schema; Glocker et al. 2009). A part goes most of
    the way to that end of the range, and no farther than YOUNGEST allows.
    """
    now, ways = proportions(landmarks), torch.zeros_like(landmarks)

    def factor(name: str) -> float:
        """By how much a proportion is to change."""
        index, goal = PROPORTIONS.index(name), YOUNGEST[name]
        middle, reach = (lower[index] + upper[index]) / 2, (upper[index] - lower[index]) / 2
        wanted = float((middle + goal.quantile * reach) / now[index])
        return min(max(wanted, goal.least), goal.most) if np.isfinite(wanted) else 1.0

    def at(*names: str) -> list[int]:
        return [LANDMARKS.index(name) for name in names]

    wider, higher = factor("eye width"), factor("eye height")
    for side in ("left", "right"):
        eye = at(*(f"eye_{side}_{part}" for part in ("inner", "outer", "top", "bottom")))
        middle = landmarks[eye].mean(0)
        ways[eye] = (landmarks[eye] - middle) * torch.tensor([wider - 1, wider - 1, higher - 1, higher - 1])[:, None]
        ear = at(*(f"ear_{side}_{part}" for part in ("outer", "tip", "inner")))
        base = (landmarks[ear[0]] + landmarks[ear[2]]) / 2
        ways[ear] = (landmarks[ear] - base) * (factor("ear length") - 1)
    nose = at(*(f"nose_{part}" for part in ("left", "right", "top", "bottom")))
    muzzle = [*nose, *at("mouth_left", "mouth_right", "chin")]
    middle = landmarks[nose].mean(0)
    rise = float(middle[1]) * (factor("eyes to nose") - 1)
    ways[muzzle] += torch.tensor([0.0, rise])
    ways[nose] += (landmarks[nose] - middle) * (factor("nose width") - 1)
    chin = LANDMARKS.index("chin")
    ways[chin] = torch.tensor([0.0, float(landmarks[chin, 1]) * (factor("eyes to chin") - 1)])
    mouth = at("mouth_left", "mouth_right")
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
    shorter = moves * torch.cat([share, torch.ones(1)])[_changed_by()]
    for side in ("left", "right"):  # an ear's length is seen from the middle of its base, wherever that goes
        tip, *base = (LANDMARKS.index(f"ear_{side}_{part}") for part in ("tip", "inner", "outer"))
        along = moves[tip] - moves[base].mean(0)
        shorter[tip] = shorter[base].mean(0) + share[PROPORTIONS.index("ear length")] * along
    return shorter


@cache
def _changed_by() -> Tensor:
    """[24, 2]: the index of the proportion that each landmark's way across and down changes; -1 for none."""
    indices = {"": -1} | {name: index for index, name in enumerate(PROPORTIONS)}
    found = []
    for name in LANDMARKS:
        part = name.replace("left_", "").replace("right_", "")
        names = _CHANGED_BY.get(part) or _CHANGED_BY.get(part.split("_")[0]) or ("", "")
        found.append([indices[one] for one in names])
    return torch.tensor(found)


@cache
def load_growth_model() -> GrowthModel:
    """The model that comes with this package, loaded once a process."""
    with as_file(files("engine") / "weights" / "growth-model.safetensors") as path:
        return GrowthModel(**load_file(path))
