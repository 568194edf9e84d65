"""Coats of young animals: colours that a breed has only later, and the grey of old dogs' faces.

Pointed cats (Siamese and their kin) are born white and their points darken for a year. Yorkshire terriers are born
black and tan and turn steel blue and gold from six months on. Red and brown poodles clear; golden retrievers become
darker, as their ears foretell. Black and brown dogs grey around the mouth and the eyes with age. What changes is the
coat's smooth colour and its contrast; single hairs stay where they are.
"""

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.growth.body_coat import body_coat
from engine.growth.face_growth import FaceGrowth
from engine.images.filters import gaussian_blur, smooth_ramp, smoothstep
from engine.images.matting import continued, cut_out
from engine.images.ycbcr import luma_of
from engine.vision.alignment import EYE_DISTANCE, EYE_HEIGHT
from engine.vision.head_parsing import LANDMARKS

_SIDE = 192  # px, in which smooth colours are worked out
_SMOOTH = 2.0  # px of these: what is finer are hairs
_PALER_POINTS = 0.25  # exponent of the coat's luma over a point's, by which this is lighter at eight weeks
_DARK = (0.28, 0.4)  # luma of a coat, up to which it is dark, and from which it is not
_GREYED = (0.05, 0.16)  # luma over the coat's, from which on a hair is taken for grey, and surely so
_BLACK_AND_TAN = 0.3  # share of its luma that a golden Yorkshire terrier's crown has as a puppy,
_BLACK_CONTRAST = 1.4  # whose exponent this is: black fur is darker in shadow, and shines
_BLACK_COLOUR = 0.6  # and of its colour
_BLACK_EDGE = 0.14  # eye distances, over which black and tan mix
_SHINE = 0.5  # exponent of how much darker a coat becomes, by which its hairs lose contrast
_TAN_SPOT = 0.7  # how much of the muzzle's tan the spots over its eyes have
_SPOT, _SPOT_ABOVE = (0.15, 0.1), 0.16  # eye distances, how wide and high these are, and how far above the eye
_CLEARING, _CLEARING_COLOUR = 0.82, 1.15  # shares of its luma and its colour that a red poodle's coat has
_TAN_CHEST = 0.5  # how much less of it is black where its chest is golden
_COLOURED = (0.1, 0.24)  # green less blue over the lightest, up to which fur is white or grey, and from which coloured
_PALE_FROM = (0.1, 0.35)  # luma, up to which fur is shadow or black, and from which on it may be paler
_PALE, _CREAM = 0.7, 0.7  # exponent of a golden coat's luma, and share of its colour, that its puppy has
# Eye distances from the chin: how far beside it a body may begin and end, and how much wider it is one farther down.
_NECK = (0.75, 1.25)
_WIDER_BELOW = 0.8
_NEVER_BODY = 1.45  # and from where on there is hardly any
_HAIRS = 0.18  # eye distances, as far as hairs stand out from the masks of head and body
_NO_HEAD = 0.02  # of the head's mask, up to which a place beside it is background
_BELOW = (-0.8, -0.2)  # y from the chin, from which on there may be body, and as well as anywhere farther down


class CoatChange(NamedTuple):
    """What is added to a face in -1..1 to give it the coat of eight weeks."""

    change: Tensor  # [1, 3, S, S]
    of_body: bool  # whether it changes more than the head


def younger_coat(face: Tensor, growth: FaceGrowth, margin: int = 0) -> CoatChange | None:
    """What changes in the coat's colour until eight weeks; None where nothing is known of this breed."""
    recolour = _RECOLOURED.get(growth.breed)
    if recolour is None:
        return None
    of_body = recolour not in _OF_THE_HEAD
    coat = _Coat(face, growth, margin, of_body)
    return CoatChange(coat.change(recolour(coat)) * growth.strength, of_body)


class _Coat:
    """The smooth colours of a coat, in [1, 3, _SIDE, _SIDE] of 0..1, and where in a face it is."""

    def __init__(self, face: Tensor, growth: FaceGrowth, margin: int, of_body: bool) -> None:
        self.growth = growth
        self._unit = (face + 1) / 2
        self._whole = face.shape[-1]
        self._margin = round(margin * _SIDE / self._whole)
        unit = EYE_DISTANCE * (self._whole - 2 * margin)
        self.unit = unit * _SIDE / self._whole  # px of these, an eye distance
        place = (torch.arange(_SIDE) + 0.5) * (self._whole / _SIDE) - margin
        self.x = ((place - (self._whole - 2 * margin) / 2) / unit)[None, None, None, :]
        self.y = ((place - EYE_HEIGHT * (self._whole - 2 * margin)) / unit)[None, None, :, None]
        small = F.interpolate(self._unit, (_SIDE, _SIDE), mode="area")
        head = F.pad(growth.head_mask(self._whole - 2 * margin), (margin,) * 4, mode="replicate").to(face)
        self.head = F.interpolate(head, (_SIDE, _SIDE), mode="area")
        body = self._body(small) if of_body else torch.zeros_like(self.head)
        reach = _HAIRS * self.unit
        self._cover = cut_out(self._unit, torch.maximum(self.head, body), reach)
        cover = F.interpolate(self._cover, (_SIDE, _SIDE), mode="area")
        self.colour = _blurred(continued(small, 1 - cover))  # of hairs that stand out too, without what is behind them
        self.luma = luma_of(self.colour)
        near, beside = (gaussian_blur(part, reach) for part in (self.head, body))
        self.of_head = near / (near + beside).clamp(min=1e-6)  # what of the coat here is the head's
        self._bare = self._features()
        self.fur = self.head * (1 - self._bare)

    def _features(self) -> Tensor:
        """[1, 1, R, R] 0..1: eyes, nose and an open mouth, which are no coat."""
        at = self.landmark
        nose = (at("nose_left") + at("nose_right") + at("nose_top") + at("nose_bottom")) / 4
        wide = float((at("nose_right") - at("nose_left")).norm()) / 2
        bare = self.near(nose, 0.9 * wide, 0.75 * wide)
        for side in ("left", "right"):
            inner, outer = at(f"eye_{side}_inner"), at(f"eye_{side}_outer")
            half = float((outer - inner).norm()) / 2
            eye = self.near((inner + outer) / 2, 0.75 * half, 0.55 * half)
            bare = torch.maximum(bare, eye * self.growth.parsed.eyes_open)
        chin = at("chin")
        mouth = self.near((nose + chin) / 2 + torch.tensor([0.0, 0.15]), 0.5, 0.6 * float((chin - nose).norm()))
        return torch.maximum(bare, mouth * self.growth.parsed.mouth_open)

    def _body(self, small: Tensor) -> Tensor:
        """[1, 1, R, R] 0..1: the coat of the body."""
        chin = self.landmark("chin")
        down = self.y - chin[1]
        aside = (self.x - chin[0]).abs() - _WIDER_BELOW * down.clamp(min=0)
        below = smooth_ramp(down, *_BELOW) * (1 - smooth_ramp(aside, *_NECK))
        beside = ((down < _BELOW[0]) | (aside > _NEVER_BODY)) & (self.head < _NO_HEAD)
        throat = self.near(chin + torch.tensor([0.0, 0.35]), 0.35, 0.2)
        inside = slice(self._margin, _SIDE - self._margin)
        parts = (small, self.head, throat, below, beside.float())
        small, head, throat, below, beside = (part[..., inside, inside] for part in parts)
        body = body_coat(small, head, throat, below, beside)
        # Beyond the photo's border, which may be that of the crop, there is no grain to tell a coat by.
        return F.pad(body, (self._margin,) * 4, mode="replicate")

    @cached_property
    def coloured(self) -> Tensor:
        """[1, 1, R, R]: 1 where fur is red, yellow or brown; 0 where it is white, grey or black, and on a tongue."""
        green, blue = self.colour[:, 1:2], self.colour[:, 2:]
        return smooth_ramp((green - blue) / self.colour.amax(1, keepdim=True).clamp(min=0.05), *_COLOURED)

    @property
    def muzzle(self) -> Tensor:
        """[1, 1, R, R]: 1 from nose to chin, falling to 0 beside it."""
        nose, chin = self.landmark("nose_bottom"), self.landmark("chin")
        return self.near((nose + chin) / 2, 0.5, 0.5 * float((chin - nose).norm()) + 0.3)

    @property
    def ears(self) -> Tensor:
        """[1, 1, R, R]: 1 on ears that are seen, falling to 0 beside them."""
        found = torch.zeros_like(self.head)
        for side in ("left", "right"):
            parts = [LANDMARKS.index(f"ear_{side}_{part}") for part in ("outer", "tip", "inner")]
            if bool(self.growth.seen[parts].all()):
                corners = self.growth.landmarks[parts]
                across, down = (corners.amax(0) - corners.amin(0)).tolist()
                found = torch.maximum(found, self.near(corners.mean(0), 0.5 * across, 0.5 * down))
        return found

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
        """From young smooth colours of the coat [1, 3, R, R] to what is added to the face.

        Hairs keep their contrast with it, and more of it where the coat becomes dark: black fur shines. What is seen
        between hairs stays.
        """
        ratio = ((luma_of(young) + 0.05) / (self.luma + 0.05)).clamp(0.1, 1.6)
        ratio = torch.where(ratio < 1, ratio**_SHINE, ratio)
        parts = (young - self.colour, ratio - 1, self.colour, 1 - self._bare)
        shift, gain, own, where = (F.interpolate(part, (self._whole,) * 2, mode="bicubic") for part in parts)
        cover = self._cover * where
        changed = self._unit + cover * (shift + cover * gain * (self._unit - own))
        return 2 * (changed.clamp(0, 1) - self._unit)


def _paler_points(coat: _Coat) -> Tensor:
    cream = coat.usual(coat.head, 0.9)
    lighter = (luma_of(cream) / coat.luma.clamp(min=0.04)).clamp(
        1.0, 6.0
    ) ** _PALER_POINTS  # the mask keeps its drawing
    warm = torch.tensor([1.0, 0.95, 0.88])[None, :, None, None]
    points = coat.colour * (1 + (lighter - 1) * warm)
    return points.clamp(0, 1)


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
    """Black crown, cheeks, ears and body; tan muzzle, a tan spot over each eye, and a chest that stays tan in part."""
    muzzle = coat.muzzle
    above = smoothstep(((0.75 - coat.y) / 0.6).clamp(0, 1))
    body = (1 - coat.of_head) * (1 - _TAN_CHEST * coat.coloured)
    shine = coat.luma.clamp(min=0.02) ** (_BLACK_CONTRAST - 1)
    black = _of_share(coat.colour, coat.luma, _BLACK_AND_TAN, _BLACK_COLOUR) * shine
    mixed = _blurred(above * (1 - muzzle), _BLACK_EDGE * coat.unit) * coat.of_head
    young = torch.lerp(coat.colour, black, (mixed + body).clamp(0, 1))
    tan = coat.usual(muzzle * coat.fur, 0.5)
    for side in ("left", "right"):
        inner, top = coat.landmark(f"eye_{side}_inner"), coat.landmark(f"eye_{side}_top")
        x, y = (coat.x - 1.1 * inner[0]) / _SPOT[0], (coat.y - top[1] + _SPOT_ABOVE) / _SPOT[1]
        spot = torch.exp(-x.square() - y.square())
        young = torch.lerp(young, tan, _TAN_SPOT * spot)
    return young


def _clearing(coat: _Coat) -> Tensor:
    """A coloured coat was darker and more colourful, of a dark one the grey is of age."""
    dark = _of_share(coat.colour, coat.luma, _CLEARING, _CLEARING_COLOUR)
    return torch.lerp(coat.colour, dark, coat.coloured) + _without_grey(coat) - coat.colour


def _paler(coat: _Coat) -> Tensor:
    """Coloured fur is lighter and nearer to cream, that of the ears by half as much: they foretell the adult's."""
    light = coat.luma.clamp(0.02, 1) ** _PALE
    cream = light * (1 + _CREAM * (coat.colour / coat.luma.clamp(min=0.02) - 1))
    where = smooth_ramp(coat.luma, *_PALE_FROM) * coat.coloured * (1 - 0.5 * coat.ears)
    return torch.lerp(coat.colour, cream.clamp(0, 1), where)


def _of_share(colour: Tensor, luma: Tensor, share: float, colourful: float) -> Tensor:
    """A colour with a share of its luma, and a share of what its parts differ from each other."""
    return torch.lerp(luma.expand_as(colour), colour, colourful) * share


def _blurred(colour: Tensor, sigma: float = _SMOOTH) -> Tensor:
    weight = gaussian_blur(torch.ones_like(colour[:, :1]), sigma)
    return gaussian_blur(colour, sigma) / weight


_RECOLOURED: dict[str, Callable[[_Coat], Tensor]] = {
    **dict.fromkeys(("balinese", "birman", "himalayan", "ragdoll", "siamese", "tonkinese"), _paler_points),
    "yorkshire_terrier": _black_and_tan,
    "golden_retriever": _paler,
    "poodle": _clearing,
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
            "schipperke",
            "scottish_terrier",
            "vizsla",
        ),
        _without_grey,
    ),
}
_OF_THE_HEAD = (_paler_points, _without_grey)  # all others change the body too
BREEDS_WITH_YOUNG_COATS = frozenset(_RECOLOURED)
