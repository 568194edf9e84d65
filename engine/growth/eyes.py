"""The eyes of young animals, and eyes that a camera's flash made glow.

What is measured on marked faces (medians): seven tenths of a puppy's eye are darker than a sixth of white, half of an
adult dog's; a kitten's iris is without colour where an adult cat's is amber, and a quarter darker. What is drawn is
bluer, which is what people know, but no bluer than the bluest tenth of marked kittens; pupils are wide, as those of
young animals at ease. Lids stay the photo's, and so does its light: catchlights stay, and no iris shines where it is
dim.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.growth.face_growth import FaceGrowth
from engine.images.filters import gaussian_blur, smooth_ramp, smoothstep
from engine.images.ycbcr import luma_of
from engine.messages import Species
from engine.vision.head_parsing import SIDE

_CATCHLIGHT = (0.18, 0.34)  # luma over the eye's median, from where to where it is taken for a reflection, which stays
_SURE_OF_FLASH = 0.3  # the network's probability of a flash, from which on a bright eye is mended
_PERHAPS_A_FLASH = 0.08  # a lower one, from which on an eye is mended that is brighter than _BLINDING
_SEEN_EYES = 0.3  # how sure it must be that eyes are open and seen
_BLINDING = 0.68  # mean luma of the middle of an eye that no iris has
# Of an iris at eight weeks: by how much its luma may differ from the usual one; Cb and Cr at luma 0.5; its luma over
# the adult's, and the most it is. Kittens: grey-blue, between the median of marked kittens, (-0.01, 0.01), and the
# bluest tenth, (0.06, -0.034); adult cats have (-0.05, 0.03). Puppies: brown, nearly black.
_IRISES = {
    Species.CAT: (0.4, (0.036, -0.025), 1.0, 0.45),
    Species.DOG: (0.4, (-0.05, 0.05), 0.5, 0.17),
}
_STREAKS = 0.8  # of the differences in luma within an iris, that is left
_DIM = (0.1, 0.6)  # luma that an iris has at most in the dark, and more for each luma around
_LID_SHADOW = 0.1  # of half the eye's width
PUPILS = {Species.CAT: 0.38, Species.DOG: 0.42}  # radius, of half the eye's width: wide, as in a young animal at ease
PUPIL_OF_BLUE = 0.4  # by which it is narrower where the iris is blue already
COVERING = 0.96  # of what is drawn over the adult's iris
_PUPIL_EDGE = 0.015  # of half the eye's width, and
_PUPIL_EDGE_PX = 0.22  # at least so many of the photo's px: as crisp as the rest; a softer one looks blind
_BLACK = 0.035  # luma of a pupil
_RIM_FROM = 0.62  # of half the eye's width, from where on an iris becomes darker
_MIDDLE = 0.6  # of half the eye's width, where a pupil is
_CATCHLIGHT_AT = (-0.2, -0.26)  # half widths from the eye's middle
_CATCHLIGHT_RADIUS = 0.115  # half widths
_LIT = 0.15  # luma of a catchlight that is seen in a pupil
_MOST_LIGHT = (0.07, 0.12)  # share of an eye from which on what is light is rather a glow than a catchlight
_REFLECTION = (0.62, 0.78)  # luma from which a colourless spot is a reflection rather than iris
_SURELY_IRIS = 0.12  # luma
_LID_FROM = (0.5, 0.8)  # half widths from the pupil's middle, from where on what is dark is lid rather than pupil
_LID_GREY = 0.7  # of a cat's lids' colour, that goes
_LID_DARK = (0.5, 0.8)  # luma over that of the iris, up to which it is lid, and from which it is iris
_DARK = 0.5  # of an eye's median luma, below which it is pupil
_PUPIL_ASIDE = 0.2  # of half the eye's width, farther than which no pupil is from the eye's middle
_FUR = 0.3  # luma of all but the darkest tenth of an eye's middle, from which on it may be fur,
_SURELY_SEEN = 0.8  # unless the network is so sure that eyes are open and seen
_NO_PUPIL = 0.4  # luma, from which on nothing is a pupil, not even in a faded photo
_LEAST_PUPIL = 0.02  # share of an eye, less than which is rather a lash or a line
_SURE = (0.3, 0.55)  # how surely eyes are seen and open, from which on they change, and wholly so
_NARROW = (0.24, 0.36)  # height over width, up to which an eye stays as it is, and from which it changes wholly
_RIM = 0.18  # half widths around the opening, within which an iris may still be seen
_ALIKE = 0.13  # distance in Cb and Cr, over luma, of what is taken for the same iris
_COLOURED = 0.15  # length of chroma over luma, from which an iris is told from fur by it
_BLUE_ALREADY = {Species.CAT: 0.04, Species.DOG: 0.018}  # Cb of an iris that is blue in adults too
_GLOW = 0.42  # mean luma of the middle of an eye, from where on it may be a flash's reflection,
_GLOW_OVER_RING = 1.12  # if it is so much lighter than what is around it
_RED = 0.08  # Cr of the middle of an eye, or if it is so red,
_COLOURED_GLOW, _OTHER_COLOUR = 0.25, 0.12  # or from this luma on, if Cb and Cr differ so much from those around it
_LAMP, _LAMP_OVER_RING = 0.6, 2.2  # mean luma, and times that of the ring, that nothing but a flash makes
# Luma, the same over an eye's median, and difference between the parts of the colour, of a glow that lies aside of the
# eye's middle; and its share of the eye. It tells only where hair hides the other eye: amber irises shine like it.
_ASIDE, _ASIDE_OVER_EYE, _ASIDE_COLOUR, _ASIDE_SHARE = 0.6, 2.2, 0.25, 0.03
_STILL_LIT = 0.3  # mean luma, from which on the other eye is mended too
_CORE = 0.3  # of half the eye's width, the middle of an eye
_GLOW_REACH = {Species.DOG: 0.85, Species.CAT: 0.65}  # of half the eye's width; a cat's iris is lighter than its glow
_WINDOW = 1.7  # times the eye's width, the side of the square that is worked on


@dataclass(frozen=True, slots=True)
class _Eye:
    """One eye in the square of a crop that is worked on."""

    top: int
    left: int
    opening: Tensor  # [1, 1, M, M] 0..1
    core: Tensor  # the same, somewhat smaller
    around: Tensor  # the same, somewhat larger
    distance: Tensor  # [1, 1, M, M] from its middle, in half widths
    open_share: float  # height over width
    half_width: float  # px
    middle: Tensor  # [2] x, y of the opening in half widths from the square's
    rounder: float  # how many times as high, for its width, the eye is going to be
    pixel: float  # px, the side of one of the photo's, at least 1

    @property
    def edge(self) -> float:
        """How soft the edges of what is drawn are, in half widths."""
        return max(_PUPIL_EDGE, _PUPIL_EDGE_PX * self.pixel / self.half_width)

    def away(self, middle: Tensor) -> Tensor:
        """[1, 1, M, M]: how far from `middle` it will be, in half widths, once the eye has become rounder."""
        across = self._places - middle[0]
        return (across.square() + self.down(middle).square()).sqrt()

    def down(self, middle: Tensor) -> Tensor:
        """[1, 1, M, 1]: how far below `middle` it will be, in half widths."""
        return ((self._places - middle[1]) * self.rounder)[None, None, :, None]

    @property
    def _places(self) -> Tensor:
        """[M]: where columns, and rows, are from the middle of the square, in half widths."""
        side = self.opening.shape[-1]
        return (torch.arange(side) + 0.5 - side / 2) / self.half_width


def mend_flash(face: Tensor, growth: FaceGrowth, margin: int = 0) -> Tensor:
    """The aligned face [1, 3, S, S] in -1..1 with dark pupils where a flash made them glow; `face` itself otherwise.

    A small catchlight is left, as any lamp makes one.
    """
    found = _eyes(face, growth, margin)
    eyes = [eye for eye in found if not _under_hair(_part(face, eye), eye, growth.eyes)]
    alone = len(eyes) < len(found)
    if growth.eyes < _SEEN_EYES or not any(
        _glows(_part(face, eye), eye, growth.parsed.flash) or (alone and _glows_aside(_part(face, eye), eye))
        for eye in eyes
    ):
        return face  # where hardly an eye is seen, what is bright may be fur
    mended, reach = face, _GLOW_REACH[growth.species]
    for eye in eyes:
        part = _part(face, eye)
        luma = _luma(part)
        lit = float(luma[eye.distance < _CORE].mean())
        if lit < _STILL_LIT and not alone:  # a flash may reach one pupil only
            continue
        within = smoothstep(((reach - eye.distance) / 0.25).clamp(0, 1))  # a rim of the iris is left
        glow = eye.opening * within * smoothstep(((luma - 0.25) / 0.2).clamp(0, 1))
        light = torch.exp(-0.5 * ((eye.distance - 0.3) / 0.12) ** 2) * _upper_left(eye.distance)
        dark = -0.84 + 0.1 * part + 1.5 * light
        mended = _with_part(mended, eye, torch.lerp(part, dark, glow))
    return mended


def _glows(part: Tensor, eye: _Eye, flash: float) -> bool:
    """Whether a flash made the pupil glow, where the network gives that the probability `flash`."""
    luma, blue, red = _chroma(part)
    core, ring = eye.distance < _CORE, (eye.distance > 0.6) & (eye.opening > 0.5)
    if eye.open_share < _NARROW[0] or not ring.any() or not core.any():
        return False
    lit, around = float(luma[core].mean()), float(luma[ring].mean())
    other_colour = float(torch.stack([tint[core].mean() - tint[ring].mean() for tint in (blue, red)]).norm())
    brighter = lit > _GLOW and (lit > _GLOW_OVER_RING * around or float(red[core].mean()) > _RED)
    coloured = lit > _COLOURED_GLOW and other_colour > _OTHER_COLOUR
    lamp = lit > _LAMP and lit > _LAMP_OVER_RING * around
    return (flash > _SURE_OF_FLASH and (brighter or coloured)) or (flash > _PERHAPS_A_FLASH and lit > _BLINDING) or lamp


def _glows_aside(part: Tensor, eye: _Eye) -> bool:
    """Whether a coloured light that no iris has is anywhere in the eye."""
    luma, unit, inside = _luma(part), _unit(part), eye.opening > 0.5
    if not inside.any():
        return False
    coloured = unit.amax(1, keepdim=True) - unit.amin(1, keepdim=True) > _ASIDE_COLOUR
    glow = coloured & (luma > max(_ASIDE, _ASIDE_OVER_EYE * float(luma[inside].median())))
    return float(glow[inside].float().mean()) > _ASIDE_SHARE


def _under_hair(part: Tensor, eye: _Eye, sure: float) -> bool:
    """Whether what was found there is fur, where the network is only so `sure` that eyes are open and seen."""
    middle = eye.distance < _MIDDLE
    return sure < _SURELY_SEEN and bool(middle.any()) and float(_luma(part)[middle].quantile(0.1)) > _FUR


def younger_eyes(face: Tensor, growth: FaceGrowth, margin: int = 0) -> Tensor:
    """What changes in the eyes from today to eight weeks: [1, 3, S, S], to be added to the face in -1..1."""
    changed, eyes = face, _eyes(face, growth, margin)
    narrowest = min((eye.open_share for eye in eyes), default=0.0)
    sure = smooth_ramp(growth.eyes * growth.strength, *_SURE)  # a faint change would leave a dark dot on fur
    share = smooth_ramp(narrowest, *_NARROW) * sure
    if not share or any(
        _under_hair(part, eye, growth.eyes) or not _has_pupil(part, eye)  # what was found there is fur
        for eye in eyes
        for part in [_part(face, eye)]
    ):
        return torch.zeros_like(face)
    looks = [_look(_part(face, eye), eye, growth.species) for eye in eyes]
    usual = sum(look.luma for look in looks) / len(looks)
    around = float(_luma(face[..., margin : face.shape[-2] - margin, margin : face.shape[-1] - margin]).mean())
    aside = torch.stack([_pupil_aside(_part(face, eye), eye) for eye in eyes]).mean(0)  # both look the same way
    for eye, look in zip(eyes, looks, strict=True):
        part, middle = _part(changed, eye), eye.middle + aside
        radius = PUPILS[growth.species] * (1 - PUPIL_OF_BLUE * look.blue)
        young = _young_iris(part, growth.species, look, usual, around)
        young = _with_pupil(young, look, eye, middle, radius)
        disc = smoothstep(((1.05 - eye.away(middle)) / 0.2).clamp(0, 1))  # corners are lids
        changing = COVERING * look.where * disc * (1 - look.reflections)
        lids = _lids(part, look, eye, middle)
        shown = torch.lerp(part, young, changing * (1 - lids))
        if growth.species is Species.CAT:  # a dim rim of an amber iris is as dark as a lid
            shown = torch.lerp(shown, _grey(part), _LID_GREY * changing * lids * (1 - look.blue))
        changed = _with_part(changed, eye, _with_catchlight(shown, look, eye, middle, radius))
    return (changed - face) * share


@dataclass(frozen=True, slots=True)
class _Look:
    """What is seen in one eye."""

    luma: float  # median of the iris, 0..1
    blue: float  # 0..1: whether it is blue already; animals that keep their blue eyes had them then
    where: Tensor  # [1, 1, M, M] 0..1: what changes
    reflections: Tensor  # the same: what stays, because light is reflected there


def _look(part: Tensor, eye: _Eye, species: Species) -> _Look:
    where = _iris_mask(part, eye) if species is Species.CAT else eye.opening
    luma, blue, _ = _chroma(part)
    iris = (where > 0.5) & (luma > _SURELY_IRIS)
    own = float(blue[iris].quantile(0.7)) if iris.any() else 0.0
    is_blue = smooth_ramp(own, 0.0, _BLUE_ALREADY[species])
    return _Look(_iris_luma(part, eye), is_blue, where, _reflections(part, eye))


def _lids(part: Tensor, look: _Look, eye: _Eye, middle: Tensor) -> Tensor:
    """[1, 1, M, M] 0..1: lids and their shadow, darker than the iris and away from its `middle`, which stay."""
    low, high = _LID_FROM
    outer = smoothstep(((eye.away(middle) - low) / (high - low)).clamp(0, 1))
    low, high = _LID_DARK
    darker = 1 - smoothstep(((_luma(part) / max(look.luma, 0.05) - low) / (high - low)).clamp(0, 1))
    return outer * darker


def _grey(part: Tensor) -> Tensor:
    return (_luma(part) * 2 - 1).expand_as(part)


def _iris_luma(part: Tensor, eye: _Eye) -> float:
    """The median luma of the iris, 0..1."""
    luma = _luma(part)
    within = eye.opening > 0.5
    iris = luma[within & (luma >= min(_SURELY_IRIS, float(luma[within].median())))]
    return float(iris.median()) if len(iris) else 0.0


def _iris_mask(part: Tensor, eye: _Eye) -> Tensor:
    """[1, 1, M, M] 0..1: the opening; but if the iris has a colour, up to where that and the pupil end.

    So neither a rim of the iris is left, nor fur painted where lids were not found exactly.
    """
    luma, blue, red = _chroma(part)
    within = (eye.core > 0.5) & (luma > _SURELY_IRIS)
    if not within.any():
        return eye.opening
    tints = torch.cat([blue, red], 1) / (luma + 0.15)  # the same in light and shadow
    usual = torch.stack([tint[within[0, 0]].median() for tint in tints[0]])[None, :, None, None]
    strength = usual.norm().clamp(min=1e-3)
    along = (tints * usual / strength).sum(1, keepdim=True)  # glints and rims are stronger, and the same hue
    aside = (tints - along * usual / strength).norm(dim=1, keepdim=True)
    alike = torch.exp(-aside.square() / (2 * _ALIKE**2)) * smoothstep(((along / strength - 0.4) / 0.4).clamp(0, 1))
    alike = alike * smoothstep(((luma - _SURELY_IRIS) / 0.1).clamp(0, 1))  # dark lids have any tint
    lighter = smoothstep(((luma - luma[within].median() - 0.12) / 0.15).clamp(0, 1))
    told = torch.maximum(eye.opening * (1 - (1 - eye.core) * (1 - alike) * lighter), alike * eye.around)
    return torch.lerp(eye.opening, told, smoothstep(min(float(strength) / _COLOURED, 1.0)))


def _reflections(part: Tensor, eye: _Eye) -> Tensor:
    """[1, 1, M, M] 0..1: catchlights, lighter than the eye around and without its colour."""
    luma, (low, high) = _luma(part), _CATCHLIGHT
    over = luma - luma[eye.opening > 0.5].median()
    lighter = smoothstep(((over - low) / (high - low)).clamp(0, 1))
    colour = _unit(part).amax(1, keepdim=True) - _unit(part).amin(1, keepdim=True)
    dull = smoothstep(((0.22 - colour) / 0.12).clamp(0, 1))
    low, high = _REFLECTION
    inner = smoothstep(((0.9 - eye.distance) / 0.25).clamp(0, 1))  # farther out it is the white, or a wet lid
    found = lighter * dull * smoothstep(((luma - low) / (high - low)).clamp(0, 1)) * inner
    share = float((found * eye.opening).sum() / eye.opening.sum())
    return found * (1 - smooth_ramp(share, *_MOST_LIGHT))


def _young_iris(part: Tensor, species: Species, look: _Look, usual: float, around: float) -> Tensor:
    """The part with the iris of a puppy or kitten.

    `usual` is the luma of both irises: they are made alike; `around` the mean luma of the photo: where it is dim, eyes
    do not shine.
    """
    luma, own_blue, own_red = _chroma(part)
    even, _, brightness, darkest = _IRISES[species]
    target = min(usual * brightness, darkest, _DIM[0] + _DIM[1] * around)
    streaks = (luma / max(look.luma, 0.05)).clamp(1 - even, 1 + even)  # neither the old pupil nor a reflection
    iris = target * (1 + _STREAKS * (streaks - 1))
    return _coloured(iris, species, (luma, own_blue, own_red), torch.tensor(look.blue)) * 2 - 1


def young_iris(own: Tensor, species: Species) -> tuple[Tensor, Tensor]:
    """An adult's irises of one colour [N, 3, 1, 1] in 0..1 as at eight weeks, and how blue they already are [N, 1, 1].

    In daylight; 1 keeps all of its own colour.
    """
    luma, blue, red = _chroma(own * 2 - 1)
    is_blue = smooth_ramp(blue, 0.0, _BLUE_ALREADY[species])
    _, _, brightness, darkest = _IRISES[species]
    return _coloured((luma * brightness).clamp(max=darkest), species, (luma, blue, red), is_blue), is_blue[:, 0]


def _coloured(iris: Tensor, species: Species, own: tuple[Tensor, Tensor, Tensor], is_blue: Tensor) -> Tensor:
    """An iris of this luma in the colour of eight weeks, 0..1, or where `is_blue` of its own luma, Cb and Cr."""
    (luma, own_blue, own_red), (colour_blue, colour_red) = own, _IRISES[species][1]
    light = (0.25 + iris) * 1.3
    blue = torch.lerp(colour_blue * light, own_blue, is_blue)
    red = torch.lerp(colour_red * light, own_red, is_blue)
    shade = torch.lerp(iris, luma, is_blue)
    colour = torch.cat([1.5748 * red, -(0.2126 * 1.5748 * red + 0.0722 * 1.8556 * blue) / 0.7152, 1.8556 * blue], 1)
    return (shade + colour).clamp(0, 1)


def _with_pupil(young: Tensor, look: _Look, eye: _Eye, middle: Tensor, radius: float) -> Tensor:
    """The iris with a wide pupil around `middle`, in depth.

    A dark rim, shadow below the upper lid, and light that comes through from the other side of it.
    """
    away = eye.away(middle)
    rim = smoothstep(((away - _RIM_FROM) / 0.3).clamp(0, 1))
    lids = smoothstep(gaussian_blur(look.where, _LID_SHADOW * eye.half_width).clamp(0, 1))
    down = eye.down(middle)
    shadow = 0.45 * smoothstep(((0.1 - down) / 0.6).clamp(0, 1))
    glow = 0.3 * torch.exp(-((down - 0.45).square() + (away - 0.55).square()) / 0.06)
    shaded = (young + 1) * (1 - 0.45 * rim) * (0.55 + 0.45 * lids) * (1 - shadow + glow) - 1
    pupil = torch.sigmoid((radius - away) / eye.edge)
    return torch.lerp(shaded, shaded.clamp(max=2 * _BLACK - 1), pupil)


def _with_catchlight(part: Tensor, look: _Look, eye: _Eye, middle: Tensor, radius: float) -> Tensor:
    """The part with a small light where photographed eyes have one, if it has none: dark eyes look dead without."""
    away, at = eye.away(middle), eye.away(middle + torch.tensor(_CATCHLIGHT_AT))
    pupil, iris = ((away < reach) & (eye.opening > 0.5) for reach in (0.7 * radius, _RIM_FROM))
    seen, lights = (  # from a little farther away
        gaussian_blur(light, max(1.0, 0.07 * eye.half_width)) for light in (_luma(part), look.reflections)
    )
    if not pupil.any() or float(seen[pupil].max()) > _LIT or float(lights[iris].max()) > 0.5:
        return part
    bright = torch.sigmoid((_CATCHLIGHT_RADIUS - at) / eye.edge)
    faint = 0.1 * torch.exp(-eye.away(middle - 1.3 * torch.tensor(_CATCHLIGHT_AT)).square() / 0.012)
    return part + 0.9 * torch.maximum(bright, faint) * eye.opening * (1 - part).clamp(min=0)


def _has_pupil(part: Tensor, eye: _Eye) -> bool:
    """Whether there is anything dark in the middle of the eye, as in all that no flash has lit."""
    middle = eye.distance < _MIDDLE
    return bool(middle.any()) and float(_luma(part)[middle].min()) < _NO_PUPIL


def _pupil_aside(part: Tensor, eye: _Eye) -> Tensor:
    """[2]: how far the middle of the pupil lies from that of the eye, in half widths; 0 where none is seen."""
    luma, inside = _luma(part), eye.core > 0.7
    dark = inside & (eye.distance < _MIDDLE)
    if inside.any():
        dark &= luma < _DARK * luma[inside].median()
    if int(dark.sum()) < _LEAST_PUPIL * int(inside.sum()) or not dark.any():
        return torch.zeros(2)
    found = torch.nonzero(dark[0, 0]).float().mean(0).flip(0) + 0.5 - luma.shape[-1] / 2
    return (found / eye.half_width - eye.middle).clamp(-_PUPIL_ASIDE, _PUPIL_ASIDE)


def _eyes(face: Tensor, growth: FaceGrowth, margin: int) -> list[_Eye]:
    """Both eyes, or none: one alone would come out of another colour."""
    side = face.shape[-1] - 2 * margin
    points = growth.eye_points(side)
    rounder, pixel = _rounder(growth), max(1.0, growth.parsed.alignment.scale * side / SIDE)
    found = [eye for one in points if (eye := _eye(one + margin, face.shape[-1], rounder, pixel)) is not None]
    return found if len(found) == len(points) else []


def _rounder(growth: FaceGrowth) -> float:
    """How many times as high, for their width, the eyes are at eight weeks."""
    grown = torch.stack([growth.landmarks, growth.landmarks + growth.landmark_moves(1.0)])[:, :8].view(2, 2, 4, 2)
    width, height = ((grown[:, :, first] - grown[:, :, first + 1]).norm(dim=-1).sum(1) for first in (0, 2))
    return float((height[1] / width[1]) / (height[0] / width[0]).clamp(min=0.1))


def _eye(points: Tensor, limit: int, rounder: float, pixel: float) -> _Eye | None:
    """The almond between inner and outer corner, upper and lower lid [4, 2] px; None where there is hardly one."""
    inner, outer, upper, lower = points
    half = float((outer - inner).norm()) / 2
    size = int(_WINDOW * 2 * half) // 2 * 2
    middle = (inner + outer) / 2
    left, top = (int(v) - size // 2 for v in middle)
    if half < 3 or left < 0 or top < 0 or max(left, top) + size > limit:
        return None
    along = (outer - inner) / (2 * half)
    if along[1].abs() > along[0].abs():  # eyes lie level in the crop: these corners were not found, but guessed
        return None
    up = torch.stack([along[1], -along[0]])
    up = up if float((upper - lower) @ up) > 0 else -up
    above, below = (max(float(part @ up), 0.5) for part in (upper - middle, middle - lower))
    place = torch.arange(size) + 0.5
    y, x = torch.meshgrid(place + top - middle[1], place + left - middle[0], indexing="ij")
    u, v = (x * along[0] + y * along[1]) / half, x * up[0] + y * up[1]
    lid = (1 - u.square()).clamp(min=0) ** 0.75
    depth = torch.minimum(above * lid - v, v + below * lid) - half * (u.abs() - 1).clamp(min=0)
    soft = max(1.0, 0.06 * half)
    opening = gaussian_blur((depth / soft + 0.5).clamp(0, 1), soft / 2)
    core, around = (
        gaussian_blur(((depth + reach * half) / soft + 0.5).clamp(0, 1), soft / 2)[None, None]
        for reach in (-_RIM, _RIM)
    )
    centre_v = (above - below) / 2
    distance = torch.sqrt(u.square() + ((v - centre_v) / half).square())
    return _Eye(
        top,
        left,
        opening[None, None],
        core,
        around,
        distance[None, None],
        (above + below) / (2 * half),
        half,
        centre_v / half * up,
        rounder,
        pixel,
    )


def _part(face: Tensor, eye: _Eye) -> Tensor:
    size = eye.opening.shape[-1]
    return face[..., eye.top : eye.top + size, eye.left : eye.left + size]


def _with_part(face: Tensor, eye: _Eye, part: Tensor) -> Tensor:
    size, whole = eye.opening.shape[-1], face.clone()
    whole[..., eye.top : eye.top + size, eye.left : eye.left + size] = part
    return whole


def _unit(part: Tensor) -> Tensor:
    return (part + 1) / 2


def _chroma(part: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Luma 0..1, Cb and Cr [1, 1, M, M]."""
    luma, unit = _luma(part), _unit(part)
    return luma, (unit[:, 2:] - luma) / 1.8556, (unit[:, :1] - luma) / 1.5748


def _luma(part: Tensor) -> Tensor:
    """[1, 1, M, M] 0..1."""
    return luma_of(_unit(part))


def _upper_left(distance: Tensor) -> Tensor:
    side = distance.shape[-1]
    place = torch.arange(side) - side / 2
    angle = torch.atan2(place[:, None], place[None, :])
    return torch.exp(-0.5 * ((angle + 2.2) / 0.35) ** 2)[None, None]
