"""The shape of drawn adults: how large their parts are, where they end, and where their landmarks lie.

All is told on the face plane (`engine.growth.face_plane`), and exactly: from the parameters that a pet is drawn from
(`engine.lab.drawn_pets.parameters`), not from its picture.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.growth.face_plane import face_plane
from engine.growth.growth_model import RAYS_FROM
from engine.lab.drawn_pets.parameters import INDEX
from engine.vision.alignment import EYE_DISTANCE, EYE_HEIGHT
from engine.vision.head_parsing import LANDMARKS, SIDE

SIDES = {"left": -1.0, "right": 1.0}  # as the viewer sees them

_STEPS = 96  # places at which a line is looked at for the end of a shape
_TIP = 0.93  # of a standing ear's height, up to where it is seen
# Where a hanging ear joins the head: down it, of half its length, and towards its inner edge, of half its width.
_BASE_OF_HANGING = {"inner": (-0.8, 1.0), "outer": (-0.25, 0.45)}
_CHEEK_AT = 0.45  # y of the cheeks
# Softly, at which muzzle length a muzzle is short, and from which on it is long; and how much of a pet's hair.
_MUZZLES = {False: (0.74, 1.04), True: (0.53, 0.8)}
_COATS = (0.27, 0.68)
_SURE_OF_KIND = 0.03  # of these


class Anatomy:
    """N drawn adults. Parameters are [N, 1, 1]; x and y of the face plane, and what is told of them, [N, H, W]."""

    def __init__(self, pets: Tensor) -> None:
        """`pets` [N, P] as in `engine.lab.drawn_pets.parameters`; their age is left out of account."""
        self._pets = pets
        self.cat = torch.sigmoid(3 * self["cat"])
        self.yaw = self["yaw"]
        self.eye = self["eye_size"].clamp(0.08, 0.3)
        self.muzzle_length = (self["muzzle_length"] + 0.35 * self["pitch"]).clamp(0.4, 1.4)
        self.muzzle_width = self["muzzle_width"].clamp(0.2, 0.8)
        self.nose_size = self["nose_size"].clamp(0.06, 0.32)
        self.nose_x = 0.45 * self.yaw  # a turned head carries its muzzle aside
        self.forehead = self["forehead"].clamp(0.6, 1.7)
        self.jaw = torch.maximum(self["jaw"], self.muzzle_length + 0.34).clamp(0.8, 1.8)
        self.head_width = self["head_width"]
        self.squareness = self["squareness"].clamp(1.7, 3)
        self.ear_size = self["ear_size"].clamp(0.3, 2)
        self.standing = torch.sigmoid(10 * self["ear_erect"])  # how opaque standing ears are; hanging ones by 1 - this
        self.fur_length = self["fur_length"].clamp(0, 1.2)
        self.lid = self["lid"].clamp(0, 1)
        self.squint = 0.86 - 0.3 * self.lid - 0.12 * self.cat  # height of an eye over its width
        self.slant = 0.12 + 0.18 * self.cat  # of the eyes, upwards to their outer corners

    def __getitem__(self, name: str) -> Tensor:
        """A parameter [N, 1, 1]."""
        return self._pets[:, INDEX[name], None, None]

    def __len__(self) -> int:
        return len(self._pets)

    @property
    def top(self) -> Tensor:
        """y of the head's upper end, ears included."""
        return -torch.maximum(self.forehead, self.standing * (0.45 * self.forehead + 0.95 * self.ear_size))

    def on_ball(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Places in the head's ball, whose outline lies where both together reach 1."""
        height = torch.where(y < 0.15, self.forehead + 0.15, self.jaw - 0.15)
        return (x - 0.08 * self.yaw) / (self.head_width * (1 - 0.08 * (y - 0.2).clamp(-1, 1))), (y - 0.15) / height

    def muzzle(self, x: Tensor, y: Tensor) -> Tensor:
        """Below 0 within the muzzle's bulge, above outside."""
        across, down = (x - self.nose_x) / self.muzzle_width, (y - self.muzzle_length - 0.05) / (0.42 - 0.1 * self.cat)
        return torch.sqrt(across.square() + down.square()) - 1

    def head(self, x: Tensor, y: Tensor) -> Tensor:
        """How far outside of the head, without its ears, a place lies; below 0 within."""
        p = self.squareness
        across, down = (part.abs().clamp(min=1e-3) for part in self.on_ball(x, y))
        outline = (across.pow(p) + down.pow(p)).pow(1 / p) - 1
        beside = ((x.abs() - self.head_width) / 0.4).square() + ((y - 0.75) / 0.45).square()
        tufts = self["cheeks"] * torch.exp(-beside)
        return torch.minimum(outline * 0.9 - tufts, self.muzzle(x, y) * 0.4 + 0.02)

    @property
    def _cone(self) -> tuple[Tensor, Tensor]:
        """y of the standing ears' base, and their height."""
        return -0.45 * self.forehead, 0.95 * self.ear_size + 0.12 * self.cat

    def ear_width(self, side: float) -> Tensor:
        return self["ear_width"] * (1 + 0.25 * side * self.yaw) * (0.85 + 0.15 * self.ear_size)

    def along_cone(self, y: Tensor, side: float) -> tuple[Tensor, Tensor]:
        """How far up a standing ear a place is, 0 at the skull and 1 at the tip, and x of the ear's middle there."""
        base, tall = self._cone
        t = ((base - y) / tall).clamp(-0.6, 1.6)
        return t, side * self["ear_spread"] * self.head_width / 1.22 + 0.2 * self.yaw + side * 0.16 * t

    def standing_ear(self, x: Tensor, y: Tensor, side: float) -> Tensor:
        """How far outside of this ear a place lies: a cone from the skull up, whose tip leans out a little."""
        base, tall = self._cone
        t, middle = self.along_cone(y, side)
        beside = (x - middle).abs() - self._cone_width(t, side)
        return torch.maximum(beside, torch.maximum((y - base - 0.25) * 0.8, base - tall - y))

    def _cone_width(self, t: Tensor, side: float) -> Tensor:
        return self.ear_width(side) * (1 - t).clamp(min=0).pow(0.75) * 0.62

    def _leaf(self, side: float) -> tuple[Tensor, Tensor, Tensor]:
        """x and y of a hanging ear's middle, and half its length."""
        drop = self.ear_size * 0.72
        return side * self.head_width * 0.86 + 0.2 * self.yaw, drop - 0.4 * self.forehead, drop

    def _leaf_width(self, down: Tensor, side: float) -> Tensor:
        return self.ear_width(side) * 0.62 * (1 + 0.3 * down.clamp(-1, 1))

    def hanging_ear(self, x: Tensor, y: Tensor, side: float) -> Tensor:
        """Below 0 within this ear, above outside: a drop beside the cheek, over the head."""
        middle_x, middle_y, drop = self._leaf(side)
        down = (y - middle_y) / drop
        across = (x - middle_x - side * 0.06 * (y - middle_y)) / self._leaf_width(down, side)
        return torch.sqrt(across.square() + down.square()) - 1

    def mask(self, resolution: int) -> Tensor:
        """[N, R, R]: 1 where the head and its ears are, 0 elsewhere; in between at the outline."""
        x, y = face_plane(resolution, self._pets.device).to(self._pets).unbind(dim=-1)
        soft = face_plane(resolution)[0, 1, 0] - face_plane(resolution)[0, 0, 0]
        ears = [
            [(0.5 - self.standing_ear(x, y, side) / soft) * (self.standing > 0.5) for side in SIDES.values()],
            [(0.5 - self.hanging_ear(x, y, side) * 0.5 / soft) * (self.standing <= 0.5) for side in SIDES.values()],
        ]
        return torch.stack([0.5 - self.head(x, y) / soft, *ears[0], *ears[1]]).amax(0).clamp(0, 1)

    def outline(self, count: int) -> Tensor:
        """[N, count, 2]: where the head with its ears ends, clockwise from upwards, as seen from its middle."""
        angles = torch.linspace(0, 2 * torch.pi, count + 1)[:-1].to(self._pets)
        ways = torch.stack([angles.sin(), -angles.cos()], dim=-1)
        steps = torch.linspace(0.02, 2.6, 3 * _STEPS).to(self._pets)
        places = steps[:, None, None] * ways + steps.new_tensor(RAYS_FROM)
        grid = places * (2 * EYE_DISTANCE) + steps.new_tensor([0.0, 2 * EYE_HEIGHT - 1])
        mask = self.mask(2 * SIDE)[:, None]
        inside = F.grid_sample(mask, grid.expand(len(self), -1, -1, -1), align_corners=False)[:, 0] > 0.5
        reach = (inside * steps[:, None]).amax(1)
        return reach[..., None] * ways + steps.new_tensor(RAYS_FROM)

    def kinds(self) -> Tensor:
        """[N, 9]: how much of each of EARS, MUZZLES and COATS (`engine.vision.head_parsing`) a pet has."""
        standing = self.standing.flatten()
        ears = torch.stack([standing, torch.zeros_like(standing), 1 - standing], dim=1)
        cats = self["cat"].flatten() > 0
        dogs_muzzle, cats_muzzle = (_thirds(self.muzzle_length.flatten(), *_MUZZLES[cat]) for cat in (False, True))
        coat = _thirds(self.fur_length.flatten(), *_COATS)
        return torch.cat([ears, torch.where(cats[:, None], cats_muzzle, dogs_muzzle), coat], dim=1)

    def landmarks(self) -> Tensor:
        """[N, 24, 2]: the landmarks of `engine.vision.head_parsing`, in their order."""
        at = self._middle_landmarks()
        for name, side in SIDES.items():
            at |= self._eye_landmarks(name, side) | self._ear_landmarks(name, side)
        x, y = (torch.cat([at[name][i].expand(len(self), 1, 1) for name in LANDMARKS], dim=1) for i in (0, 1))
        return torch.cat([x, y], dim=2)

    def _middle_landmarks(self) -> "_Places":
        nose, size, width = (self.nose_x, self.muzzle_length), self.nose_size, self.muzzle_width
        zero = torch.zeros_like(size)
        corners = self.lip - 0.14 + 0.1 * torch.cos(torch.full_like(size, 0.72 * 3.1))
        at = {
            "nose_left": (nose[0] - size, nose[1] - 0.502 * size),
            "nose_right": (nose[0] + size, nose[1] - 0.502 * size),
            "nose_top": (nose[0], nose[1] - 0.97 * size),
            "nose_bottom": (nose[0], nose[1] + 0.47 * size),
            "mouth_left": (nose[0] - 0.72 * width, corners),
            "mouth_right": (nose[0] + 0.72 * width, corners),
            "crown": (0.08 * self.yaw, -self.forehead),
        }
        chin_x, below = 0.8 * self.nose_x, self.muzzle_length + torch.linspace(0, 1.2, _STEPS)[:, None]
        at["chin"] = (chin_x, _end(below, self.head(chin_x.expand_as(below), below)))
        for name, side in SIDES.items():
            beside = side * torch.linspace(0.4, 2.0, _STEPS)[:, None] + zero
            at[f"cheek_{name}"] = (_end(beside, self.head(beside, zero + _CHEEK_AT)), zero + _CHEEK_AT)
        return at

    @property
    def lip(self) -> Tensor:
        """y of the middle of the mouth."""
        return self.muzzle_length + 0.24 + 0.1 * self.muzzle_width

    def _eye_landmarks(self, name: str, side: float) -> "_Places":
        x, tilt, zero = side * 0.5, self.slant * self.eye, torch.zeros_like(self.eye)
        upper = self.squint * (0.95 - 0.8 * self.lid).clamp(max=1.0)  # where the upper lid ends
        return {
            f"eye_{name}_inner": (x - side * self.eye, tilt),
            f"eye_{name}_outer": (x + side * self.eye, -tilt),
            f"eye_{name}_top": (x + zero, -upper * self.eye),
            f"eye_{name}_bottom": (x + zero, self.squint * self.eye),
        }

    def _ear_landmarks(self, name: str, side: float) -> "_Places":
        base, tall = self._cone
        middle_x, middle_y, drop = self._leaf(side)
        up = base - tall * _TIP
        tip = self.along_cone(up, side)[1], up
        hanging = middle_x + side * 0.06 * drop, middle_y + drop
        at = {f"ear_{name}_tip": self._as_worn(tip, hanging)}
        for part, way in (("inner", -side), ("outer", side)):
            t = torch.linspace(-0.25, _TIP, _STEPS)[:, None]
            up = base - tall * t
            beside = self.along_cone(up, side)[1] + way * self._cone_width(t, side)
            outside = self.head(beside, up)
            standing = _end(beside, outside), _end(up, outside)
            below, inwards = _BASE_OF_HANGING[part]
            down = torch.full_like(drop, below)
            edge = side * self._leaf_width(down, side) * (1 - down.square()).sqrt()
            joined = middle_x + side * 0.06 * drop * down - inwards * edge, middle_y + drop * down
            at[f"ear_{name}_{part}"] = self._as_worn(standing, joined)
        return at

    def _as_worn(self, standing: tuple[Tensor, Tensor], hanging: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        x, y = (torch.where(self.standing > 0.5, up, down) for up, down in zip(standing, hanging, strict=True))
        return x, y


_Places = dict[str, tuple[Tensor, Tensor]]


def _end(places: Tensor, outside: Tensor) -> Tensor:
    """Where a line [N, K, 1] leaves the shape outside of which its places lie so far: the last time that it does."""
    inside = outside < 0
    steps = torch.arange(inside.shape[1], device=inside.device)[:, None]
    last = torch.where(inside, steps, torch.zeros_like(steps)).amax(1, keepdim=True).clamp(max=inside.shape[1] - 2)
    places = places.expand_as(outside)
    (here, there), (within, beyond) = ((part.gather(1, last), part.gather(1, last + 1)) for part in (places, outside))
    share = (within / (within - beyond)).nan_to_num(0.0).clamp(0, 1)
    return torch.lerp(here, there, share)


def _thirds(value: Tensor, low: float, high: float) -> Tensor:
    """[N, 3]: how much `value` [N] counts as low, as middle and as high."""
    least, most = torch.sigmoid((low - value) / _SURE_OF_KIND), torch.sigmoid((value - high) / _SURE_OF_KIND)
    return torch.stack([least, (1 - least - most).clamp(min=0), most], dim=1)
