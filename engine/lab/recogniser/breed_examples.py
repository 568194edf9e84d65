"""Makes examples for the breed rows: views of photos as the recogniser takes them, and views without a pet."""

import math
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from engine.lab.annotations import AnnotatedPhoto, read_rgb
from engine.messages import Box, Head
from engine.vision.efficientnet import load_efficientnet
from engine.vision.face_detection import to_tensor
from engine.vision.geometry import centre, head_size
from engine.vision.recognition import look_at_head, look_at_whole

_BATCH = 16  # views; bounds the memory


def pet_views(annotated: AnnotatedPhoto, random: Random) -> list[Image.Image]:
    """The whole photo and its head near and far, each also mirrored with the head not quite where it was annotated."""
    photo = read_rgb(annotated.path)
    exact = [look_at_whole(photo), *look_at_head(photo, annotated.head)]
    jittered = [look_at_whole(photo), *look_at_head(photo, _jittered(annotated.head, random))]
    return exact + [view.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for view in jittered]


def backgrounds(annotated: AnnotatedPhoto, random: Random, count: int) -> list[Image.Image]:
    """Up to `count` parts of the photo above or well beside the head, where no animal is as a rule."""
    photo = read_rgb(annotated.path)
    x0, y0, x1, _ = annotated.head.box
    gap = 0.4 * head_size(annotated.head)
    width = photo.width
    rooms = [(0, 0, width, y0 - gap), (0, 0, x0 - 1.6 * gap, y0 + gap), (x1 + 1.6 * gap, 0, width, y0 + gap)]
    parts: list[Image.Image] = []
    for left, top, right, bottom in rooms:
        edge = min(right - left, bottom - top)
        if edge >= 80 and len(parts) < count:
            x, y = random.uniform(left, right - edge), random.uniform(top, bottom - edge)
            parts.append(look_at_whole(photo.crop((int(x), int(y), int(x + edge), int(y + edge)))))
    return parts


def petless_views(path: Path, random: Random, count: int) -> list[Image.Image]:
    """Views of a picture that shows no pet: the whole, then parts of it, mirrored or not."""
    photo = read_rgb(path)
    views = [look_at_whole(photo)]
    for _ in range(count - 1):
        edge = min(photo.size) * random.uniform(0.35, 1.0)
        x, y = (random.uniform(0, length - edge) for length in photo.size)
        part = look_at_whole(photo.crop((int(x), int(y), int(x + edge), int(y + edge))))
        views.append(part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else part)
    return views


def patterns(random: Random, count: int) -> Iterator[Image.Image]:
    """Noise, clouds of colour, gradients and stripes."""
    for _ in range(count):
        noise = np.random.default_rng(random.getrandbits(32))
        kind = random.randrange(3)
        if kind == 0:
            cells = random.choice((2, 5, 12, 40, 224))
            picture: NDArray[Any] = noise.integers(0, 256, (cells, cells, 3))
        elif kind == 1:
            picture = _between(noise, np.linspace(0, 1, 64))
        else:
            picture = _between(noise, np.sin(np.linspace(0, random.uniform(5, 80), 224)) > 0)
        small = Image.fromarray(picture.astype(np.uint8))
        yield look_at_whole(small.resize((256, 256), Image.Resampling.BICUBIC))


def _between(noise: np.random.Generator, share: NDArray[Any]) -> NDArray[Any]:
    """A square of rows mixed from two random colours, `share` [N] of the second."""
    first, last = noise.integers(0, 256, (2, 3))
    rows = first + (last - first) * share[:, None]
    return np.repeat(rows[:, None], len(share), 1)


@torch.inference_mode()
def pooled(views: list[Image.Image]) -> Tensor:
    """EfficientNet-Lite0's pooled features of each view: [N, 1280]."""
    backbone = load_efficientnet()
    parts = [views[start : start + _BATCH] for start in range(0, len(views), _BATCH)]
    return torch.cat([backbone.pooled(backbone.features(to_tensor(part))[-1]) for part in parts]).clone()


def _jittered(head: Head, random: Random) -> Head:
    size = head_size(head) * math.exp(random.gauss(0, 0.1)) / 2
    x, y = (v + random.gauss(0, 0.06) * 2 * size for v in centre(head))
    box: Box = (x - size, y - size, x + size, y + size)
    return Head(box, None, None, None, 1.0)
