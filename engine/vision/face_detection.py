"""Finds heads, eyes and noses in a photo: one look at the whole, then close-ups of each head."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engine.messages import Box, Head
from engine.vision.efficientnet import load_efficientnet
from engine.vision.face_models import (
    DETECTOR_SIDE,
    DETECTOR_STRIDE,
    LANDMARK_SIDE,
    load_face_models,
    mean_borders,
    mean_points,
)
from engine.vision.geometry import Matrix, centre, fitted, head_size, invert, resample, similarity, transform

HEAD_FILL = 0.55  # the head's size over the side of a close-up, as the landmark net was trained

# Scores and probabilities, 0..1, set on annotated photos; a larger one finds less and mistakes less.
_DETECTED_FROM = 0.12  # score of the detector from which the landmark net takes a close look
_LIKELY_HEAD_FROM = 0.1  # score of the landmark net from which it takes a second look
_HEAD_FROM = 0.5  # score of the landmark net from which it is a head
_EYE_VISIBLE_FROM = 0.4  # probability from which an eye counts as visible

_LONG_PHOTO_RATIO = 1.6  # long side over short side from which the detector looks at parts of the photo, too
_MOST_LONG_PHOTO_PARTS = 3  # each costs another look
_UPRIGHT_UP_TO = math.radians(32)  # the landmark net was trained on heads tilted up to here
_TILTED_UP_TO = math.radians(75)  # larger tilts are mistakes more often than true
_MOST_HEADS = 8  # each costs two close looks

# Distances over the head's size.
_LEAST_EYE_NOSE_DISTANCE = 0.11  # an eye nearer to the nose is hidden (in kept faces it is 0.14 or more)
_LEAST_EYE_DISTANCE = 0.12  # of eyes nearer to each other one is hidden (in kept faces it is 0.16 or more)
_LARGEST_EYE_DISAGREEMENT = 0.1  # between two looks' points for one eye; farther apart neither is right
_NOSE_OUTSIDE_BOX = 0.1  # how far outside its box a nose may lie
_SAME_NOSE_DISTANCE = 0.15  # two heads with noses nearer than this are one head

_EYE_BELOW_NOSE = 0.15  # of the head's size, from which on what has one eye is no head
_SAME_HEAD_OVERLAP = 0.45  # intersection over union from which two boxes are one head
_PART_OF_HEAD_SHARE = 0.7  # share of a box inside a more prominent one from which it is a part of that head


@dataclass(frozen=True, slots=True)
class Face:
    """A head and how young it looks."""

    head: Head
    youth: float  # probability that it is a puppy's or a kitten's, 0..1


def find_heads(image: Image.Image) -> list[Head]:
    """The heads of dogs and cats in an RGB photo, most prominent first; points and boxes in its pixels."""
    return [face.head for face in find_faces(image)]


@torch.inference_mode()
def find_faces(image: Image.Image) -> list[Face]:
    """Like `find_heads`, with how young each looks."""
    boxes = _detect_boxes(image)
    if not boxes:
        return []
    first = _faces_seen(image, [close_up(box) for box in boxes])
    likely = [face.head for face in first if face.head.score >= _LIKELY_HEAD_FROM]
    faces = _faces_seen(image, [close_up(head.box, _tilt(head)) for head in likely], twice=True)
    faces = [face for face in faces if face.head.score >= _HEAD_FROM and _nose_in_box(face.head)]
    faces.sort(key=lambda face: face.head.score * head_size(face.head), reverse=True)
    return _without_duplicates(faces)


def close_up(box: Box, tilt: float = 0.0) -> Matrix:
    """[2, 3]: a head's box (photo pixels) into the middle of a close-up, turned back by `tilt` radians."""
    head = Head(box, None, None, None, 0.0)
    half = LANDMARK_SIDE / 2
    return similarity(centre(head), tilt, HEAD_FILL * LANDMARK_SIDE / head_size(head), (half, half))


def to_tensor(pictures: list[Image.Image]) -> Tensor:
    """RGB pictures of one size → float [N, 3, H, W] in -1..1, channels last in memory."""
    stacked = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))
    return stacked.permute(0, 3, 1, 2).float().div_(127.5).sub_(1).contiguous(memory_format=torch.channels_last)


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    both = _common(a, b)
    return both / (_area(a) + _area(b) - both)


def _common(a: Box, b: Box) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(0.0, width) * max(0.0, height)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _detect_boxes(image: Image.Image) -> list[Box]:
    """Boxes that may hold a head, in photo pixels, the highest score first."""
    detector, _ = load_face_models()
    looks = [fitted(image.size, DETECTOR_SIDE), *_long_photo_parts(image.size)]
    seen = to_tensor([resample(image, look, DETECTOR_SIDE) for look in looks])
    scores, distances = detector(load_efficientnet().features(seen)[:1:-1])
    found: list[tuple[float, Box]] = []
    for number, look in enumerate(looks):
        chance = torch.sigmoid(scores[number])
        peak = torch.nn.functional.max_pool2d(chance[None], 3, 1, 1)[0]
        rows, columns = torch.nonzero((chance == peak) & (chance > _DETECTED_FROM), as_tuple=True)
        back = invert(look)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            left, top, right, bottom = (DETECTOR_STRIDE * d for d in distances[number, :, row, column].tolist())
            x, y = (column + 0.5) * DETECTOR_STRIDE, (row + 0.5) * DETECTOR_STRIDE
            if number and not 0 <= min(x - left, y - top) <= max(x + right, y + bottom) <= DETECTOR_SIDE:
                continue  # perhaps cut off, and then seen whole in another look
            corners = (*transform(back, (x - left, y - top)), *transform(back, (x + right, y + bottom)))
            found.append((float(chance[row, column]), corners))
    found.sort(reverse=True)
    kept: list[Box] = []
    for _, box in found:
        if all(overlap(box, other) < _SAME_HEAD_OVERLAP for other in kept):
            kept.append(box)
    return kept[:_MOST_HEADS]


def _long_photo_parts(photo_size: tuple[int, int]) -> list[Matrix]:
    """[2, 3] each: squares of a long photo, side by side, into the detector's: in a row of pets heads are small."""
    long, short = max(photo_size), min(photo_size)
    if long < _LONG_PHOTO_RATIO * short:
        return []
    side = max(short, long / _MOST_LONG_PHOTO_PARTS)
    scale, half = DETECTOR_SIDE / side, DETECTOR_SIDE / 2
    count = math.ceil(long / side)
    middles = [side / 2 + i * (long - side) / (count - 1) for i in range(count)]
    across = photo_size[0] == long
    centres = [(middle, short / 2) if across else (short / 2, middle) for middle in middles]
    return [similarity(at, 0.0, scale, (half, half)) for at in centres]


class _Landmarks(NamedTuple):
    """What the landmark net finds in one close-up; points and borders in its pixels."""

    points: Tensor  # [3, 2]: left eye, right eye, nose
    borders: Tensor  # [4]: left, top, right, bottom
    probabilities: Tensor  # [4]: head, left eye visible, right eye visible, young
    apart: Tensor  # [3]: how far apart two looks saw each point, in pixels


def _faces_seen(image: Image.Image, looks: list[Matrix], twice: bool = False) -> list[Face]:
    """The face in each close-up, `twice` the mean over it and its mirror image; `looks` are photo → close-up."""
    if not looks:
        return []
    seen = to_tensor([resample(image, look, LANDMARK_SIDE) for look in looks])
    points, borders, chances = _landmarks(torch.cat([seen, seen.flip(3)]) if twice else seen)
    apart = torch.zeros(len(looks), 3)
    if twice:
        points, other_points = points.chunk(2)
        borders, other_borders = borders.chunk(2)
        chances, other_chances = chances.chunk(2)
        # In a mirror left is right.
        other_points, other_borders = other_points[:, [1, 0, 2]], other_borders[:, [2, 1, 0, 3]]
        other_points[..., 0] = LANDMARK_SIDE - other_points[..., 0]
        other_borders[:, 0::2] = LANDMARK_SIDE - other_borders[:, 0::2]
        apart = (points - other_points).norm(dim=2)
        points, borders = (points + other_points) / 2, (borders + other_borders) / 2
        chances = (chances + other_chances[:, [0, 2, 1, 3]]) / 2
    found = zip(looks, points, borders, chances, apart, strict=True)
    return [_face(image.size, invert(look), _Landmarks(*marks)) for look, *marks in found]


def _landmarks(seen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Points, borders and probabilities of N close-ups in -1..1, as in `_Landmarks`."""
    _, landmark_net = load_face_models()
    maps, borders, facts = landmark_net(load_efficientnet().features(seen)[:0:-1])
    return mean_points(maps) * LANDMARK_SIDE, mean_borders(borders) * LANDMARK_SIDE, torch.sigmoid(facts)


def _face(photo_size: tuple[int, int], back: Matrix, marks: _Landmarks) -> Face:
    left_eye, right_eye, nose = (transform(back, (x, y)) for x, y in marks.points.tolist())
    x0, y0, x1, y1 = _upright_box(back, marks.borders.tolist())
    is_head, _, _, young = marks.probabilities.tolist()
    box = (max(0.0, x0), max(0.0, y0), min(float(photo_size[0]), x1), min(float(photo_size[1]), y1))
    hidden = _hidden_eye(marks)
    head = Head(
        box if box[2] > box[0] and box[3] > box[1] else (x0, y0, x1, y1),
        None if hidden == "left" else left_eye,
        None if hidden == "right" else right_eye,
        nose,
        is_head,
    )
    return Face(head, young)


def _upright_box(back: Matrix, borders: list[float]) -> Box:
    """A head's box in the photo, from its borders in a close-up that may be tilted: that of the ellipse in them."""
    left, top, right, bottom = borders
    half_width, half_height = (right - left) / 2, (bottom - top) / 2
    x, y = transform(back, ((left + right) / 2, (top + bottom) / 2))
    wide, high = (math.hypot(half_width * row[0], half_height * row[1]) for row in back[:, :2])
    return x - wide, y - high, x + wide, y + high


def _tilt(head: Head) -> float:
    """The head's tilt in radians; 0 when it is upright enough for the landmark net, or an eye is hidden."""
    if head.left_eye is None or head.right_eye is None:
        return 0.0
    tilt = math.atan2(head.right_eye[1] - head.left_eye[1], head.right_eye[0] - head.left_eye[0])
    return tilt if _UPRIGHT_UP_TO < abs(tilt) < _TILTED_UP_TO else 0.0


def _hidden_eye(marks: _Landmarks) -> str:
    """Which eye is hidden, "left", "right" or "" for none.

    The landmark net always gives both eyes, and tells that one is hidden better than which one. But two looks disagree
    about a hidden eye, or it lies on the nose, or on the other eye; then the nose points to the hidden side.
    """
    left, top, right, bottom = marks.borders.tolist()
    size = math.sqrt(max(1.0, (right - left) * (bottom - top)))
    left_eye, right_eye, nose = marks.points.tolist()
    left_apart, right_apart, _ = (marks.apart / size).tolist()
    if max(left_apart, right_apart) > _LARGEST_EYE_DISAGREEMENT:
        return "left" if left_apart > right_apart else "right"
    left_off, right_off = math.dist(left_eye, nose) / size, math.dist(right_eye, nose) / size
    if min(left_off, right_off) < _LEAST_EYE_NOSE_DISTANCE:
        return "left" if left_off < right_off else "right"
    if (
        math.dist(left_eye, right_eye) / size < _LEAST_EYE_DISTANCE
        or float(marks.probabilities[1:3].min()) < _EYE_VISIBLE_FROM
    ):
        return "left" if nose[0] < (left_eye[0] + right_eye[0]) / 2 else "right"
    return ""


def _nose_in_box(head: Head) -> bool:
    """Whether the nose lies in the box. If not, the close-up shows a body, and the nose is that of another box."""
    if head.nose is None:
        return True
    x0, y0, x1, y1 = head.box
    slack = _NOSE_OUTSIDE_BOX * head_size(head)
    return x0 - slack <= head.nose[0] <= x1 + slack and y0 - slack <= head.nose[1] <= y1 + slack


def _without_duplicates(faces: list[Face]) -> list[Face]:
    """The faces without those that show the same head as a more prominent one, or a part of it, or its body."""
    kept: list[Face] = []
    for face in faces:
        if not any(_is_same_head(face.head, other.head) for other in kept):
            kept.append(face)
    return [face for face in kept if not _is_body(face.head)] or kept


def _is_body(head: Head) -> bool:
    """Whether this is rather a curled-up body: no head has one eye alone, and that far below its nose."""
    eyes = [eye for eye in (head.left_eye, head.right_eye) if eye is not None]
    if len(eyes) != 1 or head.nose is None:
        return False
    return eyes[0][1] > head.nose[1] + _EYE_BELOW_NOSE * head_size(head)


def _is_same_head(head: Head, prominent: Head) -> bool:
    box, other = head.box, prominent.box
    if overlap(box, other) >= _SAME_HEAD_OVERLAP or _common(box, other) >= _PART_OF_HEAD_SHARE * _area(box):
        return True
    nose, its_nose = head.nose, prominent.nose
    return (
        nose is not None and its_nose is not None and math.dist(nose, its_nose) < _SAME_NOSE_DISTANCE * head_size(head)
    )
