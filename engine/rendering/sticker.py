"""Cut the head out of a photo as a sticker: along its soft mask, with a white outline, on a transparent ground.

The head parser's mask is coarse. Where the photo has edges near its border, the mask follows them (He, Sun and Tang,
"Guided Image Filtering", 2010), so that ears and fur end where they do in the photo.
"""

import io

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageChops, ImageDraw, ImageFilter
from torch import Tensor

from engine.errors import EngineFault
from engine.images.filters import smooth_ramp
from engine.images.pixels import Pixels
from engine.images.tensors import to_tensor
from engine.messages import Head
from engine.rendering.paper import coloured
from engine.vision.alignment import EYE_HEIGHT, Alignment, crop_face
from engine.vision.cropping import within
from engine.vision.head_parsing import parse_head

SIDE = 512  # px, Telegram's measure: one side is this, the other no longer
MOST_BYTES = 512 * 1024  # Telegram's limit
_OUTLINE = 12  # px of white around the head
_ROOM = 3  # px of nothing around the outline
_CUT_SIDE = 720  # px of the square in which the head is cut out
_GUIDES = ((15, 1e-3), (5, 3e-4))  # px and squared levels of 0..1: windows of the guided filter, and what is an edge
_SOLID = (0.25, 0.75)  # values of the mask that are the head's edge, from outside to inside
_SHRUNK = 2  # times, by which the picture is smaller in which the filter is found


def sticker(face: Pixels, at: Alignment, head: Head | None, photo_size: tuple[int, int]) -> bytes:
    """The head in a face as a WebP of SIDE px and at most MOST_BYTES.

    `face` [S, S, 3] is what `at` cuts out of a photo of this size; `head` is in the photo's pixels.
    """
    at = at.scaled(len(face))
    known = Image.fromarray(within((0, 0, *photo_size), at).astype(np.uint8) * 255)
    return _webp(outlined(cut_out(Image.fromarray(face), head and _moved(head, at), known)))


def cut_out(face: Image.Image, head: Head | None, known: Image.Image) -> Image.Image:
    """The head by itself, its eyes level, RGBA. `known` is a mask of what of the face comes from a photo."""
    parsed = parse_head(face, head)
    at = parsed.alignment.scaled(_CUT_SIDE)
    picture = crop_face(face, at)
    coarse = torch.from_numpy(parsed.mask)[None, None]
    mask = F.interpolate(coarse, (_CUT_SIDE,) * 2, mode="bicubic", align_corners=False).clamp(0, 1)
    guide = to_tensor(picture) / 2 + 0.5
    for radius, epsilon in _GUIDES:
        mask = _guided(mask, guide, radius, epsilon).clamp(0, 1)
    mask = smooth_ramp(mask, *_SOLID)
    alpha = Image.fromarray((mask[0, 0] * 255 + 0.5).to(torch.uint8).numpy())
    there = known.transform(alpha.size, Image.Transform.AFFINE, tuple(at.inverse.ravel()), Image.Resampling.BILINEAR)
    cut = Image.fromarray(picture)
    cut.putalpha(_around_the_eyes(ImageChops.multiply(alpha, there)))
    return cut


def outlined(cut: Image.Image) -> Image.Image:
    """A cut-out with a white outline, RGBA: its longer side is SIDE px."""
    box = cut.getchannel("A").point(lambda value: 255 * (value > 24)).getbbox()
    if box is None:
        raise EngineFault("a sticker without a head")
    head, inside = cut.crop(box), SIDE - 2 * (_OUTLINE + _ROOM)
    scale = inside / max(head.size)
    head = head.resize([max(1, round(side * scale)) for side in head.size], Image.Resampling.LANCZOS)
    size = [SIDE if side == max(head.size) else side + 2 * (_OUTLINE + _ROOM) for side in head.size]
    placed = Image.new("RGBA", (size[0], size[1]))
    placed.paste(head, ((size[0] - head.width) // 2, (size[1] - head.height) // 2))
    return Image.alpha_composite(coloured(_grown(placed.getchannel("A"), _OUTLINE), (255, 255, 255)), placed)


def _guided(mask: Tensor, guide: Tensor, radius: int, epsilon: float) -> Tensor:
    """The mask [1, 1, S, S] as a local linear function of the guide's colours [1, 3, S, S].

    The function is found on a smaller picture, with no visible difference (He and Sun, "Fast Guided Filter", 2015).
    """
    radius = round(radius / _SHRUNK)
    small, level = F.avg_pool2d(guide, _SHRUNK), F.avg_pool2d(mask, _SHRUNK)

    def mean(values: Tensor) -> Tensor:
        return F.avg_pool2d(values, 2 * radius + 1, 1, radius, count_include_pad=False)

    average = mean(small)
    shared = mean(small * level) - average * mean(level)
    rows = [mean(small * small[:, one : one + 1]) - average * average[:, one : one + 1] for one in range(3)]
    for one, row in enumerate(rows):
        row[:, one] += epsilon
    # The inverse of a matrix of three rows: products of two of them over the determinant.
    crossed = [torch.linalg.cross(rows[(one + 1) % 3], rows[(one + 2) % 3], dim=1) for one in range(3)]
    determinant = (rows[0] * crossed[0]).sum(1, keepdim=True)
    slope = sum(shared[:, one : one + 1] * crossed[one] for one in range(3)) / determinant
    offset = mean(level) - (slope * average).sum(1, keepdim=True)
    smooth = F.interpolate(torch.cat([mean(slope), mean(offset)], 1), guide.shape[-2:], mode="bilinear")
    return (smooth[:, :3] * guide).sum(1, keepdim=True) + smooth[:, 3:]


def _moved(head: Head, at: Alignment) -> Head:
    """A head of a photo, where it lies in the crop; its box is upright there."""
    corners = [at.to_crop((x, y)) for x in head.box[::2] for y in head.box[1::2]]
    xs, ys = zip(*corners, strict=True)
    left_eye, right_eye, nose = (point and at.to_crop(point) for point in (head.left_eye, head.right_eye, head.nose))
    return Head((min(xs), min(ys), max(xs), max(ys)), left_eye, right_eye, nose, head.score)


def _around_the_eyes(alpha: Image.Image) -> Image.Image:
    """The mask's part that the eyes belong to, its holes filled; what lies apart from it is dropped."""
    seen = alpha.point(lambda value: 255 * (value > 60))
    eyes = alpha.width // 2, round(EYE_HEIGHT * alpha.height)
    if not seen.getpixel(eyes):
        return alpha
    ImageDraw.floodfill(seen, eyes, 128)
    kept = seen.point(lambda value: 255 * (value == 128))
    edged = Image.new("L", (kept.width + 2, kept.height + 2))
    edged.paste(kept, (1, 1))
    ImageDraw.floodfill(edged, (0, 0), 128)
    holes = edged.crop((1, 1, 1 + kept.width, 1 + kept.height)).point(lambda value: 255 * (value == 0))
    near = kept.filter(ImageFilter.MaxFilter(5))
    return ImageChops.lighter(ImageChops.darker(alpha, near), holes)


def _grown(alpha: Image.Image, reach: int) -> Image.Image:
    """The mask made larger by `reach` px, with round corners and a smooth edge."""
    solid = alpha.point(lambda value: 255 * (value > 100)).filter(ImageFilter.GaussianBlur(3))
    large = solid.point(lambda value: 255 * (value > 110)).resize([2 * side for side in alpha.size])
    ring = large.filter(ImageFilter.GaussianBlur(reach * 1.2)).point(lambda value: 255 * (value > 26))
    return ring.filter(ImageFilter.GaussianBlur(2)).resize(alpha.size, Image.Resampling.LANCZOS)


def _webp(picture: Image.Image) -> bytes:
    for quality in (92, 80, 60, 30):
        out = io.BytesIO()
        picture.save(out, "WEBP", quality=quality, method=4, exact=False)
        if out.tell() <= MOST_BYTES:
            return out.getvalue()
    raise EngineFault("a sticker of more than 512 kB")
