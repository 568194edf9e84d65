"""A latent made visible: pictures at any age with the photo's own detail, the film, and the whole photo.

Faces are aligned, S px square (`PortraitRenderer.window.side`); of stills and films, the window is shown.
"""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engine.device import quick_dtype
from engine.growth.detail import FlowDetail, WarpDetail
from engine.growth.eyes import blue_shift
from engine.growth.landmarks import Landmarks, landmarks_of
from engine.growth.warp import coat_mask, flow, head_mask
from engine.images.decoding import decode
from engine.images.tensors import to_pixels, to_tensor
from engine.images.warping import enlarged, resize_flow
from engine.inversion import solve_feature_offsets
from engine.inversion.state import InvertedPhoto, PortraitState
from engine.messages import Film, Head, Species
from engine.rendering.compositing import paste_back
from engine.rendering.film import FilmOptions, filming
from engine.stylegan.adjustments import blend, carried, converted
from engine.stylegan.generator import UNADJUSTED, Adjustments
from engine.stylegan.store import Network
from engine.vision.alignment import FaceTemplate, Pixels, align, align_to, crop_face
from engine.vision.cropping import SIDE, CropWindow, choose_crop

_MARGIN = 1 / 8  # of a face's side, from where growing parts may move into it
_LOOKS_SIDE = 128  # px, enough to see by how looks change, and to tell how parts move
_SKETCHES = 8  # drawn along a film; the plans between are those around, cross-faded
_CHAIN = 12  # ages between which the motion of the detail is followed


class _Sitter:
    """The pet of one photo: its face there, and the changes to the network that draw it at an age counted from it."""

    def __init__(self, likeness: InvertedPhoto, network: Network, species: Species) -> None:
        device = network.statistics.mean.device
        self.head = likeness.head
        self.photo = decode(likeness.photo)
        self.ws = likeness.ws.to(device)
        marks = landmarks_in(self.photo.size, likeness.head, network, species)
        self.marks = None if marks is None else marks.to(device)
        self._searched = converted(likeness.adjustments, lambda value: value.to(device))
        self._network = network

    def face(self, side: int, margin: int = 0) -> Pixels:
        """The aligned face and what is around it, [side + 2 · margin, side + 2 · margin, 3]."""
        return crop_face(
            self.photo, align_to(self.photo.size, self.head, self._network.convention, side).widened(margin)
        )

    def changes(self, age: float) -> Adjustments:
        """What draws it at this age."""
        if self.marks is None:
            return self._searched
        if not age:
            return self._fitted
        way = flow(self.marks, age, _LOOKS_SIDE)
        return carried(self._fitted, lambda side: resize_flow(way, side))

    @property
    def kitten_eyes(self) -> Tensor:
        """The eyes [K, 2], K = 0 to 2, on the face plane that were of another colour in youth."""
        if self.marks is None or self.head is None or not self.marks.cats.all():
            return self.ws.new_zeros(0, 2)
        seen = [eye is not None for eye in (self.head.left_eye, self.head.right_eye)]
        return self.marks.eyes[0][seen]

    @cached_property
    def _fitted(self) -> Adjustments:
        side = self._network.generator.config.img_resolution
        face = align(self.photo, self.head, self._network.convention, side).crop
        return solve_feature_offsets(to_tensor(face).to(self.ws.device), self.ws, self._network.generator)


@dataclass(frozen=True, slots=True)
class _Growth:
    """How the face with these marks grows (`engine.growth.warp`, `engine.growth.eyes`)."""

    marks: Landmarks
    kitten_eyes: Tensor

    def flow(self, age: float, side: int) -> Tensor:
        return flow(self.marks, age, side)

    def coat_mask(self, age: float, side: int) -> Tensor:
        return coat_mask(self.marks, age, side)

    def head_mask(self, side: int) -> Tensor:
        return head_mask(self.marks, side)

    def young_eyes(self, face: Tensor) -> Tensor:
        return blue_shift(face, self.kitten_eyes)


class PortraitRenderer:
    """Draws a latent with its network, on the way from now to `age`.

    At 0 it is the photo. At 1 it is the puppy or kitten: `age_vector` [num_ws, w_dim] away or, with a baby photo, the
    pet of that photo, and the way leads from there to now.
    """

    @torch.no_grad()
    def __init__(self, latent: PortraitState, network: Network, age_vector: Tensor, age: float) -> None:
        self._network = network
        self._device = network.statistics.mean.device
        self._pet = _Sitter(latent.pet, network, latent.species)
        self._baby = None if latent.baby is None else _Sitter(latent.baby, network, latent.species)
        self._way = age_vector.to(self._device) if self._baby is None else self._baby.ws - self._pet.ws
        self._age = age
        self._quick = self._baby is None and self._pet.marks is not None
        sitters = [sitter for sitter in (self._pet, self._baby) if sitter is not None]
        self.window = choose_crop([(sitter.photo.size, sitter.head) for sitter in sitters], network.convention)
        self._margin = round(_MARGIN * self.window.side)
        self._wide = self._pet.face(self.window.side, self._margin)
        self.now = self._wide[self._margin : -self._margin, self._margin : -self._margin]
        self._chain: dict[float, Tensor] = {}  # what is drawn at these ages, which rise: [3, R, R]
        self._carrier, self._baby_carrier = self._carriers()

    def _carriers(self) -> tuple[FlowDetail | WarpDetail, FlowDetail | None]:
        """Who carries the detail of the photo, and of the baby photo, along the way."""
        marks = self._pet.marks
        if self._quick and marks is not None:
            return self._grown_detail(marks, self.draw([0.0])), None
        photo, ages = self._tensor(self.now), _chain(self._age if self._baby is None else 1.0)
        chain = self.draw(ages)
        self._chain = dict(zip(ages, chain, strict=True))
        if self._baby is None:
            return FlowDetail(photo, chain, ages), None
        baby, back = self._tensor(self._baby.face(self.window.side)), [1.0 - one for one in reversed(ages)]
        return FlowDetail(photo, chain, ages), FlowDetail(baby, chain.flip(0), back)

    def _grown_detail(self, marks: Landmarks, now: Tensor) -> WarpDetail:
        """`now` [1, 3, R, R] is what the network draws at age 0."""
        growth = _Growth(marks, self._pet.kitten_eyes)
        return WarpDetail(self._tensor(self._wide), self._margin, now, growth)

    @torch.no_grad()
    def draw(self, ages: Sequence[float]) -> Tensor:
        """What the network draws at these ages: [N, 3, R, R] in -1..1."""
        if self._quick:  # only smoothed differences of looks are taken from these, to which a pet's lock adds nothing
            return self._drawn(ages, UNADJUSTED, _LOOKS_SIDE, quick_dtype(self._device))
        if self._baby is None:  # one by one: networks of other framing are large
            return torch.cat([self._drawn([age], self._pet.changes(age)) for age in ages])
        mixed = [blend(self._pet.changes(age), self._baby.changes(age - 1.0), age) for age in ages]
        quick = quick_dtype(self._device)  # what it costs in precision, the detail of the photos makes up for
        return torch.cat([self._drawn([age], one, dtype=quick) for age, one in zip(ages, mixed, strict=True)])

    def _drawn(
        self,
        ages: Sequence[float],
        changes: Adjustments,
        resolution: int | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        ws = torch.cat([self._pet.ws + age * self._way for age in ages])
        synthesis = self._network.generator.synthesis
        picture: Tensor = synthesis(ws, resolution=resolution, adjustments=changes, dtype=dtype)
        return picture

    @torch.no_grad()
    def finish(self, age: float, picture: Tensor, window: CropWindow | None = None) -> Tensor:
        """`picture` [1, 3, R, R], drawn at `age`, with the photos' detail: [1, 3, S, S], or what a window shows."""
        if isinstance(self._carrier, WarpDetail):
            face = self._carrier.frame(age, picture)
            return window.of(face) if window else face
        residual = self._carrier.residual(age, picture, window)
        if self._baby_carrier is not None:
            residual = torch.lerp(
                residual, self._baby_carrier.residual(1.0 - age, picture, window), min(max(age, 0.0), 1.0)
            )
        soft = enlarged(picture, self.window.side)
        return (window.of(soft) if window else soft) + residual

    def still(self) -> Pixels:
        """The face at the portrait's age: [S, S, 3], of which the window is to be shown."""
        return to_pixels(self.finish(self._age, self._goal))

    @cached_property
    def _goal(self) -> Tensor:
        """What the network draws at the portrait's age: [1, 3, R, R]."""
        return self._picture(self._age)

    def _picture(self, age: float) -> Tensor:
        """What the network draws at an age, [1, 3, R, R], if it has not drawn it already."""
        drawn = self._chain.get(age)
        return self.draw([age]) if drawn is None else drawn[None]

    @torch.no_grad()
    def drawn_whole(self, locked: bool) -> tuple[Tensor, Tensor]:
        """The network's picture at the portrait's age, [1, 3, R, R], and the still of it, [1, 3, S, S].

        Unlike `draw`, at the network's own resolution in float32, with the pet's lock carried along or without it: to
        measure what the lock does. Raises `ValueError` with a baby photo, and where growth is not known.
        """
        marks = self._pet.marks
        if self._baby is not None or marks is None:
            raise ValueError("a pet of one photo, whose growth is known")
        changes = self._pet.changes if locked else lambda _: UNADJUSTED
        now, picture = (self._drawn([age], changes(age)) for age in (0.0, self._age))
        return picture, self._grown_detail(marks, now).frame(self._age, picture)

    @torch.no_grad()
    def whole(self, photo: Image.Image | None = None) -> Image.Image:
        """The face of the portrait's age in the whole photo, as that lies in the latent or larger, as it was sent."""
        photo = photo or self._pet.photo
        alignment = align_to(photo.size, self._pet.head, self._network.convention, self.window.side)
        if isinstance(self._carrier, WarpDetail):
            feathered = to_pixels(self._carrier.feathered(self._age, self._goal))
            return paste_back(photo, feathered, self.now, alignment, feathered=True)
        return paste_back(photo, self.still(), self.now, alignment)

    def film(
        self,
        features: Callable[[Tensor], Tensor],
        options: FilmOptions | None = None,
        pool: Executor | None = None,
    ) -> Generator[float, None, Film]:
        """The way as a film; yields how far it is, 0..1. `features` measures how evenly it goes."""
        if isinstance(self._carrier, WarpDetail):
            return self._planned(self._carrier, features, options, pool)
        ages = list(self._chain)
        if ages[0] != (0.0 if self._baby is None else 1.0):  # where the film begins
            ages.reverse()
        pictures = torch.stack([self._chain[age] for age in ages])

        def show(age: float) -> Tensor:
            return self.finish(age, self._picture(age), self.window)

        return filming(ages, pictures, features, show, options, pool)

    @torch.no_grad()
    def _planned(
        self,
        carrier: WarpDetail,
        features: Callable[[Tensor], Tensor],
        options: FilmOptions | None,
        pool: Executor | None,
    ) -> Generator[float, None, Film]:
        """The film of few drawings: what is to be done between two ages lies between what is to be done at these."""
        ages = torch.linspace(0.0, self._age, _SKETCHES).tolist()
        pictures = self.draw(ages)
        plans = [carrier.plan(age, picture[None]) for age, picture in zip(ages, pictures, strict=True)]

        @torch.no_grad()
        def plan(age: float) -> Tensor:
            align_to = age / (self._age or 1.0) * (_SKETCHES - 1)
            before = min(max(int(align_to), 0), _SKETCHES - 2)
            return torch.lerp(plans[before], plans[before + 1], align_to - before)

        in_planes = carrier.in_planes(self.window)

        def show(age: float) -> Tensor:
            return self.window.of(carrier.carried(plan(age)))

        def levels(age: float) -> Tensor:
            return in_planes(plan(age))

        return filming(ages, pictures, features, show, options, pool, levels)

    def _tensor(self, face: Pixels) -> Tensor:
        return to_tensor(face).to(self._device)


def landmarks_in(
    photo_size: tuple[int, int], head: Head | None, network: Network, species: Species
) -> Landmarks | None:
    """The head's marks on the face plane; None where the network frames faces otherwise or there is no head."""
    if head is None or network.convention is not FaceTemplate.STORYBOOK:
        return None
    return landmarks_of([(head, align_to(photo_size, head, network.convention, SIDE))], [species])


def _chain(age: float) -> list[float]:
    """Ages from 0 to `age`, evenly, rising."""
    return sorted({float(one) for one in np.linspace(0.0, age, _CHAIN)})
