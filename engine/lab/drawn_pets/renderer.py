"""Draws pets from their parameters, vectorised over a batch.

Everything is soft shapes on the face plane, whose unit is the distance between the eyes: the eyes lie at (±0.5, 0),
x to the right, y down. The plane is framed like aligned photos (`engine.vision.alignment`), so that drawn pets and
photos share their places. Fur is oriented noise: strokes follow the coat away from the nose. Age moves what is drawn
as growth measured on real animals does (`engine.lab.drawn_pets.pet_growth`), and changes fur and eyes as in portraits.
"""

import math
from collections.abc import Mapping
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.growth.detail import SOFTER, younger_share
from engine.growth.eyes import COVERING, PUPIL_OF_BLUE, PUPILS, young_iris
from engine.lab.drawn_pets.anatomy import SIDES, Anatomy
from engine.lab.drawn_pets.parameters import INDEX
from engine.lab.drawn_pets.pet_growth import sources
from engine.messages import Head, Point, Species
from engine.vision.alignment import EYE_DISTANCE, EYE_HEIGHT

_NOISE_SIZE = 256

_BLACK = (0.09, 0.08, 0.085)
_ROSE = (0.78, 0.5, 0.48)
_INK = (0.13, 0.08, 0.08)
_TONGUE = (0.88, 0.5, 0.52)
_EAR_PINK = (0.85, 0.62, 0.56)
_POINTS = (0.2, 0.14, 0.12)
_WHITE = (1.0, 1.0, 1.0)

# Blurred lights of the background: x, y, size.
_BLOBS = ((-1.3, -1.0, 0.5), (1.4, -0.5, 0.7), (-1.5, 0.9, 0.6), (1.2, 1.5, 0.5))


def render(pets: Tensor, resolution: int = 128) -> Tensor:
    """Pictures [N, 3, R, R] in -1..1 of pets [N, P] (see `engine.lab.drawn_pets.parameters`)."""
    drawing = _Drawing(pets, resolution)
    drawing.background()
    drawing.body()
    drawing.standing_ears()
    drawing.head()
    drawing.hanging_ears()
    drawing.mouth()
    drawing.nose()
    drawing.eyes()
    drawing.whiskers()
    return drawing.developed()


def heads_of(pets: Tensor, side: int) -> list[Head]:
    """Where the heads of drawn adults lie in pictures of `side` pixels, as a face finder would say."""
    adults = Anatomy(pets)
    unit = EYE_DISTANCE * side

    def at(x: float, y: float) -> Point:
        return side / 2 + x * unit, EYE_HEIGHT * side + y * unit

    rows = (adults.head_width, adults.top, adults.jaw, adults.nose_x, adults.muzzle_length)
    heads = []
    for half_width, top, jaw, nose_x, nose_y in torch.stack([row.flatten() for row in rows], dim=1).tolist():
        box = (*at(-half_width, top), *at(half_width, jaw))
        heads.append(Head(box, at(-0.5, 0.0), at(0.5, 0.0), at(nose_x, nose_y), 1.0))
    return heads


class _Drawing:
    """One batch being drawn from back to front. Parameters are [N, 1, 1], fields [N, R, R], colours [N, 3, 1, 1]."""

    def __init__(self, pets: Tensor, resolution: int) -> None:
        self._pets = pets
        self._adult = Anatomy(pets)
        self._pixel = 1 / (resolution * EYE_DISTANCE)
        self._image = pets.new_zeros(len(pets), 3, resolution, resolution)
        ages = self["age"].clamp(-0.5, 1.2)
        # Drawn as the adult, on a plane that growth has moved: fur and markings lie on the skin and go with it.
        plane, self._behind = sources(self._adult, ages.flatten(), resolution)
        self._x, self._y = plane.unbind(dim=-1)
        self._looks = younger_share(ages)  # what of a young animal's fur and eyes is there
        # The muzzle's own coordinates: a turned head carries it aside.
        self._mx = self._x - self._adult.nose_x
        self._my = self._y - self._adult.muzzle_length - 0.05
        self._comb()

    def _comb(self) -> None:
        """Fur strokes in polar coordinates around the bridge of the nose: thin across, long along the hair."""
        cx, cy = self._x - 0.25 * self._adult.yaw, self._y - 0.35
        curl = self["curl"].clamp(0, 1.3)
        self._radius = torch.sqrt(cx.square() + cy.square() + 1e-4)
        self._angle = torch.atan2(cx, -cy) / math.pi
        wobble = curl * 0.05 * torch.sin(14 * cx + 3 * torch.sin(9 * cy)) * torch.sin(13 * cy + 2 * torch.sin(11 * cx))
        # The coat as it is grown decides where its strokes lie, so that they stay the pet's own at every age.
        along = self._radius * (0.2 - 0.11 * self["fur_length"].clamp(0, 1.2)) + 0.5 * wobble
        noise = _stroke_noise().to(self._pets)
        strokes = _sample(noise, self._angle * 0.5 + wobble, along)
        fine_strokes = _sample(noise, self._angle * 1.2 + 2 * wobble, along * 2.3 + 0.37)
        broad, fine = 0.6 * strokes[:, 0], 0.5 * fine_strokes[:, 1]
        self._fur = broad + fine
        self._tuft = self._fur * (0.015 + 0.075 * self._adult.fur_length)
        finest, finer = (self._by_species({one: SOFTER[one][i] for one in Species}) * self._looks for i in (0, 1))
        softened = broad * (1 - finer) + fine * (1 - finest)
        self._grain = 1 + 0.26 * self["fur_contrast"].clamp(0, 1) * softened

    def __getitem__(self, name: str) -> Tensor:
        """A parameter [N, 1, 1]."""
        return self._pets[:, INDEX[name], None, None]

    def _by_species(self, values: Mapping[Species, float]) -> Tensor:
        """[N, 1, 1]."""
        return torch.where(self["cat"] > 0, values[Species.CAT], values[Species.DOG])

    def _colour(self, name: str) -> Tensor:
        columns = [INDEX[f"{name}_{part}"] for part in ("red", "green", "blue")]
        return self._pets[:, columns, None, None].clamp(0.02, 1)

    def _fixed(self, colour: tuple[float, float, float]) -> Tensor:
        return self._pets.new_tensor(colour)[:, None, None]

    def _edge(self, distance: Tensor, softness: Tensor | float = 0.03) -> Tensor:
        """1 inside (distance below 0), 0 outside."""
        return torch.sigmoid(-distance / (softness + 0.35 * self._pixel))

    def _fluff(self, distance: Tensor) -> Tensor:
        """A furry outline: the longer the coat, the more the strokes break it."""
        return self._edge(distance + self._tuft, 0.02 + 0.05 * self._adult.fur_length)

    def _paint(self, colour: Tensor, alpha: Tensor) -> None:
        self._image = _mix(self._image, colour, alpha)

    def background(self) -> None:
        """Two colours and blurred lights."""
        x, y = self._behind.unbind(dim=-1)
        height = ((y + 1.9) / 4.25).clamp(0, 1)
        top, bottom = self._colour("top"), self._colour("bottom")
        self._image = _mix(top.expand_as(self._image), bottom, torch.sigmoid(9 * (height - 0.55)))
        for k, (px, py, size) in enumerate(_BLOBS):
            dx, dy = x - px - 0.4 * self["blob_x"], y - py - 0.4 * self["blob_y"]
            tone = (bottom if k % 2 else top) * (1.5 if k in (0, 3) else 0.5)
            blob = _bump((dx.square() + dy.square()) / size**2)
            self._paint(tone.clamp(0, 1), (blob * self["blobs"]).clamp(0, 0.9))

    def body(self) -> None:
        """Chest and shoulders, and a collar where there is one."""
        x, yaw = self._x, self._adult.yaw
        top = self._adult.jaw * 0.8 + 0.1
        body = torch.sqrt(((x - 0.1 * yaw) / self["body_width"]).square() + ((self._y - top - 1.3) / 1.35).square()) - 1
        alpha = self._fluff(body * 0.8)
        bib = (self["bib"] * _bump(((x - 0.1 * yaw) / 0.6).square())).clamp(0, 1)
        chest = _mix(self._colour("coat"), self._colour("second"), bib)
        self._paint(_shaded(chest, self._grain * (0.82 - 0.12 * body.clamp(-1, 1))), alpha)
        neck = top + 0.25 + 0.12 * (1 - (x / 1.2).square())
        beside = (x - 0.1 * yaw).abs() - 0.75 * self["body_width"]
        strap = self._edge((self._y - neck).abs() - 0.07) * self._edge(beside)
        self._paint(self._colour("collar"), strap * torch.sigmoid(8 * self["collar"]) * alpha)

    def _ear_coat(self) -> Tensor:
        coat = self._colour("coat")
        return _mix(coat, coat * 0.3, (self["ear_dark"] + self["points"]).clamp(0, 1))

    def standing_ears(self) -> None:
        """Cones from the skull up, the tips leaning out a little; as opaque as the ears stand."""
        fur = self._adult.fur_length.unsqueeze(1)
        pink = (self._colour("coat") * 0.5 + self._fixed(_EAR_PINK) * 0.5) * (1 - 0.175 * fur)
        for side in SIDES.values():
            t, middle = self._adult.along_cone(self._y, side)
            wide = self._adult.ear_width(side)
            cone = self._adult.standing_ear(self._x, self._y, side)
            alpha = self._edge(cone + self._tuft * 0.5, 0.025 + 0.02 * self._adult.fur_length) * self._adult.standing
            self._paint(_shaded(self._ear_coat(), self._grain * 0.92), alpha)
            inner = (self._x - middle - side * 0.03).abs() - wide * (0.92 - t * 1.12).clamp(min=0).pow(0.8) * 0.4
            self._paint(_shaded(pink, self._grain * 0.9), self._edge(inner, 0.05) * alpha * 0.75)

    def hanging_ears(self) -> None:
        """Drops beside the cheeks, over the head; as opaque as the ears hang."""
        for side in SIDES.values():
            leaf = self._adult.hanging_ear(self._x, self._y, side)
            shade = self._grain * (0.86 - 0.12 * leaf.clamp(-1, 1))
            self._paint(_shaded(self._ear_coat(), shade), self._fluff(leaf * 0.5) * (1 - self._adult.standing))

    def head(self) -> None:
        """A superellipse with the muzzle's bulge and cheeks, in its coat, lit like a ball."""
        x, y = self._x, self._y
        muzzle = self._adult.muzzle(x, y)
        alpha = self._fluff(self._adult.head(x, y))

        hx, hy = self._adult.on_ball(x, y)
        nx, ny = hx.clamp(-1.2, 1.2), hy.clamp(-1.2, 1.2)
        light = 0.92 + 0.13 * (nx * self["light_x"] + ny * self["light_y"])
        light = light - 0.096 * (nx.square() + ny.square()).clamp(0, 1.4).square()
        for side in SIDES.values():
            light = light - 0.13 * _bump(
                ((x - side * 0.5) / (1.9 * self._adult.eye)).square() + (y / (1.6 * self._adult.eye)).square()
            )
        bulge = _bump((self._mx / (self._adult.muzzle_width * 0.8)).square() + ((self._my + 0.12) / 0.3).square())
        crease = _bump(((muzzle - 0.08) / 0.14).square()) * torch.sigmoid(6 * (y - 0.25))
        self._paint(_shaded(self._coat(), self._grain * (light + 0.1 * bulge - 0.2 * crease)), alpha)

    def _coat(self) -> Tensor:
        """The head's coat with its markings: [N, 3, R, R]."""
        x, y, mx = self._x, self._y, self._mx
        coat, second = self._colour("coat"), self._colour("second")
        dark = coat * 0.3
        fill = coat.expand_as(self._image)
        cap = torch.sigmoid(6 * (-0.25 - y - 0.4 * x.abs() + 0.5 * x.square()))
        fill = _mix(fill, dark, (self["cap"] * cap).clamp(0, 0.95))
        face = _bump((mx / 0.75).square() + ((y - self._adult.muzzle_length * 0.75) / 0.7).square())
        cheek = torch.sigmoid(7 * (y - 0.35 - 0.25 * (1 - x.abs()) + 0.06 * self._fur))
        fill = _mix(fill, second, (self["bib"] * torch.maximum(cheek, face)).clamp(0, 1))
        leaning = y.clamp(-1, 1)
        blaze = _bump(((x - 0.3 * self._adult.yaw * leaning) / (0.2 + 0.1 * leaning)).square())
        blaze = blaze * torch.sigmoid(8 * (y + self._adult.forehead * 0.95))
        fill = _mix(fill, second, (self["blaze"] * blaze * 1.25).clamp(0, 1))
        patch = self["patch"] * _bump(((x + 0.62) / 0.5).square() + ((y + 0.1) / 0.62).square())
        fill = _mix(fill, torch.where(self["cap"].unsqueeze(1) > 0.3, dark, second), (patch * 1.3).clamp(0, 1))
        fill = _mix(fill, coat * 0.42, (self["stripes"] * 0.75 * self._stripes()).clamp(0, 0.9))
        for side in SIDES.values():
            brow = _bump(((x - side * 0.45 - 0.15 * self._adult.yaw) / 0.16).square() + ((y + 0.33) / 0.1).square())
            fill = _mix(fill, second, (self["brows"] * brow).clamp(0, 1))
        fill = _mix(fill, dark, (self["mask"] * (face * 1.35).clamp(0, 1)).clamp(0, 0.95))
        points = _bump((mx / 0.62).square() + ((y - 0.4) / 0.75).square())
        return _mix(fill, self._fixed(_POINTS), (self["points"] * points * 1.2).clamp(0, 0.9))

    def _stripes(self) -> Tensor:
        """A tabby's bars: an M on the forehead, rays on the cheeks."""
        angle, radius, phase = self._angle * math.pi, self._radius, self["stripe_phase"]
        tabby = torch.sin(6.5 * angle + 2.5 * radius + 3 * phase) * torch.sin(9 * radius + 6 * phase + 2 * angle.abs())
        above = torch.sigmoid(6 * (tabby - 0.15)) * torch.sigmoid(5 * (0.35 - self._y))
        beside = torch.sigmoid(6 * (tabby - 0.3)) * torch.sigmoid(5 * (self._x.abs() - 0.55))
        return above + beside

    def mouth(self) -> None:
        """Lips, and a tongue where the mouth is open."""
        mx, y, width = self._mx, self._y, self._adult.muzzle_width
        lip = self._adult.lip
        curve = lip + 0.1 * torch.cos((mx / width * 3.1).clamp(-3.14, 3.14)) - 0.14
        below = self._edge(curve - 0.02 - y) * torch.sigmoid(8 * self["tongue"])
        gum = torch.sqrt((mx / (0.68 * width)).square() + ((y - lip - 0.08) / 0.26).square()) - 1
        self._paint(self._fixed(_INK), self._edge(gum * 0.4) * below * 0.9)
        tongue = torch.sqrt((mx / (0.5 * width)).square() + ((y - lip - 0.16) / 0.27).square()) - 1
        light = 0.95 - 0.25 * _bump((mx / 0.05).square())
        self._paint(_shaded(self._fixed(_TONGUE), light), self._edge(tongue * 0.4) * below)
        line = _bump(((y - curve) / 0.028).square()) * self._edge(mx.abs() - 0.72 * width, 0.05)
        cleft = _bump((mx / 0.022).square()) * self._edge((y - lip + 0.06).abs() - 0.1, 0.03)
        self._paint(self._fixed(_INK), torch.maximum(line, cleft) * 0.7)

    def nose(self) -> None:
        """Two lobes, nostrils, a wet highlight."""
        size = self._adult.nose_size
        x, y = self._mx / size, (self._y - self._adult.muzzle_length) / size
        wing = torch.sqrt(x.square() + ((y + 0.25) / 0.72 + 0.35 * x.square()).square()) - 1
        alpha = self._edge(wing * size, 0.015)
        pink = torch.sigmoid(9 * (self["nose_pink"] - 0.4)).unsqueeze(1)
        black = self._fixed(_BLACK)
        self._paint(black + (self._fixed(_ROSE) - black) * pink, alpha)
        for side in SIDES.values():
            hole = _bump(((x - side * 0.45) / 0.22).square() + ((y + 0.05) / 0.2).square())
            self._paint(black * 0.4, hole * 0.8 * alpha)
        wet = _bump(((x + 0.1) / 0.5).square() + ((y + 0.55) / 0.16).square())
        self._paint(self._fixed(_WHITE), wet * alpha * 0.4)

    def eyes(self) -> None:
        """Dark rim, iris, pupil (a slit in cats, round in kittens), catchlight, lids."""
        eye, cat = self._adult.eye, self._adult.cat
        iris, young_pupil = self._iris()
        across, down = 0.42 - 0.1 * cat, 0.42 + 0.24 * cat
        across, down = (torch.lerp(radius, young_pupil, self._looks) for radius in (across, down))
        black, closed, squint = self._fixed(_BLACK), self._adult.lid, self._adult.squint
        for side in SIDES.values():
            x, y = (self._x - side * 0.5) / eye, self._y / eye
            tilt = y + side * x * self._adult.slant
            ball = torch.sqrt(x.square() + (tilt / squint).square()) - 1
            rim = self._edge((ball - 0.16) * eye, 0.018)
            self._paint(black, rim * 0.92)
            inside = self._edge(ball * eye, 0.012)
            round_ = torch.sqrt(x.square() + y.square() + 1e-5)
            colour = _shaded(iris, 0.75 + 0.3 * tilt.clamp(-1, 1))
            self._paint(colour, inside * self._edge((round_ - 1.02) * eye, 0.012))
            pupil = torch.sqrt((x / across).square() + (y / down).square()) - 1
            self._paint(black * 0.5, inside * self._edge(pupil * eye * 0.6, 0.015))
            gleam = _bump(((x + 0.3) / 0.2).square() + ((y + 0.34) / 0.18).square())
            self._paint(self._fixed(_WHITE), inside * gleam * 0.95)
            lid = self._edge((tilt + squint * (0.95 - 0.8 * closed)) * eye, 0.02) * rim
            self._paint(self._colour("coat") * 0.45, lid * 0.8)

    def _iris(self) -> tuple[Tensor, Tensor]:
        """The irises' colour [N, 3, 1, 1], and how wide pupils are at eight weeks [N, 1, 1], in half widths."""
        own = self._colour("eye")
        (cats, cats_blue), (dogs, dogs_blue) = (young_iris(own, one) for one in (Species.CAT, Species.DOG))
        is_cat = self["cat"] > 0
        young = torch.where(is_cat.unsqueeze(1), cats, dogs)
        pupil = self._by_species(PUPILS) * (1 - PUPIL_OF_BLUE * torch.where(is_cat, cats_blue, dogs_blue))
        return torch.lerp(own, young, COVERING * self._looks.unsqueeze(1)), pupil

    def whiskers(self) -> None:
        """A cat's, as faint light lines."""
        aside = self._mx.abs()
        reach = _bump(((aside - 0.75) / 0.45).square())
        for slope, lift in ((0.08, 0.02), (-0.12, 0.1)):
            hair = _bump(((self._y - self._adult.muzzle_length - lift - slope * aside) / 0.014).square())
            self._paint(self._fixed(_WHITE) * 0.9, hair * reach * self._adult.cat * 0.3)

    def developed(self) -> Tensor:
        """The picture in its light, [N, 3, R, R] in -1..1."""
        warmth = self["warmth"]
        balance = torch.stack([1 + warmth, torch.ones_like(warmth), 1 - warmth], dim=1)
        return (self._image * self["exposure"].unsqueeze(1) * balance).clamp(0, 1) * 2 - 1


@cache
def _stroke_noise() -> Tensor:
    """Two channels of band-limited noise, always the same so that a network can learn its places."""
    generator = torch.Generator().manual_seed(20)
    noise = torch.randn(1, 2, _NOISE_SIZE, _NOISE_SIZE, generator=generator)
    padded = F.pad(noise, (2, 2, 2, 2), mode="circular")
    smooth = F.avg_pool2d(padded, 3, stride=1)[:, :, 1:-1, 1:-1]
    return smooth / smooth.std()


def _sample(noise: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The noise at (x, y) in tiles, [N, H, W] each: [N, 2, H, W]."""
    grid = torch.stack([_folded(x), _folded(y)], dim=-1)
    return F.grid_sample(noise.expand(len(x), -1, -1, -1), grid, align_corners=True, padding_mode="reflection")


def _folded(t: Tensor) -> Tensor:
    """A coordinate in mirrored tiles, which have no seam."""
    return 1 - 2 * (torch.remainder(t, 2.0) - 1).abs()


def _bump(squared_distance: Tensor) -> Tensor:
    return torch.exp(-squared_distance)


def _mix(base: Tensor, colour: Tensor, alpha: Tensor) -> Tensor:
    """Paint colour [N, 3, 1, 1] or [N, 3, H, W] over base with alpha [N, H, W]."""
    return base + (colour - base) * alpha.unsqueeze(-3)


def _shaded(colour: Tensor, light: Tensor) -> Tensor:
    return (colour * light.unsqueeze(-3)).clamp(0, 1)
