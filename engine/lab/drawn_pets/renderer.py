"""Draws pets from their parameters, vectorised over a batch.

Everything is soft shapes on the face plane, whose unit is the distance between the eyes: the eyes lie at (±0.5, 0),
x to the right, y down. The plane is framed like aligned photos (`engine.vision.alignment`), so that drawn pets and
photos share their places. Fur is oriented noise: strokes follow the coat away from the nose.
"""

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.growth.face_plane import face_plane
from engine.lab.drawn_pets.drawn_growth import source_points
from engine.lab.drawn_pets.landmarks import Landmarks
from engine.lab.drawn_pets.parameters import INDEX
from engine.messages import Head, Point
from engine.vision.alignment import EYE_DISTANCE, EYE_HEIGHT

_NOISE_SIZE = 256

_BLACK = (0.09, 0.08, 0.085)
_ROSE = (0.78, 0.5, 0.48)
_INK = (0.13, 0.08, 0.08)
_TONGUE = (0.88, 0.5, 0.52)
_EAR_PINK = (0.85, 0.62, 0.56)
_POINTS = (0.2, 0.14, 0.12)
_NEWBORN_IRIS = (0.36, 0.44, 0.55)
_WHITE = (1.0, 1.0, 1.0)

# Blurred lights of the background: x, y, size.
_BLOBS = ((-1.3, -1.0, 0.5), (1.4, -0.5, 0.7), (-1.5, 0.9, 0.6), (1.2, 1.5, 0.5))
_SIDES = (-1.0, 1.0)


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
    drawing = _Drawing(pets, 4)
    unit = EYE_DISTANCE * side

    def at(x: float, y: float) -> Point:
        return side / 2 + x * unit, EYE_HEIGHT * side + y * unit

    heads = []
    for half_width, top, jaw, nose_x, nose_y in drawing.outlines():
        box = (*at(-half_width, top), *at(half_width, jaw))
        heads.append(Head(box, at(-0.5, 0.0), at(0.5, 0.0), at(nose_x, nose_y), 1.0))
    return heads


class _Drawing:
    """One batch being drawn from back to front. Parameters are [N, 1, 1], fields [N, R, R], colours [N, 3, 1, 1]."""

    def __init__(self, pets: Tensor, resolution: int) -> None:
        self._pets = pets
        self._resolution = resolution
        self._pixel = 1 / (resolution * EYE_DISTANCE)
        self._image = pets.new_zeros(len(pets), 3, resolution, resolution)
        self._build()
        points = face_plane(resolution, pets.device).to(pets.dtype)
        # Drawn as the adult, on a plane that growth has moved: fur and markings lie on the skin and go with it.
        self._x, self._y = source_points(points, self._landmarks(), self._young.flatten()).unbind(dim=-1)
        # The muzzle's own coordinates: a turned head carries it aside.
        self._mx = self._x - 0.45 * self._yaw
        self._my = self._y - self._muzzle_length - 0.05
        self._comb()

    def _build(self) -> None:
        """The adult's proportions; what of them age changes is a matter of `engine.lab.drawn_pets.drawn_growth`."""
        self._young = self["age"].clamp(-0.5, 1.2)
        self._cat = torch.sigmoid(3 * self["cat"])
        self._yaw = self["yaw"]
        self._eye = self["eye_size"].clamp(0.08, 0.3)
        self._muzzle_length = (self["muzzle_length"] + 0.35 * self["pitch"]).clamp(0.4, 1.4)
        self._muzzle_width = self["muzzle_width"].clamp(0.2, 0.8)
        self._nose_size = self["nose_size"].clamp(0.06, 0.25)
        self._forehead = self["forehead"].clamp(0.6, 1.7)
        self._jaw = torch.maximum(self["jaw"], self._muzzle_length + 0.34).clamp(0.8, 1.8)
        self._head_width = self["head_width"]
        self._squareness = self["squareness"].clamp(1.7, 3)
        self._ear_size = self["ear_size"].clamp(0.3, 2)
        self._fur_length = (self["fur_length"] * (1 - 0.35 * self._young)).clamp(0, 1.2)
        self._body_width = self["body_width"]

    def _landmarks(self) -> Landmarks:
        """Where the adult's parts lie on the face plane."""
        count = len(self._pets)
        eyes = self._pets.new_tensor([[-0.5, 0.0], [0.5, 0.0]]).expand(count, 2, 2)
        nose = torch.stack([0.45 * self._yaw.flatten(), self._muzzle_length.flatten()], dim=1)
        return Landmarks(eyes, nose, self._top().flatten(), self["cat"].flatten() > 0)

    def _top(self) -> Tensor:
        """The head's upper end, ears included."""
        standing = torch.sigmoid(5 * self["ear_erect"])
        return -torch.maximum(self._forehead, standing * (0.45 * self._forehead + 0.95 * self._ear_size))

    def _comb(self) -> None:
        """Fur strokes in polar coordinates around the bridge of the nose: thin across, long along the hair."""
        cx, cy = self._x - 0.25 * self._yaw, self._y - 0.35
        curl = self["curl"].clamp(0, 1.3)
        self._radius = torch.sqrt(cx.square() + cy.square() + 1e-4)
        self._angle = torch.atan2(cx, -cy) / math.pi
        wobble = curl * 0.05 * torch.sin(14 * cx + 3 * torch.sin(9 * cy)) * torch.sin(13 * cy + 2 * torch.sin(11 * cx))
        # The coat as it is grown decides where its strokes lie, so that they stay the pet's own at every age.
        along = self._radius * (0.2 - 0.11 * self["fur_length"].clamp(0, 1.2)) + 0.5 * wobble
        noise = _stroke_noise().to(self._pets)
        strokes = _sample(noise, self._angle * 0.5 + wobble, along)
        fine_strokes = _sample(noise, self._angle * 1.2 + 2 * wobble, along * 2.3 + 0.37)
        self._fur = 0.6 * strokes[:, 0] + 0.5 * fine_strokes[:, 1]
        self._tuft = self._fur * (0.015 + 0.075 * self._fur_length)
        contrast = (self["fur_contrast"] * (1 - 0.35 * self._young)).clamp(0, 1)
        self._grain = 1 + 0.26 * contrast * self._fur

    def outlines(self) -> list[list[float]]:
        """Each adult head's half width, top (ears included), chin, and the place of its nose, on the face plane."""
        rows = (self._head_width, self._top(), self._jaw, 0.45 * self._yaw, self._muzzle_length)
        table: list[list[float]] = torch.stack([row.flatten() for row in rows], dim=1).tolist()
        return table

    def __getitem__(self, name: str) -> Tensor:
        """A parameter [N, 1, 1]."""
        return self._pets[:, INDEX[name], None, None]

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
        return self._edge(distance + self._tuft, 0.02 + 0.05 * self._fur_length)

    def _paint(self, colour: Tensor, alpha: Tensor) -> None:
        self._image = _mix(self._image, colour, alpha)

    def background(self) -> None:
        """Two colours and blurred lights."""
        height = ((self._y + 1.9) / 4.25).clamp(0, 1)
        top, bottom = self._colour("top"), self._colour("bottom")
        self._image = _mix(top.expand_as(self._image), bottom, torch.sigmoid(9 * (height - 0.55)))
        for k, (px, py, size) in enumerate(_BLOBS):
            dx, dy = self._x - px - 0.4 * self["blob_x"], self._y - py - 0.4 * self["blob_y"]
            tone = (bottom if k % 2 else top) * (1.5 if k in (0, 3) else 0.5)
            blob = _bump((dx.square() + dy.square()) / size**2)
            self._paint(tone.clamp(0, 1), (blob * self["blobs"]).clamp(0, 0.9))

    def body(self) -> None:
        """Chest and shoulders, and a collar where there is one."""
        x, yaw = self._x, self._yaw
        top = self._jaw * 0.8 + 0.1
        body = torch.sqrt(((x - 0.1 * yaw) / self._body_width).square() + ((self._y - top - 1.3) / 1.35).square()) - 1
        alpha = self._fluff(body * 0.8)
        bib = (self["bib"] * _bump(((x - 0.1 * yaw) / 0.6).square())).clamp(0, 1)
        chest = _mix(self._colour("coat"), self._colour("second"), bib)
        self._paint(_shaded(chest, self._grain * (0.82 - 0.12 * body.clamp(-1, 1))), alpha)
        neck = top + 0.25 + 0.12 * (1 - (x / 1.2).square())
        strap = self._edge((self._y - neck).abs() - 0.07) * self._edge((x - 0.1 * yaw).abs() - 0.75 * self._body_width)
        self._paint(self._colour("collar"), strap * torch.sigmoid(8 * self["collar"]) * alpha)

    def _ear_coat(self) -> Tensor:
        coat = self._colour("coat")
        return _mix(coat, coat * 0.3, (self["ear_dark"] + self["points"]).clamp(0, 1))

    def _ear_width(self, side: float) -> Tensor:
        return self["ear_width"] * (1 + 0.25 * side * self._yaw) * (0.85 + 0.15 * self._ear_size)

    def standing_ears(self) -> None:
        """Cones from the skull up, the tips leaning out a little; as opaque as the ears stand."""
        standing = torch.sigmoid(5 * self["ear_erect"])
        fur = self._fur_length.unsqueeze(1)
        pink = (self._colour("coat") * 0.5 + self._fixed(_EAR_PINK) * 0.5) * (1 - 0.175 * fur)
        base = -0.45 * self._forehead
        tip = 0.95 * self._ear_size + 0.12 * self._cat
        t = ((base - self._y) / tip).clamp(-0.6, 1.6)  # 0 at the skull, 1 at the tip
        for side in _SIDES:
            root = side * self["ear_spread"] * self._head_width / 1.22 + 0.2 * self._yaw
            wide = self._ear_width(side)
            centre = root + side * 0.16 * t
            cone = (self._x - centre).abs() - wide * (1 - t).clamp(min=0).pow(0.75) * 0.62
            cone = torch.maximum(cone, torch.maximum((self._y - base - 0.25) * 0.8, base - tip - self._y))
            alpha = self._edge(cone + self._tuft * 0.5, 0.025 + 0.02 * self._fur_length) * standing
            self._paint(_shaded(self._ear_coat(), self._grain * 0.92), alpha)
            inner = (self._x - centre - side * 0.03).abs() - wide * (0.92 - t * 1.12).clamp(min=0).pow(0.8) * 0.4
            self._paint(_shaded(pink, self._grain * 0.9), self._edge(inner, 0.05) * alpha * 0.75)

    def hanging_ears(self) -> None:
        """Drops beside the cheeks, over the head; as opaque as the ears hang."""
        standing = torch.sigmoid(5 * self["ear_erect"])
        drop = self._ear_size * 0.72
        y = self._y + 0.4 * self._forehead - drop
        for side in _SIDES:
            x = self._x - side * (self._head_width * 0.9 + 0.02) - 0.2 * self._yaw
            swell = self._ear_width(side) * 0.62 * (1 + 0.3 * (y / drop).clamp(-1, 1))
            leaf = torch.sqrt(((x - side * 0.06 * y) / swell).square() + (y / drop).square()) - 1
            shade = self._grain * (0.86 - 0.12 * leaf.clamp(-1, 1))
            self._paint(_shaded(self._ear_coat(), shade), self._fluff(leaf * 0.5) * (1 - standing))

    def head(self) -> None:
        """A superellipse with the muzzle's bulge and cheeks, in its coat, lit like a ball."""
        x, y, p = self._x, self._y, self._squareness
        height = torch.where(y < 0.15, self._forehead + 0.15, self._jaw - 0.15)
        hx = (x - 0.08 * self._yaw) / (self._head_width * (1 - 0.08 * (y - 0.2).clamp(-1, 1)))
        hy = (y - 0.15) / height
        outline = (hx.abs().clamp(min=1e-3).pow(p) + hy.abs().clamp(min=1e-3).pow(p)).pow(1 / p) - 1
        muzzle = (
            torch.sqrt((self._mx / self._muzzle_width).square() + (self._my / (0.42 - 0.1 * self._cat)).square()) - 1
        )
        beside = ((x.abs() - self._head_width) / 0.4).square() + ((y - 0.75) / 0.45).square()
        cheeks = self["cheeks"] * _bump(beside)
        alpha = self._fluff(torch.minimum(outline * 0.9 - cheeks, muzzle * 0.4 + 0.02))

        nx, ny = hx.clamp(-1.2, 1.2), hy.clamp(-1.2, 1.2)
        light = 0.92 + 0.13 * (nx * self["light_x"] + ny * self["light_y"])
        light = light - 0.096 * (nx.square() + ny.square()).clamp(0, 1.4).square()
        for side in _SIDES:
            light = light - 0.13 * _bump(
                ((x - side * 0.5) / (1.9 * self._eye)).square() + (y / (1.6 * self._eye)).square()
            )
        bulge = _bump((self._mx / (self._muzzle_width * 0.8)).square() + ((self._my + 0.12) / 0.3).square())
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
        face = _bump((mx / 0.75).square() + ((y - self._muzzle_length * 0.75) / 0.7).square())
        cheek = torch.sigmoid(7 * (y - 0.35 - 0.25 * (1 - x.abs()) + 0.06 * self._fur))
        fill = _mix(fill, second, (self["bib"] * torch.maximum(cheek, face)).clamp(0, 1))
        leaning = y.clamp(-1, 1)
        blaze = _bump(((x - 0.3 * self._yaw * leaning) / (0.2 + 0.1 * leaning)).square())
        blaze = blaze * torch.sigmoid(8 * (y + self._forehead * 0.95))
        fill = _mix(fill, second, (self["blaze"] * blaze * 1.25).clamp(0, 1))
        patch = self["patch"] * _bump(((x + 0.62) / 0.5).square() + ((y + 0.1) / 0.62).square())
        fill = _mix(fill, torch.where(self["cap"].unsqueeze(1) > 0.3, dark, second), (patch * 1.3).clamp(0, 1))
        fill = _mix(fill, coat * 0.42, (self["stripes"] * 0.75 * self._stripes()).clamp(0, 0.9))
        for side in _SIDES:
            brow = _bump(((x - side * 0.45 - 0.15 * self._yaw) / 0.16).square() + ((y + 0.33) / 0.1).square())
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
        mx, y, width = self._mx, self._y, self._muzzle_width
        lip = self._muzzle_length + 0.24 + 0.1 * width
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
        size = self._nose_size
        x, y = self._mx / size, (self._y - self._muzzle_length) / size
        wing = torch.sqrt(x.square() + ((y + 0.25) / 0.72 + 0.35 * x.square()).square()) - 1
        alpha = self._edge(wing * size, 0.015)
        pink = torch.sigmoid(9 * (self["nose_pink"] - 0.4 + 0.12 * self._young)).unsqueeze(1)
        black = self._fixed(_BLACK)
        self._paint(black + (self._fixed(_ROSE) - black) * pink, alpha)
        for side in _SIDES:
            hole = _bump(((x - side * 0.45) / 0.22).square() + ((y + 0.05) / 0.2).square())
            self._paint(black * 0.4, hole * 0.8 * alpha)
        wet = _bump(((x + 0.1) / 0.5).square() + ((y + 0.55) / 0.16).square())
        self._paint(self._fixed(_WHITE), wet * alpha * 0.4)

    def eyes(self) -> None:
        """Dark rim, iris (blue in the young), pupil (a slit in cats), catchlight, lids."""
        eye, cat = self._eye, self._cat
        iris = self._colour("eye")
        newborn = (0.55 * self._young.clamp(0, 1) * (0.35 + 0.65 * cat)).unsqueeze(1)
        iris = iris + (self._fixed(_NEWBORN_IRIS) - iris) * newborn
        black, closed = self._fixed(_BLACK), self["lid"].clamp(0, 1)
        squint = 1 - 0.3 * closed - 0.12 * cat
        for side in _SIDES:
            x, y = (self._x - side * 0.5) / eye, self._y / eye
            tilt = y + side * x * (0.12 + 0.18 * cat)
            ball = torch.sqrt(x.square() + (tilt / squint).square()) - 1
            rim = self._edge((ball - 0.16) * eye, 0.018)
            self._paint(black, rim * 0.92)
            inside = self._edge(ball * eye, 0.012)
            round_ = torch.sqrt(x.square() + y.square() + 1e-5)
            colour = _shaded(iris, 0.75 + 0.3 * tilt.clamp(-1, 1))
            self._paint(colour, inside * self._edge((round_ - 1.02) * eye, 0.012))
            pupil = torch.sqrt((x / (0.62 - 0.3 * cat + 0.15 * self._young)).square() + (y / 0.66).square()) - 1
            self._paint(black * 0.5, inside * self._edge(pupil * eye * 0.6, 0.015))
            gleam = _bump(((x + 0.3) / 0.2).square() + ((y + 0.34) / 0.18).square())
            self._paint(self._fixed(_WHITE), inside * gleam * 0.95)
            lid = self._edge((tilt + squint * (0.95 - 0.8 * closed)) * eye, 0.02) * rim
            self._paint(self._colour("coat") * 0.45, lid * 0.8)

    def whiskers(self) -> None:
        """A cat's, as faint light lines."""
        aside = self._mx.abs()
        reach = _bump(((aside - 0.75) / 0.45).square())
        for slope, lift in ((0.08, 0.02), (-0.12, 0.1)):
            hair = _bump(((self._y - self._muzzle_length - lift - slope * aside) / 0.014).square())
            self._paint(self._fixed(_WHITE) * 0.9, hair * reach * self._cat * 0.3)

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
