"""How heads of dogs and cats differ between today, four months and eight weeks: a statistical model of shape.

The model is a linear regression of landmarks and outlines on stage and kind (ears, muzzle, coat), fitted to faces of
real young and adult animals that were marked by hand (`engine.lab.recogniser.growth_fitting`). As with prototypes of
human faces (Rowland and Perrett 1995), the difference between the mean young and the mean adult animal of a kind is
added to the face at hand. What comes out stays within the 5th to the 95th percentile of real young animals, or comes as
near to it as growth in the same direction leads.

Places are on the face plane (`engine.growth.face_plane`).
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

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
_FARTHEST = 1.8  # times the mean growth of its kind, that a face may need to come within the range of young animals


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

    def young_range(self, species: Species, kinds: Tensor) -> tuple[Tensor, Tensor]:
        """The 5th and the 95th percentile [8] of the PROPORTIONS of young animals of this kind."""
        index = SPECIES.index(species)
        mean = kinds @ (self.mean[index] + self.baby[index])
        usual = proportions(mean[:-RAYS].view(-1, 2))
        return usual + self.spread[index, 0], usual + self.spread[index, 1]


_FOUR_MONTHS = 0.75  # the age of it


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


def within_range(landmarks: Tensor, moves: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """`moves` [24, 2] made shorter or longer, until the PROPORTIONS lie between `lower` and `upper` [8].

    Each proportion for itself: it never changes the other way, and at most _FARTHEST times as much.
    """
    before, after = proportions(landmarks), proportions(landmarks + moves)
    change = after - before
    share = (after.clamp(lower, upper) - before) / torch.where(change.abs() < 1e-4, torch.ones_like(change), change)
    share = torch.where(change.abs() < 1e-4, torch.ones_like(share), share).clamp(0.0, _FARTHEST).nan_to_num(1.0)
    scaled = moves * torch.cat([share, torch.ones(1)])[_changed_by()]
    for side in ("left", "right"):  # an ear's length is seen from the middle of its base, wherever that goes
        tip, *base = (LANDMARKS.index(f"ear_{side}_{part}") for part in ("tip", "inner", "outer"))
        along = moves[tip] - moves[base].mean(0)
        scaled[tip] = scaled[base].mean(0) + share[PROPORTIONS.index("ear length")] * along
    return scaled


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
