"""Finding heads, eyes and noses in a photo: one look at the whole, then close-ups of each head."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engine.messages import Box, Head
from engine.vision.efficientnet import load_efficientnet
from engine.vision.face_models import (
    FINDER_SIDE,
    FINDER_STRIDE,
    MARKER_SIDE,
    load_face_networks,
    mean_borders,
    mean_points,
)
from engine.vision.geometry import Matrix, centre, head_size, invert, resample, similarity, transform

MARKER_FILL = 0.55  # of the marker's side that the head's size takes

_PROMISING = 0.12  # the finder's score from which the marker takes a look
_LONG = 1.6  # a photo's long side over its short one from which the finder also looks at its parts
_MOST_PARTS = 3
_POSSIBLE = 0.1  # the marker's score at its first look from which it takes the second
_CERTAIN = 0.5  # the marker's score from which it is a head
_UPRIGHT = math.radians(32)  # tilts up to here the marker knows
_SIDEWAYS = math.radians(75)  # tilts from here on are rather mistakes
_SEEN = 0.4  # probability from which an eye counts as visible
_ON_NOSE = 0.11  # distance to the nose, over the head's size, at which no eye is (kept faces: 0.14 at the least)
_ONE_EYE = 0.12  # distance between both eyes, over the head's size, at which they are one (kept faces: 0.16 at least)
_APART = 0.1  # distance between two looks' ideas of an eye, over the head's size, from which neither is right
_BESIDE = 0.1  # how far beyond its box a nose may lie, over the head's size
_SAME = 0.45  # overlap (intersection over union) from which two boxes are one head
_PART = 0.7  # share of a box within a more prominent one from which it is only a part of that head
_ONE_NOSE = 0.15  # distance of two heads' noses, over the smaller one's size, within which they are one head's
_MOST_HEADS = 8


@dataclass(frozen=True, slots=True)
class Face:
    """A head with what else its close-up tells."""

    head: Head
    youth: float  # probability that it is a puppy's or a kitten's, 0..1


def find_heads(image: Image.Image) -> list[Head]:
    """The heads of dogs and cats in an RGB photo, most prominent first; points and boxes in its pixels."""
    return [face.head for face in find_faces(image)]


@torch.inference_mode()
def find_faces(image: Image.Image) -> list[Face]:
    """Like `find_heads`, with how young each looks."""
    boxes = _promising(image)
    if not boxes:
        return []
    first = _mark(image, [close_up(box) for box in boxes])
    likely = [face.head for face in first if face.head.score >= _POSSIBLE]
    faces = _mark_twice(image, [close_up(head.box, _tilt(head)) for head in likely])
    faces = [face for face in faces if face.head.score >= _CERTAIN and _holds_its_nose(face.head)]
    faces.sort(key=lambda face: face.head.score * head_size(face.head), reverse=True)
    return _distinct(faces)


def fitted(photo_size: tuple[int, int]) -> Matrix:
    """[2, 3]: the whole photo, centred, into the finder's square."""
    width, height = photo_size
    scale = FINDER_SIDE / max(width, height)
    return similarity((width / 2, height / 2), 0.0, scale, (FINDER_SIDE / 2, FINDER_SIDE / 2))


def close_up(box: Box, tilt: float = 0.0) -> Matrix:
    """[2, 3]: a head's box (photo pixels) into the middle of the marker's square, turned back by `tilt` radians."""
    head = Head(box, None, None, None, 0.0)
    half = MARKER_SIDE / 2
    return similarity(centre(head), tilt, MARKER_FILL * MARKER_SIDE / head_size(head), (half, half))


def to_tensor(pictures: list[Image.Image]) -> Tensor:
    """RGB pictures of one size → float [N, 3, H, W] in -1..1, laid out as convolutions like it."""
    stacked = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))
    return stacked.permute(0, 3, 1, 2).float().div_(127.5).sub_(1).contiguous(memory_format=torch.channels_last)


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    both = _common(a, b)
    return both / (_area(a) + _area(b) - both)


def _common(a: Box, b: Box) -> float:
    """The area that two boxes share."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(0.0, width) * max(0.0, height)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _promising(image: Image.Image) -> list[Box]:
    """Boxes that may hold a head, in photo pixels, the finder's favourites first."""
    finder, _ = load_face_networks()
    looks = [fitted(image.size), *_parts(image.size)]
    seen = to_tensor([resample(image, look, FINDER_SIDE) for look in looks])
    scores, distances = finder(load_efficientnet().features(seen)[:1:-1])
    found: list[tuple[float, Box]] = []
    for number, look in enumerate(looks):
        chance = torch.sigmoid(scores[number])
        peak = torch.nn.functional.max_pool2d(chance[None], 3, 1, 1)[0]
        rows, columns = torch.nonzero((chance == peak) & (chance > _PROMISING), as_tuple=True)
        back = invert(look)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            left, top, right, bottom = (FINDER_STRIDE * d for d in distances[number, :, row, column].tolist())
            x, y = (column + 0.5) * FINDER_STRIDE, (row + 0.5) * FINDER_STRIDE
            if number and not 0 <= min(x - left, y - top) <= max(x + right, y + bottom) <= FINDER_SIDE:
                continue  # perhaps cut off, and then seen whole in another look
            corners = (*transform(back, (x - left, y - top)), *transform(back, (x + right, y + bottom)))
            found.append((float(chance[row, column]), corners))
    found.sort(reverse=True)
    kept: list[Box] = []
    for _, box in found:
        if all(overlap(box, other) < _SAME for other in kept):
            kept.append(box)
    return kept[:_MOST_HEADS]


def _parts(photo_size: tuple[int, int]) -> list[Matrix]:
    """[2, 3] each: the squares of a long photo, end to end, into the finder's: in a row of pets the heads are small."""
    long, short = max(photo_size), min(photo_size)
    if long < _LONG * short:
        return []
    side = max(short, long / _MOST_PARTS)
    scale, half = FINDER_SIDE / side, FINDER_SIDE / 2
    count = math.ceil(long / side)
    middles = [side / 2 + i * (long - side) / (count - 1) for i in range(count)]
    across = photo_size[0] == long
    centres = [(middle, short / 2) if across else (short / 2, middle) for middle in middles]
    return [similarity(at, 0.0, scale, (half, half)) for at in centres]


@dataclass(frozen=True, slots=True)
class _Marks:
    """What the marker says of one look: points and borders in its square's pixels, and chances."""

    points: Tensor  # [3, 2]: left eye, right eye, nose
    borders: Tensor  # [4]: left, top, right, bottom
    chances: Tensor  # [4]: head, left eye seen, right eye seen, young
    apart: Tensor  # [3]: how far from each other two looks saw the points, in pixels

    @property
    def mirrored(self) -> "_Marks":
        """The same marks seen in a mirror."""
        points, borders = self.points[[1, 0, 2]].clone(), self.borders[[2, 1, 0, 3]].clone()
        points[:, 0] = MARKER_SIDE - points[:, 0]
        borders[0::2] = MARKER_SIDE - borders[0::2]
        return _Marks(points, borders, self.chances[[0, 2, 1, 3]], self.apart[[1, 0, 2]])

    def between(self, other: "_Marks") -> "_Marks":
        """The mean of both."""
        return _Marks(
            (self.points + other.points) / 2,
            (self.borders + other.borders) / 2,
            (self.chances + other.chances) / 2,
            (self.points - other.points).norm(dim=1),
        )


def _mark(image: Image.Image, looks: list[Matrix]) -> list[Face]:
    """What the marker sees through each of the looks (photo → its square)."""
    marks = _marks(to_tensor([resample(image, look, MARKER_SIDE) for look in looks]))
    return [_face(image.size, invert(look), one) for look, one in zip(looks, marks, strict=True)]


def _mark_twice(image: Image.Image, looks: list[Matrix]) -> list[Face]:
    """The mean of what the marker sees through each of the looks and in its mirror."""
    if not looks:
        return []
    seen = to_tensor([resample(image, look, MARKER_SIDE) for look in looks])
    marks = _marks(torch.cat([seen, seen.flip(3)]))
    both = [one.between(other.mirrored) for one, other in zip(marks[: len(looks)], marks[len(looks) :], strict=True)]
    return [_face(image.size, invert(look), one) for look, one in zip(looks, both, strict=True)]


def _marks(seen: Tensor) -> list[_Marks]:
    """The marker's answers to pictures [N, 3, MARKER_SIDE, MARKER_SIDE] in -1..1."""
    _, marker = load_face_networks()
    maps, borders, facts = marker(load_efficientnet().features(seen)[:0:-1])
    points, sides = mean_points(maps) * MARKER_SIDE, mean_borders(borders) * MARKER_SIDE
    return [_Marks(*found, torch.zeros(3)) for found in zip(points, sides, torch.sigmoid(facts), strict=True)]


def _face(photo_size: tuple[int, int], back: Matrix, marks: _Marks) -> Face:
    left_eye, right_eye, nose = (transform(back, (x, y)) for x, y in marks.points.tolist())
    x0, y0, x1, y1 = _upright(back, marks.borders.tolist())
    is_head, _, _, young = marks.chances.tolist()
    box = (max(0.0, x0), max(0.0, y0), min(float(photo_size[0]), x1), min(float(photo_size[1]), y1))
    hidden = _hidden(marks)
    head = Head(
        box if box[2] > box[0] and box[3] > box[1] else (x0, y0, x1, y1),
        None if hidden == "left" else left_eye,
        None if hidden == "right" else right_eye,
        nose,
        is_head,
    )
    return Face(head, young)


def _upright(back: Matrix, borders: list[float]) -> Box:
    """The photo's box of a head with these borders in a close-up, tilted or not: that of the ellipse within them."""
    left, top, right, bottom = borders
    half_width, half_height = (right - left) / 2, (bottom - top) / 2
    x, y = transform(back, ((left + right) / 2, (top + bottom) / 2))
    wide, high = (math.hypot(half_width * row[0], half_height * row[1]) for row in back[:, :2])
    return x - wide, y - high, x + wide, y + high


def _tilt(head: Head) -> float:
    """By how many radians the head is tilted, 0 when it is upright enough for the marker or an eye is hidden."""
    if head.left_eye is None or head.right_eye is None:
        return 0.0
    tilt = math.atan2(head.right_eye[1] - head.left_eye[1], head.right_eye[0] - head.left_eye[0])
    return tilt if _UPRIGHT < abs(tilt) < _SIDEWAYS else 0.0


def _hidden(marks: _Marks) -> str:
    """Which eye is hidden, "left", "right" or "" for none.

    The marker was asked for both eyes always, and knows that one is hidden rather than which. But then it sees the
    hidden one now here and now there, or upon the nose, or upon the other eye, which is away from where the nose
    points.
    """
    left, top, right, bottom = marks.borders.tolist()
    size = math.sqrt(max(1.0, (right - left) * (bottom - top)))
    left_eye, right_eye, nose = marks.points.tolist()
    left_apart, right_apart, _ = (marks.apart / size).tolist()
    if max(left_apart, right_apart) > _APART:
        return "left" if left_apart > right_apart else "right"
    left_off, right_off = math.dist(left_eye, nose) / size, math.dist(right_eye, nose) / size
    if min(left_off, right_off) < _ON_NOSE:
        return "left" if left_off < right_off else "right"
    if math.dist(left_eye, right_eye) / size < _ONE_EYE or float(marks.chances[1:3].min()) < _SEEN:
        return "left" if nose[0] < (left_eye[0] + right_eye[0]) / 2 else "right"
    return ""


def _holds_its_nose(head: Head) -> bool:
    """Whether the nose lies in the box. Where it does not, the marker looked at a body and saw its head's nose."""
    if head.nose is None:
        return True
    x0, y0, x1, y1 = head.box
    slack = _BESIDE * head_size(head)
    return x0 - slack <= head.nose[0] <= x1 + slack and y0 - slack <= head.nose[1] <= y1 + slack


def _distinct(faces: list[Face]) -> list[Face]:
    """Without those that are one head with a more prominent one, or a part of it."""
    kept: list[Face] = []
    for face in faces:
        if not any(_one_head(face.head, other.head) for other in kept):
            kept.append(face)
    return kept


def _one_head(head: Head, prominent: Head) -> bool:
    box, other = head.box, prominent.box
    if overlap(box, other) >= _SAME or _common(box, other) >= _PART * _area(box):
        return True
    nose, its_nose = head.nose, prominent.nose
    return nose is not None and its_nose is not None and math.dist(nose, its_nose) < _ONE_NOSE * head_size(head)
