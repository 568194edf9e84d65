"""Makes training pictures for the face networks: annotated photos moved, mirrored, recoloured, blurred, joined."""

import math
from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO
from random import Random

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from engine.lab.annotations import AnnotatedPhoto, read_rgb
from engine.messages import Box, Head, Point
from engine.vision.face_detection import HEAD_FILL, overlap
from engine.vision.face_models import DETECTOR_SIDE, LANDMARK_SIDE
from engine.vision.geometry import Matrix, centre, head_size, resample, similarity, transform

STORED_SIDE = 640  # px; photos are kept in memory no larger than this


@dataclass(frozen=True, slots=True)
class TrainingPicture:
    """A square picture and the heads in it; `young` belongs to the first head, None where unknown."""

    picture: Image.Image
    heads: tuple[Head, ...]
    young: bool | None = None


def detector_picture(photos: list[AnnotatedPhoto], random: Random) -> TrainingPicture:
    """What the head detector may meet: one photo as a whole or in part, several joined, or a part without a head."""
    kind = random.random()
    if kind < 0.30:
        return _varied(_whole(random.choice(photos), random), random)
    if kind < 0.60:
        return _varied(_part(random.choice(photos), DETECTOR_SIDE, random), random)
    if kind < 0.94:
        return _varied(_joined(photos, random), random)
    return _varied(_background(random.choice(photos), DETECTOR_SIDE, random), random)


def landmark_picture(photos: list[AnnotatedPhoto], random: Random) -> TrainingPicture:
    """What the landmark net may meet: a head about where the detector said, or something that is none."""
    if random.random() < 0.14:
        return _varied(_background(random.choice(photos), LANDMARK_SIDE, random), random)
    annotated = random.choice(photos)
    photo, head = _load(annotated)
    size = head_size(head)
    factor = math.exp(random.gauss(0, 0.16))
    middle = centre(head)
    aim = (middle[0] + random.gauss(0, 0.08) * size, middle[1] + random.gauss(0, 0.08) * size)
    turn = math.radians(random.triangular(-25, 25, 0))
    scale = factor * HEAD_FILL * LANDMARK_SIDE / size
    matrix = similarity(aim, turn, scale, (LANDMARK_SIDE / 2, LANDMARK_SIDE / 2))
    drawn = TrainingPicture(
        resample(photo, matrix, LANDMARK_SIDE), (_transformed(head, matrix, turn),), annotated.young
    )
    return _varied(drawn, random)


def _whole(annotated: AnnotatedPhoto, random: Random) -> TrainingPicture:
    """The whole photo fitted in, as the detector sees it later, a little larger or smaller, a little turned."""
    photo, head = _load(annotated)
    turn = math.radians(random.gauss(0, 6))
    scale = DETECTOR_SIDE / max(photo.size) * math.exp(random.gauss(0, 0.12))
    shift = (random.gauss(0, 0.04) * DETECTOR_SIDE, random.gauss(0, 0.04) * DETECTOR_SIDE)
    target = (DETECTOR_SIDE / 2 + shift[0], DETECTOR_SIDE / 2 + shift[1])
    matrix = similarity((photo.width / 2, photo.height / 2), turn, scale, target)
    return TrainingPicture(resample(photo, matrix, DETECTOR_SIDE), _visible(head, matrix, turn, DETECTOR_SIDE))


def _part(annotated: AnnotatedPhoto, side: int, random: Random) -> TrainingPicture:
    """A head of any size anywhere in the picture."""
    photo, head = _load(annotated)
    wanted = side * math.exp(random.uniform(math.log(0.09), math.log(0.9)))
    # Not enlarged beyond what a photo would show, and not so small that the photo vanishes in grey.
    wanted = max(min(wanted, 3 * head_size(head)), 0.35 * side * head_size(head) / max(photo.size))
    reach = max(0.12 * side, min(0.5 * wanted, 0.45 * side))
    target = (random.uniform(reach, side - reach), random.uniform(reach, side - reach))
    turn = math.radians(random.triangular(-25, 25, 0))
    matrix = similarity(centre(head), turn, wanted / head_size(head), target)
    return TrainingPicture(resample(photo, matrix, side), _visible(head, matrix, turn, side))


def _joined(photos: list[AnnotatedPhoto], random: Random) -> TrainingPicture:
    """Two photos beside or above each other, or four in the corners, each with its head in its part."""
    side = DETECTOR_SIDE
    cut_x, cut_y = (int(side * random.uniform(0.35, 0.65)) for _ in range(2))
    kind = random.random()
    if kind < 0.45:
        parts = [(0, 0, cut_x, side), (cut_x, 0, side, side)]
    elif kind < 0.75:
        parts = [(0, 0, side, cut_y), (0, cut_y, side, side)]
    else:
        parts = [(x, y, x1, y1) for x, x1 in ((0, cut_x), (cut_x, side)) for y, y1 in ((0, cut_y), (cut_y, side))]
    picture = Image.new("RGB", (side, side))
    heads: list[Head] = []
    for x0, y0, x1, y1 in parts:
        photo, head = _load(random.choice(photos))
        wanted = min(x1 - x0, y1 - y0) * random.uniform(0.4, 0.95)
        target = (x0 + (x1 - x0) * random.uniform(0.4, 0.6), y0 + (y1 - y0) * random.uniform(0.4, 0.6))
        turn = math.radians(random.triangular(-20, 20, 0))
        matrix = similarity(centre(head), turn, wanted / head_size(head), target)
        picture.paste(resample(photo, matrix, side).crop((x0, y0, x1, y1)), (x0, y0))
        moved = _transformed(head, matrix, turn)
        box = (max(moved.box[0], x0), max(moved.box[1], y0), min(moved.box[2], x1), min(moved.box[3], y1))
        heads.append(replace(moved, box=box))
    return TrainingPicture(picture, tuple(heads))


def _background(annotated: AnnotatedPhoto, side: int, random: Random) -> TrainingPicture:
    """A part of the photo away from the head: background, or the animal's body."""
    photo, head = _load(annotated)
    for _ in range(20):
        edge = max(40.0, min(photo.size) * random.uniform(0.2, 0.9))
        x, y = (random.uniform(0, max(1, length - edge)) for length in photo.size)
        if overlap((x, y, x + edge, y + edge), head.box) < 0.02:
            matrix = similarity((x + edge / 2, y + edge / 2), 0.0, side / edge, (side / 2, side / 2))
            return TrainingPicture(resample(photo, matrix, side), ())
    return TrainingPicture(_texture(side, random), ())


def _texture(side: int, random: Random) -> Image.Image:
    """Clouds of colour, for photos that are all head."""
    cells = random.choice((2, 4, 8, 16))
    noise = np.random.default_rng(random.getrandbits(32)).integers(0, 256, (cells, cells, 3), np.uint8)
    return Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC)


def _varied(drawn: TrainingPicture, random: Random) -> TrainingPicture:
    """Mirrored at random, and degraded."""
    picture, heads = drawn.picture, drawn.heads
    if random.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        heads = tuple(_mirrored(head, picture.width) for head in heads)
    return TrainingPicture(degraded(picture, random), heads, drawn.young)


def degraded(picture: Image.Image, random: Random) -> Image.Image:
    """Recoloured, blurred or compressed, as photos are."""
    size = picture.size
    for enhance, spread in ((ImageEnhance.Brightness, 0.25), (ImageEnhance.Contrast, 0.25), (ImageEnhance.Color, 0.3)):
        picture = enhance(picture).enhance(max(0.3, random.gauss(1, spread)))
    if random.random() < 0.3:  # another light
        gains = np.clip(np.array([random.gauss(1, 0.08) for _ in range(3)]), 0.7, 1.3)
        picture = Image.fromarray(np.clip(np.asarray(picture) * gains, 0, 255).astype(np.uint8))
    if random.random() < 0.04:
        picture = picture.convert("L").convert("RGB")
    if random.random() < 0.2:
        picture = picture.filter(ImageFilter.GaussianBlur(random.uniform(0.4, 2.2)))
    if random.random() < 0.12:
        small = int(picture.width * random.uniform(0.3, 0.7))
        picture = picture.resize((small, small), Image.Resampling.BILINEAR).resize(size)
    if random.random() < 0.15:
        packed = BytesIO()
        picture.save(packed, "JPEG", quality=random.randint(20, 60))
        picture = Image.open(packed).convert("RGB")
    return picture


def _transformed(head: Head, matrix: Matrix, turn: float) -> Head:
    """The head transformed by `matrix`. Its box is that of the turned ellipse, tighter than that of turned corners."""
    x0, y0, x1, y1 = head.box
    scale = float(np.sqrt(np.linalg.det(matrix[:, :2])))
    half_w, half_h = scale * (x1 - x0) / 2, scale * (y1 - y0) / 2
    cos, sin = math.cos(turn), math.sin(turn)
    wide, high = math.hypot(half_w * cos, half_h * sin), math.hypot(half_w * sin, half_h * cos)
    x, y = transform(matrix, centre(head))
    left, right, nose = (point and transform(matrix, point) for point in (head.left_eye, head.right_eye, head.nose))
    return Head((x - wide, y - high, x + wide, y + high), left, right, nose, head.score)


def _mirrored(head: Head, width: float) -> Head:
    def flip(point: Point | None) -> Point | None:
        return point and (width - point[0], point[1])

    x0, y0, x1, y1 = head.box
    box: Box = (width - x1, y0, width - x0, y1)
    return Head(box, flip(head.right_eye), flip(head.left_eye), flip(head.nose), head.score)


def _visible(head: Head, matrix: Matrix, turn: float, side: int) -> tuple[Head, ...]:
    """The transformed head, its box cut at the picture's borders; none if its middle is outside."""
    moved = _transformed(head, matrix, turn)
    if not all(0 < at < side for at in centre(moved)):
        return ()
    x0, y0, x1, y1 = moved.box
    return (replace(moved, box=(max(0.0, x0), max(0.0, y0), min(float(side), x1), min(float(side), y1))),)


@cache
def _load(annotated: AnnotatedPhoto) -> tuple[Image.Image, Head]:
    """The photo, shrunk to a modest size, and its head in the shrunk photo's pixels."""
    photo = read_rgb(annotated.path)
    scale = min(1.0, STORED_SIDE / max(photo.size))
    size = (round(photo.width * scale), round(photo.height * scale))
    matrix = np.array([[size[0] / photo.width, 0, 0], [0, size[1] / photo.height, 0]])
    return photo.resize(size, Image.Resampling.LANCZOS), _transformed(annotated.head, matrix, 0.0)
