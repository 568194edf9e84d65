"""Coats of young animals: colours that a breed has only later, and the grey of old dogs' faces.

Pointed cats (Siamese and their kin) are born white and their points darken for a year; Yorkshire terriers are born
black and tan and turn golden from six months on; black and brown dogs grey around the mouth and the eyes with age.
What changes is the coat's smooth colour and its contrast; single hairs stay where they are.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.growth.face_growth import FaceGrowth
from engine.images.filters import gaussian_blur, smoothstep
from engine.images.ycbcr import luma_of
from engine.vision.alignment import EYE_DISTANCE, EYE_HEIGHT
from engine.vision.head_parsing import LANDMARKS

_SIDE = 192  # px, in which smooth colours are worked out
_SMOOTH = 2.0  # px of these: what is finer are hairs
_PALER_POINTS = 0.25  # exponent of the coat's luma over a point's, by which this is lighter at eight weeks
_DARK = (0.28, 0.4)  # luma of a coat, up to which it is dark, and from which it is not
_GREYED = (0.05, 0.16)  # luma over the coat's, from which on a hair is taken for grey, and surely so
_BLACK_AND_TAN = 0.4  # share of its luma that a golden Yorkshire terrier's crown has as a puppy


def younger_coat(face: Tensor, growth: FaceGrowth, margin: int = 0) -> Tensor | None:
    """What changes in the coat's colour until eight weeks: [1, 3, S, S], to be added to the face in -1..1.

    None where nothing is known of this breed.
    """
    recolour = _RECOLOURED.get(growth.breed)
    if recolour is None:
        return None
    coat = _Coat(face, growth, margin)
    return coat.change(recolour(coat)) * growth.strength


class _Coat:
    """The smooth colours of a face, in [1, 3, _SIDE, _SIDE] of 0..1, and where in it they are."""

    def __init__(self, face: Tensor, growth: FaceGrowth, margin: int) -> None:
        self.growth = growth
        self._face = face
        self._whole = face.shape[-1]
        unit = EYE_DISTANCE * (self._whole - 2 * margin)
        place = (torch.arange(_SIDE) + 0.5) * (self._whole / _SIDE) - margin
        self.x = ((place - (self._whole - 2 * margin) / 2) / unit)[None, None, None, :]
        self.y = ((place - EYE_HEIGHT * (self._whole - 2 * margin)) / unit)[None, None, :, None]
        small = F.interpolate((face + 1) / 2, (_SIDE, _SIDE), mode="area")
        self.colour = _blurred(small)
        self.luma = luma_of(self.colour)
        head = F.pad(growth.head_mask(self._whole - 2 * margin), (margin,) * 4, mode="replicate").to(face)
        self.head = F.interpolate(head, (_SIDE, _SIDE), mode="area")
        self.fur = self.head * (1 - self._features())

    def _features(self) -> Tensor:
        """[1, 1, R, R] 0..1: eyes, nose and an open mouth, which are no coat."""
        at = self.landmark
        nose = (at("nose_left") + at("nose_right") + at("nose_top") + at("nose_bottom")) / 4
        wide = float((at("nose_right") - at("nose_left")).norm()) / 2
        bare = self.near(nose, 0.9 * wide, 0.75 * wide)
        for side in ("left", "right"):
            inner, outer = at(f"eye_{side}_inner"), at(f"eye_{side}_outer")
            half = float((outer - inner).norm()) / 2
            eye = self.near((inner + outer) / 2, 0.9 * half, 0.7 * half)
            bare = torch.maximum(bare, eye * self.growth.parsed.eyes_open)
        chin = at("chin")
        mouth = self.near((nose + chin) / 2 + torch.tensor([0.0, 0.15]), 0.5, 0.6 * float((chin - nose).norm()))
        return torch.maximum(bare, mouth * self.growth.parsed.mouth_open)

    def landmark(self, name: str) -> Tensor:
        """[2]: where it is on the face plane."""
        return self.growth.landmarks[LANDMARKS.index(name)]

    def near(self, middle: Tensor, across: float, down: float) -> Tensor:
        """[1, 1, R, R]: 1 within an ellipse around `middle` with these half axes, falling to 0 half as far again."""
        x, y = (self.x - middle[0]) / max(across, 0.05), (self.y - middle[1]) / max(down, 0.05)
        return smoothstep((1.5 - (x.square() + y.square()).sqrt()).mul(2).clamp(0, 1))

    def usual(self, where: Tensor, quantile: float) -> Tensor:
        """[1, 3, 1, 1]: the colour of the pixels there whose luma is at this quantile."""
        chosen = (where[0, 0] > 0.5).flatten()
        if int(chosen.sum()) < 30:
            chosen = torch.ones_like(chosen)
        luma, colours = self.luma.flatten()[chosen], self.colour[0].flatten(1)[:, chosen]
        level = luma.quantile(quantile)
        close = (luma - level).abs() <= (luma - level).abs().quantile(0.1)
        return colours[:, close].mean(1)[None, :, None, None]

    def change(self, young: Tensor) -> Tensor:
        """From young smooth colours [1, 3, R, R] to what is added to the face; hairs keep their contrast with it."""
        ratio = ((luma_of(young) + 0.05) / (self.luma + 0.05)).clamp(0.4, 1.6)
        shift, gain = (F.interpolate(part, (self._whole,) * 2, mode="bicubic") for part in (young, ratio))
        smooth = F.interpolate(self.colour, (self._whole,) * 2, mode="bicubic")
        unit = (self._face + 1) / 2
        return (shift + gain * (unit - smooth)).clamp(0, 1) * 2 - 1 - self._face


def _paler_points(coat: _Coat) -> Tensor:
    cream = coat.usual(coat.head, 0.9)
    lighter = (luma_of(cream) / coat.luma.clamp(min=0.04)).clamp(
        1.0, 6.0
    ) ** _PALER_POINTS  # the mask keeps its drawing
    warm = torch.tensor([1.0, 0.95, 0.88])[None, :, None, None]
    points = coat.colour * (1 + (lighter - 1) * warm)
    return torch.lerp(coat.colour, points.clamp(0, 1), coat.fur)


def _without_grey(coat: _Coat) -> Tensor:
    crown = coat.near(torch.tensor([0.0, -0.5]), 0.6, 0.35) * coat.fur
    own = coat.usual(crown, 0.4)
    low, high = _DARK
    is_dark = 1 - smoothstep(((luma_of(own) - low) / (high - low)).clamp(0, 1))
    nose, chin = coat.landmark("nose_bottom"), coat.landmark("chin")
    where = coat.near((nose + chin) / 2, 0.75, 0.8 * float((chin - nose).norm()) + 0.25)
    for side in ("left", "right"):
        eye = (coat.landmark(f"eye_{side}_inner") + coat.landmark(f"eye_{side}_outer")) / 2
        where = torch.maximum(where, coat.near(eye, 0.4, 0.4))
    low, high = _GREYED
    grey = smoothstep(((coat.luma - luma_of(own) - low) / (high - low)).clamp(0, 1))
    shaded = own * (1 + 0.25 * (coat.luma - luma_of(own)))
    return torch.lerp(coat.colour, shaded, grey * where * coat.fur * is_dark)


def _black_and_tan(coat: _Coat) -> Tensor:
    """Black crown, cheeks and ears; tan muzzle, and a tan spot over each eye."""
    nose, chin = coat.landmark("nose_bottom"), coat.landmark("chin")
    tan = coat.near((nose + chin) / 2, 0.5, 0.5 * float((chin - nose).norm()) + 0.3)
    for side in ("left", "right"):
        inner, top = coat.landmark(f"eye_{side}_inner"), coat.landmark(f"eye_{side}_top")
        tan = torch.maximum(tan, 0.5 * coat.near(torch.stack([1.1 * inner[0], top[1] - 0.13]), 0.09, 0.05))
    above = smoothstep(((0.75 - coat.y) / 0.6).clamp(0, 1))
    black = coat.colour * _BLACK_AND_TAN * torch.tensor([0.8, 0.82, 0.9])[None, :, None, None]
    return torch.lerp(coat.colour, black, above * (1 - tan) * coat.fur)


def _blurred(colour: Tensor) -> Tensor:
    weight = gaussian_blur(torch.ones_like(colour[:, :1]), _SMOOTH)
    return gaussian_blur(colour, _SMOOTH) / weight


_RECOLOURED: dict[str, Callable[[_Coat], Tensor]] = {
    **dict.fromkeys(("balinese", "birman", "himalayan", "ragdoll", "siamese", "tonkinese"), _paler_points),
    "yorkshire_terrier": _black_and_tan,
    # Dogs whose faces are dark without white: where they are grey, age made them so.
    **dict.fromkeys(
        (
            "affenpinscher",
            "black_and_tan_coonhound",
            "briard",
            "curly_coated_retriever",
            "dachshund",
            "doberman",
            "flat_coated_retriever",
            "groenendael",
            "irish_water_spaniel",
            "kelpie",
            "labrador_retriever",
            "newfoundland",
            "poodle",
            "schipperke",
            "scottish_terrier",
            "vizsla",
        ),
        _without_grey,
    ),
}
BREEDS_WITH_YOUNG_COATS = frozenset(_RECOLOURED)
