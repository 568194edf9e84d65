"""The face of an inverted photo: its crop, and what the network draws of it at other ages."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from PIL import Image
from torch import Tensor

from engine.growth.detail import WarpDetail
from engine.growth.face_growth import FaceGrowth, is_growth_known
from engine.images.decoding import decode
from engine.images.pixels import Pixels
from engine.images.tensors import to_tensor
from engine.images.warping import resize_flow
from engine.inversion import solve_feature_offsets
from engine.inversion.state import InvertedPhoto, PortraitState
from engine.messages import Species
from engine.rendering.compositing import paste_back
from engine.stylegan.adjustments import carried, converted
from engine.stylegan.generator import Adjustments
from engine.stylegan.store import Network
from engine.vision.alignment import Alignment, align, align_to, crop_face
from engine.vision.cropping import CropWindow, choose_crop
from engine.vision.head_parsing import parse_head

LOOKS_SIDE = 128  # px; enough to see how the looks change and how the parts move, and quick to draw
_MARGIN = 1 / 8  # of the crop's side; growing parts move into the crop from no farther away


class InvertedFace:
    """One photo's face in one network. Ages are counted from the day of the photo.

    Where its growth is not known, the network is changed as the search left it, at every age the same.
    """

    def __init__(self, inverted: InvertedPhoto, photo: Image.Image, network: Network) -> None:
        """`photo` is that of `inverted`, decoded."""
        self.device = network.statistics.mean.device
        self.head, self.photo = inverted.head, photo
        self.ws = inverted.ws.to(self.device)
        self.network = network
        self._tuned = converted(inverted.adjustments, lambda value: value.to(self.device))
        self._crops: dict[tuple[int, int], Pixels] = {}

    def adjustments(self, age: float) -> Adjustments:
        """The changes to the network with which it draws this very pet at an age."""
        return self._tuned

    @property
    def nbytes(self) -> int:
        """About the memory that it takes; the network is others' too."""
        crops = sum(crop.nbytes for crop in self._crops.values())
        return 3 * self.photo.width * self.photo.height + self.ws.nbytes + crops

    def trim(self, most_bytes: int) -> None:
        """Drop crops, which are made again when they are needed, until no more than `most_bytes` are taken."""
        while self._crops and self.nbytes > most_bytes:
            self._drop_crop(max(self._crops))

    def _drop_crop(self, size: tuple[int, int]) -> None:
        del self._crops[size]

    def alignment(self, photo: Image.Image, side: int) -> Alignment:
        """Where the crop of `side` px lies in the photo, or in the same photo at another size."""
        return align_to(photo.size, self.head, self.network.template, side)

    def crop(self, side: int, margin: int = 0) -> Pixels:
        """The aligned face with what is around it: [side + 2 · margin, side + 2 · margin, 3]."""
        size = side, margin
        if size not in self._crops:
            self._crops[size] = crop_face(self.photo, self.alignment(self.photo, side).widened(margin))
        return self._crops[size]

    def tensor(self, pixels: Pixels) -> Tensor:
        """Pixels [H, W, 3] as [1, 3, H, W] in -1..1 on the network's device."""
        return to_tensor(pixels).to(self.device)

    def draw(
        self,
        ages: Sequence[float],
        direction: Tensor,
        adjustments: Adjustments,
        resolution: int | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """Draw the face moved along `direction` [num_ws, w_dim] by each of N ages: [N, 3, R, R] in -1..1."""
        ws = torch.cat([self.ws + age * direction for age in ages])
        synthesis = self.network.generator.synthesis
        picture: Tensor = synthesis(ws, resolution=resolution, adjustments=adjustments, dtype=dtype)
        return picture


class SolvedFace(InvertedFace):
    """A face with known landmarks: the feature offsets are solved for, and move as the face grows."""

    def __init__(
        self, inverted: InvertedPhoto, photo: Image.Image, network: Network, species: Species, breed: str
    ) -> None:
        super().__init__(inverted, photo, network)
        self._species, self._breed = species, breed
        self._details: dict[tuple[int, int], WarpDetail] = {}

    @property
    def nbytes(self) -> int:
        return super().nbytes + sum(detail.nbytes for detail in self._details.values())

    def _drop_crop(self, size: tuple[int, int]) -> None:
        super()._drop_crop(size)
        self._details.pop(size, None)

    def detail(self, side: int, margin: int) -> WarpDetail:
        """What warps the crop of `side` px with a margin around; prepared once for all ages."""
        size = side, margin
        if size not in self._details:
            self._details[size] = WarpDetail(self.tensor(self.crop(side, margin)), margin, self.growth)
        return self._details[size]

    def adjustments(self, age: float) -> Adjustments:
        if not age:
            return self._solved
        motion = self.growth.flow(age, LOOKS_SIDE).to(self.device)
        return carried(self._solved, lambda side: resize_flow(motion, side))

    @cached_property
    def growth(self) -> FaceGrowth:
        """How this face grows, from the parts that are seen in it."""
        return FaceGrowth(parse_head(self.photo, self.head), self._species, self._breed)

    @cached_property
    def _solved(self) -> Adjustments:
        side = self.network.generator.config.img_resolution
        face = align(self.photo, self.head, self.network.template, side).crop
        return solve_feature_offsets(self.tensor(face), self.ws, self.network.generator)


@dataclass(frozen=True, slots=True, eq=False)
class PortraitFaces:
    """The faces of one portrait's photos: all of it that does not depend on the age shown."""

    pet: InvertedFace
    baby: InvertedFace | None

    @property
    def nbytes(self) -> int:
        """About the memory that they take."""
        return sum(face.nbytes for face in self._all)

    def trim(self, most_bytes: int) -> None:
        """Drop what is made again when it is needed, until no more than `most_bytes` are taken."""
        for face in self._all:
            face.trim(most_bytes // len(self._all))

    @property
    def _all(self) -> list[InvertedFace]:
        return [face for face in (self.pet, self.baby) if face is not None]


def faces_of(state: PortraitState, network: Network) -> PortraitFaces:
    """The faces of a portrait in the network that it was made with."""
    kind = network, state.species, state.breed
    return PortraitFaces(face_of(state.pet, *kind), None if state.baby is None else face_of(state.baby, *kind))


def face_of(inverted: InvertedPhoto, network: Network, species: Species, breed: str) -> InvertedFace:
    """The face of an inverted photo: a `SolvedFace` where it is known how the face grows. `breed` may be ""."""
    photo = decode(inverted.photo)
    if is_growth_known(inverted.head, network.template):
        return SolvedFace(inverted, photo, network, species, breed)
    return InvertedFace(inverted, photo, network)


class PortraitCrop:
    """The crop of a photo that a portrait changes, with the window of it that is shown."""

    def __init__(self, pet: InvertedFace, *others: InvertedFace) -> None:
        """The window is one that the photos of all these faces fill, if there is one."""
        self._pet = pet
        placed = [(face.photo.size, face.head) for face in (pet, *others)]
        self.window: CropWindow = choose_crop(placed, pet.network.template)
        self.margin = round(_MARGIN * self.window.side)
        self.wide = pet.crop(self.window.side, self.margin)  # with a margin around, for parts that move into the crop
        self.now = self.wide[self.margin : -self.margin, self.margin : -self.margin]

    def paste(
        self, face: Pixels, photo: Image.Image | None = None, before: Pixels | None = None, *, feathered: bool = False
    ) -> Image.Image:
        """Put the changed face into the whole photo, or into `photo`, which is the same one at another size.

        `before` is today's face at the size of `face`, where that is not the usual one. `feathered`: it is as in the
        photo at the crop's border already.
        """
        photo = photo or self._pet.photo
        before = self.now if before is None else before
        return paste_back(photo, face, before, self._pet.alignment(photo, self.window.side), feathered=feathered)
