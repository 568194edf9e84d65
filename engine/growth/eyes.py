"""The eyes of young animals, and eyes that a camera's flash made glow.

What is measured on marked faces (medians): seven tenths of a puppy's eye are darker than a sixth of white, half of an
adult dog's; a kitten's iris is without colour where an adult cat's is amber, and a quarter darker. What is drawn takes
its light from the photo: catchlights stay, and a colour is the darker, the darker the eye is.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.growth.face_growth import FaceGrowth
from engine.images.filters import gaussian_blur, smoothstep
from engine.messages import Species

_LUMA = (0.2126, 0.7152, 0.0722)
_CATCHLIGHT = (0.18, 0.34)  # luma over the eye's median, from where to where it is taken for a reflection, which stays
_SURE_OF_FLASH = 0.3  # the network's probability of a flash, from which on a bright eye is mended …
_BLINDING = 0.68  # … or the mean luma of an eye's middle that no iris has
_PUPPY_DARKER = 0.45  # share of luma that a puppy's iris loses
_KITTEN_DARKER = 0.16
# Cb and Cr of the iris at luma 0.5. With what is left of its own colour, an amber eye comes to (0.01, -0.01); the
# median of marked kittens is (-0.01, 0.01), of adult cats (-0.05, 0.03).
_KITTEN_BLUE = (0.022, -0.016)
_IRIS = (0.10, 0.22)  # luma: below it is pupil, above it iris
_PUPIL = 0.5  # radius of a kitten's pupil, of half the eye's width
_NARROW = 0.35  # height over width, below which an eye tells no colour
_OPEN = 0.8  # the network's probability of open eyes, from which on they are searched for a flash
_GLOW = 0.42  # mean luma of the middle of an eye, from where on it may be a flash's reflection …
_GLOW_OVER_RING = 1.12  # … if it is so much lighter than what is around it
_WINDOW = 1.7  # times the eye's width, the side of the square that is worked on


@dataclass(frozen=True, slots=True)
class _Eye:
    """One eye in the square of a crop that is worked on."""

    top: int
    left: int
    opening: Tensor  # [1, 1, M, M] 0..1
    distance: Tensor  # [1, 1, M, M] from its middle, in half widths
    open_share: float  # height over width


def mend_flash(face: Tensor, growth: FaceGrowth, margin: int = 0) -> Tensor:
    """The aligned face [1, 3, S, S] in -1..1 with dark pupils where a flash made them glow; `face` itself otherwise.

    A small catchlight is left, as any lamp makes one.
    """
    mended = face
    if growth.parsed.eyes_open < _OPEN:  # pale lids are as bright as a flash
        return mended
    for eye in _eyes(face, growth, margin):
        part = _part(mended, eye)
        luma = _luma(part)
        middle, ring = eye.distance < 0.3, (eye.distance > 0.6) & (eye.opening > 0.5)
        if eye.open_share < _NARROW or not ring.any() or not middle.any():
            continue
        core = luma[middle].mean()
        flashed = growth.parsed.flash > _SURE_OF_FLASH and core > _GLOW and core > _GLOW_OVER_RING * luma[ring].mean()
        if not flashed and core < _BLINDING:
            continue
        within = smoothstep(((0.85 - eye.distance) / 0.25).clamp(0, 1))  # a rim of the iris is left
        glow = eye.opening * within * smoothstep(((luma - 0.25) / 0.2).clamp(0, 1))
        light = torch.exp(-0.5 * ((eye.distance - 0.3) / 0.12) ** 2) * _upper_left(eye.distance)
        dark = -0.84 + 0.1 * part + 1.5 * light
        mended = _with_part(mended, eye, torch.lerp(part, dark, glow))
    return mended


def younger_eyes(face: Tensor, growth: FaceGrowth, margin: int = 0) -> Tensor:
    """What changes in the eyes from today to eight weeks: [1, 3, S, S], to be added to the face in -1..1."""
    changed = face
    draw = _kitten if growth.species is Species.CAT else _puppy
    for eye in _eyes(face, growth, margin):
        if eye.open_share >= _NARROW:
            part = _part(changed, eye)
            luma, (low, high) = _luma(part), _CATCHLIGHT
            over = luma - luma[eye.opening > 0.5].median()
            stays = smoothstep(((over - low) / (high - low)).clamp(0, 1))
            changed = _with_part(changed, eye, torch.lerp(part, draw(part, eye), eye.opening * (1 - stays)))
    return (changed - face) * growth.eyes * growth.strength


def _puppy(part: Tensor, eye: _Eye) -> Tensor:
    luma = _luma(part)
    return (luma + (1 - 0.35) * (_unit(part) - luma)) * (1 - _PUPPY_DARKER) * 2 - 1


def _kitten(part: Tensor, eye: _Eye) -> Tensor:
    luma = _luma(part)
    low, high = _IRIS
    iris = 0.85 * ((luma - low) / (high - low)).clamp(0, 1)
    light = 0.5 + luma
    blue, red = (value * light for value in _KITTEN_BLUE)
    grey = luma + torch.cat(
        [1.5748 * red, -(0.2126 * 1.5748 * red + 0.0722 * 1.8556 * blue) / 0.7152, 1.8556 * blue], 1
    )
    coloured = torch.lerp(_unit(part), grey, iris) * (1 - _KITTEN_DARKER)
    pupil = torch.sigmoid((_PUPIL - eye.distance) / 0.08)
    return coloured * (1 - 0.62 * pupil) * 2 - 1


def _eyes(face: Tensor, growth: FaceGrowth, margin: int) -> list[_Eye]:
    side = face.shape[-1] - 2 * margin
    return [eye for points in growth.eye_points(side) if (eye := _eye(points + margin, face.shape[-1])) is not None]


def _eye(points: Tensor, limit: int) -> _Eye | None:
    """The almond between inner and outer corner, upper and lower lid [4, 2] px; None where there is hardly one."""
    inner, outer, upper, lower = points
    half = float((outer - inner).norm()) / 2
    size = int(_WINDOW * 2 * half) // 2 * 2
    middle = (inner + outer) / 2
    left, top = (int(v) - size // 2 for v in middle)
    if half < 3 or left < 0 or top < 0 or max(left, top) + size > limit:
        return None
    along = (outer - inner) / (2 * half)
    up = torch.stack([along[1], -along[0]])
    up = up if float((upper - lower) @ up) > 0 else -up
    above, below = (max(float(part @ up), 0.5) for part in (upper - middle, middle - lower))
    place = torch.arange(size) + 0.5
    y, x = torch.meshgrid(place + top - middle[1], place + left - middle[0], indexing="ij")
    u, v = (x * along[0] + y * along[1]) / half, x * up[0] + y * up[1]
    lid = (1 - u.square()).clamp(min=0) ** 0.75
    depth = torch.where(u.abs() < 1, torch.minimum(above * lid - v, v + below * lid), -torch.ones_like(u))
    soft = max(1.0, 0.06 * half)
    opening = gaussian_blur((depth / soft + 0.5).clamp(0, 1), soft / 2)
    centre_v = (above - below) / 2
    distance = torch.sqrt(u.square() + ((v - centre_v) / half).square())
    return _Eye(top, left, opening[None, None], distance[None, None], (above + below) / (2 * half))


def _part(face: Tensor, eye: _Eye) -> Tensor:
    size = eye.opening.shape[-1]
    return face[..., eye.top : eye.top + size, eye.left : eye.left + size]


def _with_part(face: Tensor, eye: _Eye, part: Tensor) -> Tensor:
    size, whole = eye.opening.shape[-1], face.clone()
    whole[..., eye.top : eye.top + size, eye.left : eye.left + size] = part
    return whole


def _unit(part: Tensor) -> Tensor:
    return (part + 1) / 2


def _luma(part: Tensor) -> Tensor:
    """[1, 1, M, M] 0..1."""
    return (_unit(part) * part.new_tensor(_LUMA)[:, None, None]).sum(1, keepdim=True)


def _upper_left(distance: Tensor) -> Tensor:
    side = distance.shape[-1]
    place = torch.arange(side) - side / 2
    angle = torch.atan2(place[:, None], place[None, :])
    return torch.exp(-0.5 * ((angle + 2.2) / 0.35) ** 2)[None, None]
